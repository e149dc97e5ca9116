"""The place of an instance: one at a time, and what the next one there has to know."""
import os
import signal

import pytest

import processes
from instance import hook, program
from waiting import holds, now, until


@pytest.fixture
def place(world):
    os.mkdir(world.path("state"))
    return ["--instance", "web-1", "--state-dir", world.path("state")]


@pytest.mark.parametrize("mode", ["follow", "leader-only"])
def test_two_of_one_place_never_run_at_once(world, place, mode):
    one = world.file("one", "--mode", mode, *place, command=program())
    world.events.wait("start", 5)
    two = world.file("two", "--mode", mode, *place, command=program())
    holds(lambda: not world.events.all("start", name="two"), 1, "nothing of it is started")
    one.stop()
    world.events.wait("start", 2, name="two")
    assert two.stop() == 0


def test_after_ten_seconds_the_second_says_who_has_the_place(world, place):
    one = world.file("one", *place, command=program())
    world.events.wait("start", 5)
    begun = now()
    two = world.file("two", *place, command=program())
    line = two.wait_for_line(str(one.pid), 15)
    assert 9.5 <= line.at - begun <= 11.5, line.text
    assert not world.events.all("start", name="two")


def test_a_second_that_waits_for_the_place_can_be_stopped(world, place):
    world.file("one", *place, command=program())
    world.events.wait("start", 5)
    two = world.file("two", *place, command=program())
    holds(lambda: two.process.poll() is None, 0.3)
    begun = now()
    two.stop()
    assert now() - begun < 2
    assert not world.events.all("start", name="two")


def test_a_second_that_was_stopped_while_it_waited_leaves_the_record_of_the_first(world, place):
    options = [*place, "--on-promote", hook("promote"), "--on-demote", hook("demote")]
    one = world.file("one", *options, command=program())
    world.events.wait("promote-end", 5)
    two = world.file("two", *options, command=program())
    holds(lambda: two.process.poll() is None, 0.3)
    two.stop()
    processes.end_at_once(one.all)
    one.all_gone(2)
    world.file("again", *options, command=program())
    assert world.events.wait("demote-end", 5, name="again").reason == "restart"


@pytest.mark.parametrize("which", ["supervisor", "keeper", "network"])
def test_the_place_is_held_until_nothing_is_left_in_it(world, place, which):
    one = world.file("one", *place, "--on-demote", hook("demote", "--exit-after", 500), "--on-promote", hook("promote"),
                     command=program("--daemon"))
    world.events.wait("promote-end", 5)
    two = world.file("two", *place, command=program())
    holds(lambda: not world.events.all("start", name="two"), 0.5)
    one.kill(which)
    if which == "network":
        holds(lambda: not world.events.all("start", name="two"), 1)
        one.stop()
    start = world.events.wait("start", 5, name="two")
    for event in world.events.all(name="one"):
        assert not processes.alive(event.pid)
        assert event.at <= start.at
    one.wait(2)


def test_other_places_are_not_in_the_way(world, place):
    world.file("one", *place, command=program())
    world.events.wait("start", 5, name="one")
    world.file("two", "--instance", "web-2", "--state-dir", world.path("state"), command=program())
    world.events.wait("start", 2, name="two")


def test_without_a_place_two_run_side_by_side(world):
    for name in ("one", "two"):
        world.file(name, command=program())
    for name in ("one", "two"):
        world.events.wait("start", 5, name=name)


def test_a_restart_after_a_clean_stop_has_nothing_to_demote(world, place):
    options = [*place, "--on-promote", hook("promote"), "--on-demote", hook("demote")]
    one = world.file("one", *options, command=program())
    world.events.wait("promote-end", 5)
    one.signal(signal.SIGTERM)
    assert one.wait(5) == 0
    ended = now()
    world.file("again", *options, command=program())
    world.events.wait("promote-begin", 5, name="again")
    assert world.events.words(after=ended, what="*mote-begin") == ["promote-begin"]


def test_a_restart_of_one_that_did_not_lead_has_nothing_to_demote(world, place):
    world.file("leader", "--mode", "leader-only", command=program())
    world.events.wait("start", 5, name="leader")
    options = [*place, "--on-promote", hook("promote"), "--on-demote", hook("demote")]
    one = world.file("one", *options, command=program())
    one.wait_for_line("follower|waiting", 5)
    processes.end_at_once(one.all)
    one.all_gone(2)
    again = world.file("again", *options, command=program())
    again.wait_for_line("follower|waiting", 5)
    assert not world.events.all("*mote-begin")


def test_who_waits_for_its_place_touches_nothing_outside(world):
    role, leader = world.path("role"), world.path("leader")
    files = ["--role-file", role, "--leader-file", leader, "--instance", "web-1", "--state-dir", world.path()]
    world.file("one", *files, "--mode", "leader-only", command=program())
    world.events.wait("start", 5, name="one")
    until(lambda: open(role).read() == "leader\n" and os.path.exists(leader), 2)
    two = world.file("two", *files, "--mode", "leader-only", command=program())
    two.pid_of("network")
    two.kill("network")
    holds(lambda: open(role).read() == "leader\n" and os.path.exists(leader), 0.7)
    two.stop()
    assert open(role).read() == "leader\n" and os.path.exists(leader)


def test_a_role_file_that_a_predecessor_left_is_right_before_the_program_starts(world):
    role, seen = world.path("role"), world.path("seen")
    world.file("leader", command=program()).wait_for_line("leading", 5)
    with open(role, "w") as file:
        file.write("leader\n")
    world.file("one", "--role-file", role, command=["sh", "-c", f"cat {role} > {seen}.new; mv {seen}.new {seen}; sleep 60"])
    until(lambda: os.path.exists(seen), 5)
    assert open(seen).read() == "follower\n"
