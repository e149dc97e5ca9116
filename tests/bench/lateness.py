"""How late everything is killed when a lease is over and nobody has ordered the demotion, idle and under load.

The supervisor is stopped, so that nothing is renewed; the program ignores TERM. The deadline is what the lease page
says, the end of the program what its pidfd tells. Several instances at a time, each with a lock of its own; while their
deadlines pass nothing else is started. We run before all others (SCHED_FIFO), they as ever.

Under load a process waits for its turn even to end, but it acts no more once it has been sent SIGKILL: until when it
did, it says itself, every 2 ms. Prints Markdown for docs/safety.md.
"""
import contextlib
import math
import os
import select
import signal
import statistics
import subprocess
import time

from common import a_world, milliseconds, print_table  # first: it says where the next ones are

import processes
from instance import program
from lease import Lease
from waiting import until

RUNS = int(os.environ.get("RUNS", 1000))
AT_A_TIME = 8
LOAD = 4 * os.cpu_count()
TIMES = ["--ttl", "1s", "--lease", "600ms", "--demote-timeout", "100ms"]
PATIENCE_MS = 60_000
AHEAD = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
READ = 0.3  # seconds until a keeper has surely read what was sent to it before, and before the first deadline


def boottime():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) / 1e9


def ends(pidfds):
    """When each of these processes ended."""
    poll = select.poll()
    for pidfd in pidfds:
        poll.register(pidfd, select.POLLIN)
    ended = {}
    while len(ended) < len(pidfds):
        news = poll.poll(PATIENCE_MS)
        assert news, "nobody kills it"
        for pidfd, _ in news:
            ended[pidfd] = boottime()
            poll.unregister(pidfd)
            os.close(pidfd)
    return [ended[pidfd] for pidfd in pidfds]


class Leader:
    def __init__(self, world, number):
        self.world, self.name = world, f"leader-{number}"
        self.instance = world.start(self.name, "--store", "file:" + world.path("lock-" + self.name), *TIMES,
                                    "--mode", "leader-only", "--", *program("--ignore-term"), stderr=subprocess.DEVNULL,
                                    environment={"TEST_WITNESS": world.path("witness-" + self.name)})

    def leads(self):
        self.program = self.world.events.wait("start", 20, name=self.name).pid
        self.pidfd = os.pidfd_open(self.program)
        variables = dict(entry.partition(b"=")[::2] for entry in processes.environment(self.program).split(b"\0"))
        self.lease = Lease(variables[b"CONSUL_LEADER_LEASE_FILE"])

    @property
    def last_act(self):
        return self.world.events.last_alive(self.program) + AHEAD

    def close(self):
        """The keeper ends all of it, the supervisor too."""
        until(lambda: not self.instance.all, 20, every=0.02)
        self.instance.close()
        self.world.instances.remove(self.instance)


def lateness(world, first):
    """Of as many as run at a time: the end of each, and its last act."""
    leaders = [Leader(world, first + i) for i in range(AT_A_TIME)]
    for leader in leaders:
        leader.leads()
    for leader in leaders:
        leader.instance.signal(signal.SIGSTOP)
    time.sleep(READ)
    deadlines = [leader.lease.words[0] / 1e9 for leader in leaders]
    assert all(deadlines), "one leads no more"
    ended = [end - deadline for end, deadline in zip(ends([leader.pidfd for leader in leaders]), deadlines)]
    acted = [max(0.0, leader.last_act - deadline) for leader, deadline in zip(leaders, deadlines)]
    for leader in leaders:
        leader.close()
    return zip(ended, acted)


def own_delay():
    """From the kill of a process that sleeps, and has to wait for nobody to end, until we know of it."""
    process = subprocess.Popen(["chrt", "--fifo", "1", "sleep", "1000"])
    until(lambda: processes.read(process.pid).name == "sleep" and processes.read(process.pid).state == "S", 5)
    pidfd = os.pidfd_open(process.pid)
    killed = boottime()
    process.kill()
    took = ends([pidfd])[0] - killed
    process.wait()
    return took


@contextlib.contextmanager
def load():
    # In sessions of their own, as the instances are: else the scheduler may count all of them for one.
    busy = [subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", "while :; do :; done"],
                             start_new_session=True) for _ in range(LOAD)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def percentile(values, part):
    return sorted(values)[math.ceil(len(values) * part) - 1]


def row(what, values, goal=""):
    return [what, len(values), milliseconds(statistics.median(values)), milliseconds(percentile(values, 0.99)),
            milliseconds(max(values)), goal]


def measure(world, where, goal):
    late = []
    while len(late) < RUNS:
        late += lateness(world, len(late))
    ended, acted = zip(*late)
    return [row(f"{where}: its end", ended, goal), row("its last act", acted),
            row("the measurement's own part of its end", [own_delay() for _ in range(RUNS)])]


def main():
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    with a_world() as world:
        rows = measure(world, "idle", "10 ms")
    with load(), a_world() as world:
        rows += measure(world, f"{LOAD} busy loops on {os.cpu_count()} processors", "50 ms")
    print_table("The program after the hard deadline", ["", "runs", "median", "p99", "maximum", "goal for p99"], rows)


if __name__ == "__main__":
    main()
