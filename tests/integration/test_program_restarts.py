"""A program that ends by itself and is started again: whether, when, and what becomes of the lead."""
import os
import signal

import pytest

import processes
from instance import hook, program
from trio import FAST, LEADER_ONLY, Trio
from waiting import holds, until

ALWAYS = ["--restart", "always"]
ON_FAILURE = ["--restart", "on-failure"]


def ends_at_first(world, times, *options):
    """A program that ends so many times, and then runs."""
    count = world.path("said", "ends")
    script = (f'n=$(wc -c < {count} 2>/dev/null || echo 0); [ $n -ge {times} ] && exec "$@"; printf x >> {count}; '
              f'exec "$@" {" ".join(map(str, options))}')
    return ["sh", "-c", script, "sh", *program()]


def gaps(events):
    return [later.at - earlier.at for earlier, later in zip(events, events[1:])]


# Whether

@pytest.mark.parametrize("policy, status, again", [("never", 3, False), ("on-failure", 3, True), ("on-failure", 0, False),
                                                   ("always", 0, True), ("always", 3, True)])
def test_the_policy_says_whether(world, policy, status, again):
    one = world.file("one", "--restart", policy, command=ends_at_first(world, 1, "--exit-after", 20, "--status", status))
    if again:
        world.events.wait("start", 10, count=2)
        assert one.process.poll() is None
        assert one.matching(f"the program is started again status={status} in=")
    else:
        assert one.wait(10) == status
        assert len(world.events.all("start")) == 1


def test_a_program_that_was_killed_is_started_again(world):
    one = world.file("one", *ON_FAILURE, command=program("--children", 2, "--daemon"))
    first = world.events.wait("start", 10)
    world.events.wait("daemon", 5)
    processes.kill(first.pid)
    second = world.events.wait("start", 10, after=first.at)
    left = [process for process in one.others if process.name == "test-program" and process.pid < second.pid]
    assert not left, "nothing of the first is there any more"
    assert one.stop() == 0


def test_a_stop_is_no_reason_to_start_it_again(world):
    one = world.file("one", *ALWAYS, command=program())
    world.events.wait("start", 10)
    assert one.stop() == 0
    assert len(world.events.all("start")) == 1


def test_a_stop_while_nothing_runs_ends_at_once(world):
    one = world.file("one", *ON_FAILURE, "--restart-limit", "100/1m",
                     command=program("--exit-after", 0, "--status", 9))
    one.wait_for_line(r"started again status=9 in=\d{4,}ms", 20)
    assert one.stop() == 0, "nothing runs"
    one.all_gone()


def test_the_limit_ends_the_instance_with_the_programs_status(world):
    one = world.file("one", *ON_FAILURE, "--restart-limit", "2/1m", command=program("--exit-after", 0, "--status", 9))
    assert one.wait(20) == 9
    assert len(world.events.all("start")) == 3
    assert one.matching(r"not started again: that was done 2 times within 1m \(--restart-limit\)")


def test_a_limit_of_none_is_never(world):
    one = world.file("one", *ALWAYS, "--restart-limit", "0/1m", command=program("--exit-after", 0, "--status", 4))
    assert one.wait(10) == 4


def test_a_command_that_has_vanished_ends_the_instance(world):
    path = world.path("command")
    with open(path, "w") as file:
        file.write("#!/bin/sh\nrm $0\nexit 1\n")
    os.chmod(path, 0o755)
    assert world.file("one", *ALWAYS, command=[path]).wait(10) == 127


# When

def test_each_wait_is_longer_than_the_last(world):
    world.file("one", *ON_FAILURE, "--mode", "follow", command=program("--exit-after", 0, "--status", 1))
    world.events.wait("start", 20, count=5)
    found = gaps(world.events.all("start"))[:4]
    for gap, least in zip(found, (0.15, 0.3, 0.6, 1.2)):
        assert gap >= least, found


