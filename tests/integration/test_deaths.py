"""Each of our three processes killed, with an election through a file: the table of docs/design.md."""
import os
import signal

import pytest

import processes
from instance import hook, program
from waiting import holds, now, until

HOOKS = ["--on-promote", hook("promote"), "--on-demote", hook("demote")]
SIGNALS = ["--promote-signal", "USR1", "--demote-signal", "USR2"]
MODES = {
    "leader-only": (["--mode", "leader-only"], program("--children", 2, "--daemon"), "start"),
    "follow with hooks": (HOOKS, program("--children", 2, "--daemon"), "promote-end"),
    "follow with signals": (SIGNALS, program("--led-by-signals"), "signal-10"),
    "sidecar": (HOOKS, (), "promote-end"),
}


@pytest.fixture(params=MODES)
def pair(request, world):
    """A leader, and one that waits for its end; and the event that says who leads."""
    options, command, led = MODES[request.param]
    one = world.file("one", *options, command=command)
    world.events.wait(led, 5, name="one")
    two = world.file("two", *options, command=command)
    two.wait_for_line("follower|waiting", 5)
    if led != "start" and command:  # its program runs without leading
        world.events.wait("start", 5, name="two")
    return one, two, led


def test_the_network_process_killed_is_noticed_by_nobody(world, pair):
    one, two, led = pair
    token = world.events.all(led, name="one")[0].token
    before = world.events.words()
    for _ in range(3):
        pid = one.pid_of("network")
        one.kill("network")
        until(lambda: (new := one.process_of("network")) and new.pid != pid, 2, "another network process")
    holds(lambda: world.events.words() == before, 1.5, "no promotion and no demotion")
    zombies = [process for process in processes.descendants(one.pid) if not process.alive]
    assert not zombies, "it is reaped"

    one.stop()
    after = world.events.wait(led, 1, name="two")
    assert not token.strip("-0") or int(token) < int(after.token)


def test_the_network_process_of_a_waiting_one_killed(world, pair):
    one, two, led = pair
    pid = two.pid_of("network")
    two.kill("network")
    until(lambda: (new := two.process_of("network")) and new.pid != pid, 2, "another network process")
    one.stop()
    world.events.wait(led, 2, name="two")


def test_the_keeper_killed(world, pair):
    one, two, led = pair
    killed = one.kill("keeper")
    assert one.wait(5) == 75
    world.events.wait(led, 1, name="two")
    if led == "promote-end":
        demotion = world.events.wait("demote-end", 0, name="one")
        assert demotion.at > killed
        promoted = world.events.all("promote-begin", name="two")[0]
        assert demotion.at <= promoted.at, "it gave the lock away only after its demotion"
    one.all_gone()


def test_the_supervisor_killed(world, pair):
    one, two, led = pair
    programs = [event.pid for event in world.events.all("start", name="one")]
    killed = one.kill("supervisor")
    world.events.wait(led, 5, name="two")
    assert one.wait(1) == 137
    if led == "promote-end":
        demotion = world.events.wait("demote-end", 0, name="one")
        promoted = world.events.all("promote-begin", name="two")[0]
        assert killed < demotion.at <= promoted.at
    for pid in programs:
        assert not processes.alive(pid)
    one.all_gone(1)


def test_each_process_of_a_waiting_one_killed(world):
    """Nobody else notices it, and nothing of it stays."""
    leader = world.file("leader", *HOOKS, command=program())
    world.events.wait("promote-end", 5)
    before = world.events.words(name="leader")
    for which, status in (("keeper", 75), ("supervisor", 137)):
        other = world.file(which, *HOOKS, command=program("--children", 2, "--daemon"))
        world.events.wait("start", 5, name=which)
        other.wait_for_line("follower|waiting", 5)
        other.kill(which)
        assert other.wait(5) == status
        other.all_gone(2)
        assert not world.events.all("demote-*", name=which), "it did not lead"
    assert world.events.words(name="leader") == before
    assert leader.process.poll() is None


