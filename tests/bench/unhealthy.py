"""How long it takes from the last probe that had to fail, on the leader of three, to the next leader's promotion.

The probe is a command that fails while a file is missing, and writes down when. Between two turns the lead is moved by a
stop: probes alone would move it once a minute at most. Prints Markdown for docs/performance.md.
"""
import os
import signal
import time

from common import a_world, median_and_maximum, print_table  # first: it says where the next ones are

from instance import program
from trio import FAST, HOOKS, LEADER_ONLY, Trio
from waiting import now, until

TURNS = int(os.environ.get("TURNS", 20))
INTERVAL, FALL = 0.2, 3
MODES = {"leader-only": (LEADER_ONLY, program()), "follow, hooks": (HOOKS, program())}


def failures(path):
    """The instants of the monotonic clock at which it failed."""
    offset = time.time() - now()
    with open(path) as file:
        return [int(line) / 1e9 - offset for line in file]


def turn(world, trio, healthy, leader):
    """Seconds, and who leads then."""
    failed = world.path("said", "failed")
    open(failed, "w").close()
    begun = now()
    os.unlink(healthy[leader])
    event = world.events.wait(trio.began, 20, after=begun)
    needed = [at for at in failures(failed) if at >= begun][FALL - 1]
    open(healthy[leader], "w").close()
    return event.at - needed, event.name


def move_on(world, trio, leader):
    at = trio.instances[leader].signal(signal.SIGTERM)
    following = world.events.wait(trio.began, 20, after=at)
    trio.instances[leader].wait(10)
    trio.start(leader)
    until(lambda: len(trio.consul.keys("consul-leader/redis/lock.candidates/")) == 3, 20)
    return following.name


def measure(options, command):
    with a_world() as world:
        healthy = {name: world.path("healthy-" + name) for name in ("one", "two", "three")}
        for path in healthy.values():
            open(path, "w").close()
        look = (f"exec:sh -c 'test -e {world.folder}/healthy-$TEST_NAME || {{ date +%s%N >> {world.folder}/said/failed; "
                f"exit 1; }}'#interval={INTERVAL}s,timeout=5s,grace=0,fall={FALL}")
        trio = Trio(world, *FAST, *options, "--probe", look, command=command)
        leader, took = trio.settle(), []
        for _ in range(TURNS):
            seconds, leader = turn(world, trio, healthy, leader)
            took.append(seconds)
            leader = move_on(world, trio, leader)
    return took


rows = [[name, *median_and_maximum(measure(*kind))] for name, kind in MODES.items()]
print_table(f"The last probe that had to fail to the next leader's promotion ({TURNS} turns)", ["mode", "median", "maximum"],
            rows)
