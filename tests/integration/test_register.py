"""--register: the service is ours, with a check that shows how the program is."""
import os
import signal

import pytest

import processes
from instance import hook, program
from trio import FAST, LEADER_ONLY, Trio
from waiting import holds, now, until

KEY = "consul-leader/redis/lock"
ID = "redis-6379"
REGISTER = ["--register", "6379"]


@pytest.fixture
def consul(world):
    return world.consul().start().wait().servers[0]


def start(world, consul, *options, name="one", command=program(), **more):
    return world.start(name, "--service", "redis", *FAST, *options, *(["--", *command] if command else []), agent=consul,
                       **more)


def check(consul, identifier=ID):
    """(status, output) of the service's check, or None."""
    found = consul.request("GET", "/v1/agent/checks").json.get("service:" + identifier)
    return found and (found["Status"], found["Output"])


def passes(consul, identifier=ID):
    return (check(consul, identifier) or ("",))[0] == "passing"


# What is registered, and when

def test_all_of_it(world, consul):
    one = start(world, consul, "--register", "10.0.0.7:6379", "--replica-tag", "standby")
    one.wait_for_line("leading", 10)
    identifier = "redis-10.0.0.7-6379"
    until(lambda: consul.tags(identifier) == ["primary"], 5)
    until(lambda: passes(consul, identifier), 5)
    service = consul.service(identifier)
    assert (service["Service"], service["Address"], service["Port"]) == ("redis", "10.0.0.7", 6379)
    assert service["Meta"] == {"leader-lock": KEY}
    found = consul.request("GET", "/v1/agent/checks").json["service:" + identifier]
    assert found["Type"] in ("ttl", "TTL", "") and found["ServiceID"] == identifier
    until(lambda: identifier in consul.catalog("redis"), 5)
    world.events.wait("start", 5)
    assert one.stop() == 0
    assert consul.service(identifier) is None
    assert check(consul, identifier) is None


def test_followers_have_the_other_tag_and_the_lead_moves_it(world):
    trio = Trio(world, *FAST, "--on-promote", hook("promote"), "--on-demote", hook("demote"), *REGISTER, "--replica-tag",
                "standby", command=program())
    first = trio.settle()

    def tags():
        return {name: agent.tags(ID) for name, agent in trio.agents.items()}
    until(lambda: tags() == {name: ["primary" if name == first else "standby"] for name in trio.agents}, 5)
    at = trio.instances[first].signal(signal.SIGTERM)
    second = trio.leader(5, after=at).name
    trio.instances[first].wait(5)
    until(lambda: tags() == {name: ["primary"] if name == second else None if name == first else ["standby"]
                             for name in trio.agents}, 5)


def test_a_follower_of_leader_only_serves_nothing(world, consul):
    one = start(world, consul, *LEADER_ONLY, *REGISTER)
    until(lambda: passes(consul), 10)
    two = start(world, consul, *LEADER_ONLY, "--register", "6380", name="two")
    two.wait_for_line("follower", 10)
    holds(lambda: consul.service("redis-6380") is None, 0.5, every=0.05)
    one.stop()
    until(lambda: consul.tags("redis-6380") == ["primary"], 10)
    until(lambda: passes(consul, "redis-6380"), 5)
    assert consul.service(ID) is None
    two.stop()
    assert consul.service("redis-6380") is None


def test_a_sidecar_registers_while_it_runs(world, consul):
    one = start(world, consul, "--register", "6379", command=())
    until(lambda: passes(consul), 10)
    until(lambda: consul.tags(ID) == ["primary"], 5)
    assert one.stop() == 0
    assert consul.service(ID) is None


def test_it_is_gone_while_the_program_is(world, consul):
    one = start(world, consul, *REGISTER, "--restart", "always", "--promote-signal", "USR1")
    first = world.events.wait("start", 10)
    until(lambda: passes(consul), 10)
    processes.kill(first.pid)
    one.wait_for_line("service deregistered", 10)
    world.events.wait("start", 10, after=first.at)
    until(lambda: passes(consul) and consul.tags(ID) == ["primary"], 10)


# It stays registered

