"""The leader's machine has no processor, descriptor, disk or reader left."""
import fcntl
import os
import resource
import subprocess
import time

from contest import NAMES
from instance import NAMES as OURS
from network import own_mounts
from scenario import NO_CHANGE, scenario, steady
from waiting import now


@scenario("S54", "four busy loops for each processor", NO_CHANGE, times=steady, alone=True)
def test_s54(contest):
    contest.begin()
    for _ in range(4 * len(os.sched_getaffinity(0))):
        loop = contest.undo.enter_context(subprocess.Popen(["sh", "-c", "while :; do :; done"]))
        contest.undo.callback(loop.kill)
    contest.nothing_happens(2 * contest.times.lease)


def most_descriptors(pids, seconds):
    """The highest descriptor that each of these processes had at any time of a while."""
    highest = dict.fromkeys(pids, 0)
    end = now() + seconds
    while now() < end:
        for pid in pids:
            highest[pid] = max(highest[pid], *map(int, os.listdir(f"/proc/{pid}/fd")))
        time.sleep(0.01)
    return highest


@scenario("S56", "none of the leader's processes can open a descriptor more", NO_CHANGE, times=steady)
def test_s56(contest):
    leader = contest.begin()
    ours = [leader.pid_of(which) for which in OURS]
    for pid, highest in most_descriptors(ours, contest.times.ttl / 2).items():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, highest + 1))
    contest.nothing_happens(contest.times.lease + 1)


def fill(folder):
    with open(os.path.join(folder, "filling"), "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            pass


@scenario("S57", "the disk of the leader's state and runtime directory is full", NO_CHANGE, times=steady)
def test_s57(contest):
    for name in NAMES:
        contest.start(name, "--instance", name, enter=[
            "unshare", *own_mounts(), "sh", "-c",
            'mount -t tmpfs -o size=64k,mode=0711 small "$RUNTIME_DIRECTORY" && exec "$@"', "sh"])
    leader = contest.settle()
    fill(f"/proc/{leader.pid_of('supervisor')}/root{contest.world.runtime}/{leader.name}")
    contest.nothing_happens(contest.times.lease + 1)


@scenario("S58", "stderr of all is a full pipe that nobody reads", NO_CHANGE, times=steady)
def test_s58(contest):
    reader, writer = os.pipe()
    contest.afterwards.callback(os.close, reader)
    contest.afterwards.callback(os.close, writer)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * 4096)
    leader = contest.begin("--log-level", "debug", stderr=writer)
    contest.nothing_happens(contest.times.lease + 1)
    for instance in [*contest.others(leader), leader]:
        instance.stop()
