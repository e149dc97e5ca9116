"""Our processes hang: each alone and in pairs, with an election through a file. The others end what it should have ended.

The lease is 2 s here: it is over 2 s after the last renewal, whoever hangs.
"""
import os
import signal
import time

import pytest

import processes
from instance import program
from network import own_pids
from test_deaths import MODES
from test_hooks import SHORT
from waiting import holds, now

LEASE = 2.0
KILL = 0.5  # what a loaded machine may need for the end of a process and the next start


@pytest.fixture(params=MODES)
def pair(request, world):
    """A leader whose descendants are stubborn, and one that waits for its end; and the event that says who leads."""
    options, command, led = MODES[request.param]
    one = world.file("one", *SHORT, *options, command=command)
    world.events.wait(led, 5, name="one")
    two = world.file("two", *SHORT, *options, command=command)
    two.wait_for_line("follower|waiting", 5)
    one.wait_for_line("leading", 2)
    if led != "start" and command:  # its program runs without leading
        world.events.wait("start", 5, name="two")
    return one, two, led


def freeze(one, *which):
    """Returns when it was done."""
    pids = [one.pid_of(name) for name in which]
    for pid in pids:
        processes.kill(pid, signal.SIGSTOP)
    return now()


def programs_of(world, name):
    return [event.pid for event in world.events.all("start", name=name)]


def is_over(world, pair, frozen):
    """It ended at its lease's end, everything of it, and the other leads."""
    one, two, led = pair
    promoted = world.events.wait(led, LEASE + KILL + 3, name="two")
    for pid in programs_of(world, "one"):
        assert world.events.last_alive(pid) <= frozen + LEASE + KILL
        assert world.events.last_alive(pid) <= promoted.at
    one.wait(3)
    one.all_gone(2)


def test_the_network_process_hangs(world, pair):
    """It does not answer a renewal, is killed, and another goes on."""
    one, _, _ = pair
    before = world.events.words()
    pid = one.pid_of("network")
    freeze(one, "network")
    one.wait_for_line("does not answer: it is killed", LEASE)
    holds(lambda: world.events.words() == before, LEASE, "no promotion and no demotion")
    assert not processes.alive(pid)


def test_the_supervisor_hangs(world, pair):
    """The keeper ends the program at the hard deadline, then the supervisor; nothing is given away while it lives."""
    one, _, _ = pair
    frozen = freeze(one, "supervisor")
    is_over(world, pair, frozen)
    assert one.matching("the supervisor hangs: it is killed")
    assert one.process.returncode == -signal.SIGKILL


def test_a_supervisor_that_is_pid_1_hangs(world):
    """From inside nobody can kill it. The program is ended, the lock stays; it goes on past its deadline, and exits."""
    one = world.file("one", *SHORT, "--mode", "leader-only", command=program("--ignore-term"), enter=own_pids())
    world.events.wait("start", 5, name="one")
    two = world.file("two", *SHORT, "--mode", "leader-only", command=program())
    two.wait_for_line("follower|waiting", 5)
    frozen = freeze(one, "supervisor")
    one.wait_for_line("the supervisor hangs: it is killed", LEASE + KILL + 1)
    holds(lambda: len(world.events.all("start")) == 1, 1, "the lock is not given away")
    last, = (world.events.last_alive(pid) for pid in world.events.pids() if world.events.last_alive(pid))
    assert last <= frozen + LEASE + KILL
    one.kill("supervisor", signal.SIGCONT)
    assert one.wait(3) == 75
    world.events.wait("start", 2, name="two")


@pytest.mark.parametrize("which", [("keeper",), ("keeper", "network")], ids="+".join)
def test_the_keeper_hangs_while_it_is_to_demote(world, pair, which):
    """The supervisor asks, gets no answer, and ends everything by itself."""
    one, _, _ = pair
    freeze(one, *which)
    holds(lambda: one.process.poll() is None, LEASE, "nobody needs it yet, and the lease is renewed")
    os.unlink(world.lock)
    lost = now()
    one.wait_for_line("the keeper does not demote in time: it is killed", LEASE)
    one.wait(3)
    for pid in programs_of(world, "one"):
        assert world.events.last_alive(pid) <= lost + LEASE + KILL
    one.all_gone(2)


def test_supervisor_and_network_process_hang(world, pair):
    is_over(world, pair, freeze(pair[0], "supervisor", "network"))


@pytest.mark.parametrize("which", [("supervisor", "keeper"), ("supervisor", "keeper", "network")], ids="+".join)
def test_who_could_end_it_hangs_and_go_on_past_the_deadline(world, pair, which):
    """Whoever comes back first does what was due. Nobody may act beside another, but for what could not be ended while
    keeper and supervisor both stood still: a file's lock is not granted to anybody as long as a copy of it is open.
    """
    one, two, led = pair
    freeze(one, *which)
    holds(lambda: not world.events.all(led, name="two"), LEASE + 1, "the lock is not given away")
    for name in which:
        if process := one.process_of(name):
            processes.kill(process.pid, signal.SIGCONT)
    one.wait(5)
    one.all_gone(2)
    world.events.wait(led, 2, name="two")


@pytest.mark.parametrize("which, status", [(["supervisor"], 137), (["supervisor", "keeper"], 75)])
def test_a_stop_that_is_late_gives_the_lock_away_all_the_same(world, which, status):
    one = world.file("one", "--mode", "leader-only", "--stop-timeout", "1s", command=program("--ignore-term"))
    world.events.wait("start", 5)
    one.wait_for_line("leading", 2)
    one.signal(signal.SIGTERM)
    world.events.wait("signal-15", 2)
    freeze(one, *which)
    time.sleep(1.2)
    processes.kill(one.pid, signal.SIGCONT)
    assert one.wait(2) == status
    assert one.matching("demoted") and not one.matching("left to run out")


def test_a_follower_that_hangs_disturbs_nobody(world, pair):
    one, two, led = pair
    before = world.events.words(name="one")
    for which in ("network", "keeper", "supervisor"):
        pid = two.pid_of(which)
        processes.kill(pid, signal.SIGSTOP)
        holds(lambda: world.events.words(name="one") == before, 0.5)
        processes.kill(pid, signal.SIGCONT)
    two.stop()
    two.all_gone()
