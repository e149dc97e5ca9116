"""What an instance does whose program is not well: it is no candidate, and a leader steps down for another that is."""
import os

import pytest

from instance import hook, program
from target import Target
from test_probes import QUICK, probe
from trio import FAST, HOOKS, LEADER_ONLY, Trio
from waiting import holds, now, until

SIGNALS = ["--promote-signal", "USR1", "--demote-signal", "USR2"]
LED = program("--led-by-signals")


def start(world, *options, name="one"):
    return world.file(name, *SIGNALS, *options, command=LED)


def test_a_follower_that_is_not_well_is_no_candidate(world, target):
    sick, well = target, Target()
    sick.status = 500
    two = start(world, *probe(sick.url()), name="two")
    two.wait_for_line("unhealthy", 10)
    one = start(world, *probe(well.url()), name="one")
    one.wait_for_line("leading", 10)
    one.stop()
    holds(lambda: not two.matching("promoting"), 0.3)
    sick.status = 200
    two.wait_for_line("leading", 10)


class Sick(Trio):
    """Three whose health is asked of a file that a test makes and removes."""

    def __init__(self, world, *options, command=LED):
        self.healthy = {name: world.path("healthy-" + name) for name in ("one", "two", "three")}
        for path in self.healthy.values():
            open(path, "w").close()
        super().__init__(world, *FAST, *(SIGNALS + HOOKS if command == LED else LEADER_ONLY), *options, "--probe",
                         f"exec:sh -c 'test -e {world.folder}/healthy-$TEST_NAME'#{QUICK}", command=command)

    def fall_ill(self, name):
        os.unlink(self.healthy[name])
        return self.instances[name].wait_for_line("unhealthy", 10, after=now()).at


@pytest.mark.parametrize("command", [LED, program()], ids=["follow", "leader-only"])
def test_a_leader_that_is_ill_steps_down_for_another(world, figure, command):
    trio = Sick(world, command=command)
    first = trio.settle()
    at = trio.fall_ill(first)
    second = trio.next_leads(at, 10, but=first)
    figure("unhealthy to the next promotion", second.at - at)
    assert trio.instances[first].matching("demoting .*reason=unhealthy")
    assert trio.instances[first].process.poll() is None


def test_it_stays_where_no_other_is_well(world):
    trio = Sick(world)
    first = trio.settle()
    others = [name for name in trio.instances if name != first]
    for name in others:
        trio.fall_ill(name)
    until(lambda: len(trio.consul.keys("consul-leader/redis/lock.candidates/")) == 1, 5)
    trio.fall_ill(first)
    one = trio.instances[first]
    one.wait_for_line("leading on: no other healthy candidate stands", 10)
    holds(lambda: not one.matching("demoting"), 1)
    at = now()
    open(trio.healthy[others[0]], "w").close()
    assert trio.next_leads(at, 10).name == others[0], "it goes as soon as there is one"


def test_probes_alone_move_the_lead_once_a_minute(world):
    trio = Sick(world)
    first = trio.settle()
    second = trio.next_leads(trio.fall_ill(first), 10, but=first).name
    open(trio.healthy[first], "w").close()
    trio.instances[first].wait_for_line("healthy", 10, after=now())
    trio.fall_ill(second)
    trio.instances[second].wait_for_line("its lead came of another's probes less than a minute ago", 10)
    holds(lambda: not trio.instances[second].matching("demoting"), 2)
    trio.instances[second].stop()
    trio.leader(10, after=now() - 1)


def test_it_stays_if_it_is_told_to(world):
    trio = Sick(world, "--unhealthy-leader", "stay")
    first = trio.settle()
    trio.fall_ill(first)
    trio.instances[first].wait_for_line("unhealthy, and leading on", 10)
    holds(lambda: not trio.instances[first].matching("demoting"), 1)


def test_it_ends_if_it_is_told_to(world):
    trio = Sick(world, "--unhealthy-leader", "stop")
    first = trio.settle()
    at = trio.fall_ill(first)
    assert trio.instances[first].wait(10) == 75
    trio.next_leads(at, 10, but=first)


def test_with_a_file_store_it_steps_down_whoever_waits(world):
    """A file does not tell who waits for it."""
    healthy = world.path("healthy")
    open(healthy, "w").close()
    one = start(world, *probe(f"exec:test -e {healthy}"))
    one.wait_for_line("leading", 10)
    two = start(world, name="two")
    two.wait_for_line("follower|waiting", 10)
    os.unlink(healthy)
    two.wait_for_line("leading", 10)


def test_a_sidecar_is_probed_too(world, target):
    target.status = 500
    one = world.file("one", "--on-promote", hook("promote"), "--on-demote", hook("demote"), *probe(target.url()))
    one.wait_for_line("unhealthy", 10)
    assert not world.events.all("promote-begin")
    target.status = 200
    world.events.wait("promote-end", 10)
    assert one.stop() == 0


def test_the_check_of_a_registered_service_shows_it(world):
    consul = world.consul().start().wait().servers[0]
    healthy = world.path("healthy")
    world.start("one", *FAST, "--service", "redis", "--register", "6379", *SIGNALS, *probe(f"exec:test -e {healthy}"),
                "--", *LED, agent=consul)

    def check():
        found = consul.request("GET", "/v1/agent/checks").json.get("service:redis-6379", {})
        return found.get("Status"), found.get("Output")
    until(lambda: check()[0] == "critical" and "exited with status 1" in check()[1], 10)
    open(healthy, "w").close()
    until(lambda: check() == ("passing", "it runs"), 10)