def test_an_agent_that_was_restarted_without_its_data_has_it_again(world):
    cluster = world.consul(servers=1, agents=1).start().wait()
    agent = cluster.agents[0]
    start(world, agent, *REGISTER)
    until(lambda: passes(agent) and agent.tags(ID) == ["primary"], 10)
    agent.kill()
    for folder in ("services", "checks", "check/state"):
        path = os.path.join(agent.directory, "data", *folder.split("/"))
        for name in os.listdir(path) if os.path.isdir(path) else ():
            if os.path.isfile(os.path.join(path, name)):
                os.unlink(os.path.join(path, name))
    agent.start()
    until(agent.answers, 20)
    until(lambda: passes(agent) and agent.tags(ID) == ["primary"], 20)


@pytest.mark.parametrize("what", ["service", "check"])
def test_what_somebody_removes_is_registered_again(world, consul, figure, what):
    start(world, consul, *REGISTER)
    until(lambda: passes(consul) and consul.tags(ID) == ["primary"], 10)
    begun = now()
    if what == "service":
        consul.deregister(ID)
    else:
        consul.request("PUT", "/v1/agent/check/deregister/service:" + ID)
    until(lambda: passes(consul) and consul.tags(ID) == ["primary"], 10)
    figure(f"registered again after the {what} was removed", now() - begun)


def test_a_service_that_is_not_ours_is_left_alone_until_it_goes(world, consul):
    consul.register(ID=ID, Name="redis", Port=1, Meta={"owner": "somebody"})
    before = consul.service(ID)
    one = start(world, consul, *REGISTER)
    one.wait_for_line("the service redis-6379 is not ours", 10)
    one.wait_for_line("leading", 10)
    holds(lambda: consul.service(ID) == before, 1, every=0.1)
    assert check(consul) is None
    consul.deregister(ID)
    until(lambda: passes(consul) and consul.tags(ID) == ["primary"], 10)
    assert consul.service(ID)["Port"] == 6379
    one.stop()


def test_a_stop_leaves_a_service_that_is_not_ours(world, consul):
    consul.register(ID=ID, Name="redis", Port=1, Tags=["primary"])
    one = start(world, consul, *REGISTER)
    one.wait_for_line("is not ours", 10)
    world.events.wait("start", 5)
    assert one.stop() == 0
    assert consul.tags(ID) == ["primary"]


def test_what_a_killed_run_left_is_taken_over(world, consul):
    one = start(world, consul, *REGISTER, "--instance", "web-1")
    until(lambda: passes(consul), 10)
    processes.end_at_once(one.all)
    assert consul.service(ID)
    two = start(world, consul, "--register", "6379", "--replica-tag", "standby", name="two")
    two.wait_for_line("service registered id=redis-6379", 10)
    until(lambda: passes(consul), 5)
    two.stop()
    assert consul.service(ID) is None


def test_the_last_will_deregisters(world, consul):
    one = start(world, consul, *REGISTER)
    until(lambda: passes(consul), 10)
    one.kill("supervisor")
    one.all_gone(10)
    until(lambda: consul.service(ID) is None, 2)


def test_a_killed_network_process_changes_nothing(world, consul):
    one = start(world, consul, *REGISTER)
    until(lambda: passes(consul) and consul.tags(ID) == ["primary"], 10)
    one.kill("network")
    one.wait_for_line("service registered id=redis-6379", 10, after=now())
    holds(lambda: consul.tags(ID) == ["primary"], 0.5, every=0.02)
    until(lambda: passes(consul), 5)
    assert not one.matching("deregistered")


def test_a_stop_does_not_wait_for_an_agent_that_hangs(world, consul):
    one = start(world, consul, *REGISTER, "--stop-timeout", "1s")
    until(lambda: passes(consul), 10)
    consul.pause()
    begun = one.signal(signal.SIGTERM)
    one.wait(10)
    assert now() - begun < 5
    consul.resume()


@pytest.mark.parametrize("options, said", [
    (["--register", "http"], '--register: "http" is not PORT or ADDRESS:PORT'),
    (["--register", "80", "--tag-service", "redis"], "--tag-service: cannot be used with --register"),
    (["--register", "80", "--store", "file:/tmp/lock"], "--register: needs the store consul"),
    (["--register", "80", "--probe", "consul:"], '--probe: "consul:" would ask for the check'),
])
def test_what_cannot_be_is_refused(world, options, said):
    one = world.start("one", "--service", "redis", *options, "--", *program())
    assert one.wait(5) == 64
    assert len(one.lines) == 1 and said in one.text
