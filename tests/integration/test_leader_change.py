"""--on-leader-change: followers hear who leads."""
import json
import os
import signal

import pytest

from instance import TEST_PROGRAM, hook, program
from trio import FAST, HOOKS, LEADER_ONLY, Trio
from waiting import holds, until

CHANGE = ["--on-leader-change", hook("change")]


def told(world):
    """Each instance writes whom it was told of, one a line."""
    return ["--on-leader-change", f"sh -c 'echo $CONSUL_LEADER_HOLDER >> {world.path('said')}/$TEST_NAME'"]


def heard(world, name):
    path = world.path("said", name)
    return [json.loads(line)["instance"] for line in open(path)] if os.path.exists(path) else []


@pytest.mark.parametrize("options", [HOOKS, LEADER_ONLY], ids=["follow", "leader-only"])
def test_every_follower_hears_of_every_other_leader(world, options):
    trio = Trio(world, *FAST, *options, *told(world))
    first = trio.settle()
    followers = [name for name in trio.instances if name != first]
    number = trio.instances[first].pid_of("supervisor")
    until(lambda: all(len(heard(world, name)) == 1 for name in followers), 10)
    assert all(heard(world, name)[0].endswith(f"/{number}") for name in followers)
    assert heard(world, first) == [], "nobody is told of its own lead"
    at = trio.instances[first].signal(signal.SIGTERM)
    second = trio.next_leads(at, 10, but=first).name
    third, = (name for name in followers if name != second)
    until(lambda: len(heard(world, third)) == 2, 10)
    assert len(heard(world, second)) == 1


def test_a_sidecar_hears_too_and_what_it_is_given(world):
    consul = world.consul().start().wait().servers[0]
    path = world.path("said", "environment")
    one = world.start("one", *FAST, "--service", "redis", "--tag-service", "none", "--instance", "first", agent=consul)
    one.wait_for_line("leading", 10)
    world.start("two", *FAST, "--service", "redis", "--tag-service", "none", "--on-leader-change",
                f"{TEST_PROGRAM} hook change --environment {path}", agent=consul)
    world.events.wait("change-end", 10, name="two")
    given = dict(entry.split("=", 1) for entry in open(path).read().split("\0") if "=" in entry)
    assert (given["CONSUL_LEADER_ROLE"], given["CONSUL_LEADER_REASON"]) == ("follower", "leader-changed")
    assert json.loads(given["CONSUL_LEADER_HOLDER"])["instance"] == "first"


def service(consul, **more):
    consul.register(Name="redis", ID="redis-1", Port=6379, **more)


def where(world, name):
    path = world.path("said", name)
    found = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    return [(holder["service_id"], holder["address"]) for holder in found]


def test_it_is_told_where_the_leaders_service_is(world):
    consul = world.consul().start().wait().servers[0]
    service(consul, Address="10.0.0.7")
    one = world.start("one", *FAST, "--service", "redis", *LEADER_ONLY, "--", *program(), agent=consul)
    one.wait_for_line("leading", 10)
    until(lambda: consul.tags("redis-1") == ["primary"], 5)
    world.start("two", *FAST, "--service", "redis", "--tag-service", "none", *told(world), agent=consul)
    until(lambda: where(world, "two")[-1:] == [("redis-1", "10.0.0.7:6379")], 10)


def test_and_again_when_that_is_known_later_or_changes(world):
    consul = world.consul().start().wait().servers[0]
    one = world.start("one", *FAST, "--service", "redis", *LEADER_ONLY, "--", *program(), agent=consul)
    one.wait_for_line("leading", 10)
    world.start("two", *FAST, "--service", "redis", "--tag-service", "none", *told(world), agent=consul)
    until(lambda: where(world, "two") == [("", "")], 10)
    node = json.loads(consul.get("consul-leader/redis/lock")["Value"])["node"]
    service(consul)
    until(lambda: where(world, "two")[1:] == [("redis-1", f"{node}:6379")], 10)
    service(consul, Address="fd00::7")
    until(lambda: where(world, "two")[2:] == [("redis-1", "[fd00::7]:6379")], 10)
    holds(lambda: len(where(world, "two")) == 3 and not one.matching("demoting"), 1)


def test_a_service_of_ours_is_known_before_it_is_there(world):
    consul = world.consul().start().wait().servers[0]
    path = world.path("environment")
    world.start("one", *FAST, "--service", "redis", *LEADER_ONLY, "--register", "10.0.0.7:6379", "--",
                *program("--environment", path), agent=consul)
    given = until(lambda: os.path.exists(path) and [entry for entry in open(path).read().split("\0")
                                                    if entry.startswith("CONSUL_LEADER_HOLDER=")], 10)
    holder = json.loads(given[0].split("=", 1)[1])
    assert (holder["service_id"], holder["address"]) == ("redis-10.0.0.7-6379", "10.0.0.7:6379")


def test_a_promotion_does_not_wait_for_it(world):
    change = ["--on-leader-change", hook("change", "--ignore-term", "--exit-after", 30000)]
    trio = Trio(world, *FAST, *HOOKS, *change)
    first = trio.settle()
    until(lambda: len(world.events.all("change-begin")) == 2, 10)
    at = trio.instances[first].signal(signal.SIGTERM)
    second = trio.next_leads(at, 10, but=first).name
    trio.instances[second].wait_for_line("hook ended, as it is not wanted any more hook=on-leader-change", 5)
    assert not trio.instances[second].matching("hook failed")


def test_while_one_runs_only_the_newest_is_kept(world):
    """Held by hand by one session after another."""
    consul = world.consul().start().wait().servers[0]
    gate = world.path("gate")
    one = world.start("one", *FAST, "--service", "redis", "--tag-service", "none", "--on-leader-change",
                      f"sh -c 'echo begun; until test -e {gate}; do sleep 0.05; done; echo told $CONSUL_LEADER_SESSION_ID'",
                      agent=consul)
    one.wait_for_line("leading", 10)
    key = "consul-leader/redis/lock"
    sessions = [consul.create_session(TTL="600s", LockDelay="0s") for _ in range(4)]
    consul.put(key, release=consul.holder(key))
    previous = None
    for number, session in enumerate(sessions):
        if previous:
            consul.put(key, release=previous)
        until(lambda: consul.put(key, acquire=session), 10)
        previous = session
        if number == 0:
            one.wait_for_line("on-leader-change: begun", 15)
    world.judged = False
    one.wait_for_line(f"follower of .*session: {sessions[3]}|follower of redis", 10)
    until(lambda: len(one.matching(r"follower of")) >= 2, 10)
    holds(lambda: len(one.matching("on-leader-change: begun")) == 1, 0.5)
    open(gate, "w").close()
    one.wait_for_line(f"on-leader-change: told {sessions[3]}", 10)
    assert len(one.matching("on-leader-change: begun")) == 2


def test_a_failure_changes_nothing(world):
    one = world.file("one", command=program("--led-by-signals"))
    one.wait_for_line("leading|promoting", 10)
    two = world.file("two", "--on-leader-change", "false", "--promote-signal", "USR1", "--demote-signal", "USR2",
                     command=program("--led-by-signals"))
    two.wait_for_line("hook failed hook=on-leader-change", 10)
    one.stop()
    two.wait_for_line("leading", 10)