def test_the_keeper_killed_after_the_program_ended_gives_its_status(world):
    """The program's own end is what counts, when both happen at once."""
    one = world.file("one", command=program("--exit-after", 300, "--status", 9, "--daemon"))
    start = world.events.wait("start", 5)
    keeper = one.pid_of("keeper")
    processes.kill(keeper, signal.SIGSTOP)
    until(lambda: not processes.alive(start.pid), 5)
    processes.kill(keeper)
    assert one.wait(5) in (9, 75)
    one.all_gone()


def test_a_program_that_never_forks_dies_with_the_supervisor(world):
    one = world.file("one", command=program())
    start = world.events.wait("start", 5)
    one.kill("supervisor")
    until(lambda: not processes.alive(start.pid), 1)
    one.all_gone(2)


@pytest.mark.parametrize("which", ["supervisor", "keeper"])
def test_killed_in_the_middle_of_a_promotion(world, which):
    options = ["--on-promote", hook("promote", "--exit-after", 20000, "--children", 1), "--on-demote", hook("demote")]
    one = world.file("one", *options, command=program())
    promotion = world.events.wait("promote-begin", 5)
    two = world.file("two", *HOOKS, command=program())
    two.wait_for_line("follower|waiting", 5)
    one.kill(which)
    demotion = world.events.wait("demote-begin", 5, name="one")
    assert not processes.alive(promotion.pid)
    promoted = world.events.wait("promote-begin", 5, name="two")
    assert demotion.at < promoted.at
    one.wait(5)
    one.all_gone(2)


@pytest.mark.parametrize("which", ["supervisor", "keeper"])
def test_killed_in_the_middle_of_a_demotion(world, which):
    options = ["--on-promote", hook("promote"), "--on-demote", hook("demote", "--exit-after", 700)]
    one = world.file("one", *options, command=program())
    world.events.wait("promote-end", 5)
    two = world.file("two", *options, command=program())
    two.wait_for_line("follower|waiting", 5)
    one.signal(signal.SIGTERM)
    world.events.wait("demote-begin", 2, name="one")
    one.kill(which)
    promoted = world.events.wait("promote-begin", 6, name="two")
    for event in world.events.all("demote-begin", name="one"):
        assert not processes.alive(event.pid) and event.at < promoted.at
    one.wait(5)
    one.all_gone(2)


@pytest.mark.parametrize("which", ["supervisor", "keeper", "network"])
def test_killed_while_it_starts(world, which):
    """At any moment of the start: nothing stays, and the next one leads."""
    for turn in range(8):
        one = world.file(f"one{turn}", "--mode", "leader-only", command=program("--daemon"))
        until(lambda: one.process_of(which) or one.process.poll() is not None, 2)
        if process := one.process_of(which):
            processes.kill(process.pid)
        if which == "network":
            world.events.wait("start", 5, name=f"one{turn}")
            one.stop()
        else:
            one.wait(5)
        one.all_gone(3)
    world.file("last", "--mode", "leader-only", command=program())
    world.events.wait("start", 5, name="last")


def test_the_whole_instance_killed_frees_the_lock(world):
    one = world.file("one", "--mode", "leader-only", command=program())
    world.events.wait("start", 5)
    two = world.file("two", "--mode", "leader-only", command=program())
    two.wait_for_line("follower|waiting", 5)
    processes.end_at_once(one.all)
    world.events.wait("start", 2, name="two")
    world.events.judge(world.events.leading())


def test_the_copies_of_the_lock_are_not_in_the_program(world):
    one = world.file("one", "--mode", "leader-only", command=program("--daemon"))
    start = world.events.wait("start", 5)
    for pid in [start.pid] + [event.pid for event in world.events.all("daemon")]:
        held = [os.readlink(f"/proc/{pid}/fd/{entry}") for entry in os.listdir(f"/proc/{pid}/fd")]
        assert not [path for path in held if path.startswith(world.lock)], held
    assert one.stop() == 0


def test_a_stop_while_nothing_but_time_is_waited_for(world):
    """A program that is told nothing has until its deadline; a stop during that time ends it at once, and kindly."""
    one = world.file("one", "--service", "redis", command=program("--status", 5))
    world.events.wait("start", 5)
    one.wait_for_line("leading", 5)
    os.unlink(world.lock)
    one.wait_for_line("demoting", 2)
    begun = now()
    assert one.stop() == 5, "the program's own status"
    assert now() - begun < 1
    assert world.events.all("signal-15")