def test_after_a_time_that_it_ran_the_waits_begin_anew(world):
    one = world.file("one", *ON_FAILURE, "--restart-limit", "10/1s",
                     command=ends_at_first(world, 9, "--exit-after", 1200, "--status", 1))
    world.events.wait("start", 30, count=5)
    waits = [int(line.text.rsplit("in=", 1)[1].removesuffix("ms")) for line in one.matching("started again")]
    assert all(150 <= wait <= 250 for wait in waits), waits


# The lead

@pytest.mark.parametrize("options", [LEADER_ONLY, ["--promote-signal", "USR1"]], ids=["leader-only", "follow"])
def test_a_leader_gets_its_program_back_in_place(world, options):
    one = world.file("one", *options, *ON_FAILURE, "--on-promote", hook("promote"), command=program())
    one.wait_for_line("leading key=", 10)
    first = world.events.wait("start", 5)
    two = world.file("two", *options, *ON_FAILURE, "--on-promote", hook("promote"), command=program())
    two.wait_for_line("follower|waiting", 5)
    processes.kill(first.pid)
    one.wait_for_line("leading again", 10)
    second = world.events.wait("start", 5, name="one", count=2)
    told = world.events.all("promote-end", name="one")
    assert second.pid != first.pid and second.role == "leader"
    assert len(told) == 2 and told[0].token == told[1].token == second.token, "it leads on with its token"
    assert told[1].reason == "program-restarted"
    assert not world.events.all("promote-begin", name="two")
    if "--promote-signal" in options:
        assert world.events.all("signal-10", pid=second.pid)


def test_a_leader_whose_program_stays_away_lets_another_lead(world):
    one = world.file("one", *LEADER_ONLY, *ON_FAILURE,
                     command=ends_at_first(world, 20, "--exit-after", 0, "--status", 1))
    one.wait_for_line("leading key=", 10)
    two = world.file("two", *LEADER_ONLY, command=program())
    world.events.wait("start", 20, name="two")
    assert one.matching("demoting .*reason=program-ended")
    assert one.process.poll() is None, "it is a candidate again"
    two.stop()
    world.events.wait("start", 20, name="one", after=world.events.all("stop", name="two")[0].at)


def test_a_follower_without_its_program_is_no_candidate(world):
    consul = world.consul().start().wait()
    server = consul.servers[0]

    def start(name, *options, command):
        return world.start(name, *FAST, "--service", "redis", "--tag-service", "none", *options, "--", *command,
                           agent=server)
    one = start("one", command=program())
    one.wait_for_line("leading", 10)
    two = start("two", *ON_FAILURE, "--restart-limit", "100/1m",
                command=ends_at_first(world, 5, "--exit-after", 300, "--status", 1))
    candidates = "consul-leader/redis/lock.candidates/"
    until(lambda: len(server.keys(candidates)) == 2, 10)
    until(lambda: len(server.keys(candidates)) == 1, 10)
    world.events.wait("start", 30, name="two", count=6)
    until(lambda: len(server.keys(candidates)) == 2, 10)
    holds(lambda: not two.matching("promoting"), 0.2)


def test_a_program_that_ends_during_its_promotion_costs_the_lead(world):
    one = world.file("one", *ON_FAILURE, "--on-promote", hook("promote", "--exit-after", 20000), command=program())
    world.events.wait("promote-begin", 10)
    start = world.events.wait("start", 5)
    processes.kill(start.pid)
    one.wait_for_line("demoting .*reason=program-ended", 10)
    world.events.wait("start", 10, after=start.at)
    world.events.wait("promote-begin", 20, count=2)
    assert one.process.poll() is None


def test_three_with_consul_and_a_program_that_crashes_again_and_again(world):
    """Whoever leads crashes at once; there is never more than one, and the lead moves on."""
    trio = Trio(world, *FAST, *LEADER_ONLY, *ON_FAILURE, "--restart-limit", "100/1m",
                command=program("--exit-after", 100, "--status", 1))
    until(lambda: {event.name for event in world.events.all("start")} == {"one", "two", "three"}, 40)
    for instance in trio.instances.values():
        instance.signal(signal.SIGTERM)
    for instance in trio.instances.values():
        instance.wait(15)
