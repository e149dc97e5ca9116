"""The service's tags: they follow the role, and nothing else of the service changes."""
import signal

import pytest

import processes
from consul import others
from instance import program
from trio import FAST, HOOKS, LEADER_ONLY, LEASE, LOCK_DELAY, Trio
from waiting import holds, now, until

# Every field that Consul 1.8's agent accepts and gives back.
EVERYTHING = {
    "ID": "redis-1", "Name": "redis", "Tags": ["alpha", "v1.2", "alpha"], "Address": "10.1.2.3", "Port": 6379,
    "Meta": {"version": "6", "empty": "", "owner": "\"quoted\" ünicode"},
    "Weights": {"Passing": 7, "Warning": 3}, "EnableTagOverride": True,
    "TaggedAddresses": {"lan": {"Address": "10.1.2.3", "Port": 6379}, "wan": {"Address": "198.51.100.7", "Port": 16379}},
    "Connect": {"Native": True},
    "Checks": [{"CheckID": "redis-alive", "Name": "alive", "TTL": "1h", "Status": "passing", "Notes": "by hand"},
               {"CheckID": "redis-tcp", "Name": "tcp", "TCP": "127.0.0.1:1", "Interval": "1h"}],
}


@pytest.fixture
def consul(world):
    return world.consul().start().wait().servers[0]


def follower(world, consul, *options, name="one", **more):
    return world.start(name, "--service", "redis", *FAST, *LEADER_ONLY, *options, "--", *program(), agent=consul, **more)


def test_all_else_of_the_service_stays(world, consul):
    consul.register(**EVERYTHING)
    until(lambda: consul.catalog("redis"), 5)
    before, row = consul.service("redis-1"), consul.catalog("redis")["redis-1"]
    checks = consul.request("GET", "/v1/agent/checks").json

    one = follower(world, consul)
    until(lambda: consul.tags("redis-1") == ["alpha", "v1.2", "alpha", "primary"], 5)
    until(lambda: consul.catalog("redis")["redis-1"]["ServiceTags"] == ["alpha", "v1.2", "alpha", "primary"], 5)
    assert others(consul.service("redis-1")) == others(before)
    assert others(consul.catalog("redis")["redis-1"]) == others(row)
    assert consul.request("GET", "/v1/agent/checks").json == checks

    one.stop()
    until(lambda: consul.tags("redis-1") == EVERYTHING["Tags"], 2)
    assert others(consul.service("redis-1")) == others(before)
    until(lambda: consul.catalog("redis")["redis-1"]["ServiceTags"] == EVERYTHING["Tags"], 5)
    assert others(consul.catalog("redis")["redis-1"]) == others(row)
    assert consul.request("GET", "/v1/agent/checks").json == checks


@pytest.mark.parametrize("fields", [{}, {"Tags": []}, {"Port": 80, "Tags": ["primary"]}, {"Meta": {"a": "b"}}])
def test_the_smallest_services(world, consul, fields):
    consul.register(Name="redis", **fields)
    before = consul.service("redis")
    one = follower(world, consul)
    world.events.wait("start", 5)
    until(lambda: consul.tags("redis") == ["primary"], 5)
    assert others(consul.service("redis")) == others(before)
    one.stop()
    until(lambda: consul.tags("redis") == [], 2)
    assert others(consul.service("redis")) == others(before)


@pytest.fixture
def trio(world):
    it = Trio(world, *FAST, *HOOKS)
    for number, agent in enumerate(it.agents.values()):
        agent.register(ID=f"redis-{number}", Name="redis", Port=6379 + number, Tags=["db"])
    return it


def tagged(trio, tag="primary"):
    """The names of the instances whose service everybody sees with the tag."""
    rows = trio.consul.catalog("redis")
    return [name for number, name in enumerate(trio.agents) if f"redis-{number}" in rows and
            tag in rows[f"redis-{number}"]["ServiceTags"]]


def test_the_tag_goes_with_the_lead(trio, world):
    for _ in range(2):
        name = trio.leaders()[0].name if trio.leaders() else trio.leader().name
        until(lambda: tagged(trio) == [name], 3)
        fault = trio.instances[name].signal(signal.SIGTERM)
        following = trio.next_leads(fault, 1, but=name)
        until(lambda: tagged(trio) == [following.name], 3)
        trio.instances[name].wait(5)
        trio.start(name)


def test_the_tag_of_a_killed_instance_is_taken_off_by_its_own_last_will(trio, world):
    name = trio.leader().name
    until(lambda: tagged(trio) == [name], 3)
    fault = trio.instances[name].kill("supervisor")
    following = trio.next_leads(fault, 1, but=name)
    until(lambda: tagged(trio) == [following.name], 3)
    trio.instances[name].all_gone(5)


def test_a_tag_that_a_dead_instance_left_is_taken_off_when_it_is_back(trio, world):
    name = trio.leader().name
    until(lambda: tagged(trio) == [name], 3)
    processes.end_at_once(trio.instances[name].all)
    fault = now()
    following = trio.next_leads(fault, 2 * 2 + LOCK_DELAY + 2, but=name)
    assert name in tagged(trio)
    trio.start(name)
    until(lambda: tagged(trio) == [following.name], 5)


def test_the_tag_is_off_before_the_demotion_is_complete(trio, world):
    """Sent before, never waited for: by the time of the next leader it is off."""
    name = trio.leader().name
    until(lambda: tagged(trio) == [name], 3)
    trio.instances[name].signal(signal.SIGTERM)
    world.events.wait("demote-end", 2, name=name)
    until(lambda: name not in tagged(trio), 1)


def test_replica_tag(world, consul):
    consul.register(Name="redis", ID="redis-1", Tags=["db"])
    blocker = world.start("blocker", "--service", "redis", *FAST, *LEADER_ONLY, "--tag-service", "none", "--", *program(),
                          agent=consul)
    world.events.wait("start", 5)
    one = follower(world, consul, "--primary-tag", "leader", "--replica-tag", "replica")
    until(lambda: consul.tags("redis-1") == ["db", "replica"], 5)
    blocker.stop()
    until(lambda: consul.tags("redis-1") == ["db", "leader"], 5)
    one.stop()
    until(lambda: consul.tags("redis-1") == ["db"], 2)


def test_a_service_that_comes_later_is_tagged(world, consul):
    follower(world, consul)
    world.events.wait("start", 5)
    holds(lambda: consul.service("redis") is None, 1, "it creates none")
    consul.register(Name="redis", Port=6379)
    until(lambda: consul.tags("redis") == ["primary"], 2)


@pytest.mark.timed
def test_a_service_that_is_registered_just_after_the_start_is_tagged_at_once(world, consul):
    """As Nomad does it; nothing is worth a word then."""
    one = follower(world, consul)
    one.wait_for_line("leading", 10)
    consul.register(Name="redis", ID="redis-1")
    until(lambda: consul.tags("redis-1") == ["primary"], 0.7)
    assert "to be tagged" not in one.text


def test_a_service_that_goes_is_not_brought_back(world, consul):
    consul.register(Name="redis", Port=6379)
    one = follower(world, consul)
    until(lambda: consul.tags("redis") == ["primary"], 5)
    consul.deregister("redis")
    holds(lambda: consul.service("redis") is None, 2)
    consul.register(Name="redis", Port=6380)
    until(lambda: consul.tags("redis") == ["primary"], 2)
    assert consul.service("redis")["Port"] == 6380
    consul.deregister("redis")
    assert one.stop() == 0
    assert consul.service("redis") is None


def test_what_others_do_to_the_tags_is_mended(world, consul):
    """As Nomad does: it brings back what it remembers."""
    consul.register(Name="redis", Port=6379, Tags=["db"])
    one = follower(world, consul)
    until(lambda: consul.tags("redis") == ["db", "primary"], 5)
    took = []
    for turn in range(5):
        begun = now()
        consul.register(Name="redis", Port=6379, Tags=["db", f"turn-{turn}"], Meta={"turn": str(turn)})
        until(lambda: consul.tags("redis") == ["db", f"turn-{turn}", "primary"], 2)
        took.append(now() - begun)
        assert consul.service("redis")["Meta"] == {"turn": str(turn)}
    assert min(took) < 0.2, took
    assert one.process.poll() is None


def test_a_follower_takes_off_what_others_bring_back(world, consul):
    blocker = world.start("blocker", "--service", "redis", *FAST, *LEADER_ONLY, "--tag-service", "none", "--", *program(),
                          agent=consul)
    world.events.wait("start", 5)
    consul.register(Name="redis", Port=6379, Tags=["db", "primary"])
    follower(world, consul)
    until(lambda: consul.tags("redis") == ["db"], 5)
    for _ in range(3):
        consul.register(Name="redis", Port=6379, Tags=["primary", "db"])
        until(lambda: consul.tags("redis") == ["db"], 2)
    assert blocker.process.poll() is None


def test_the_tag_follows_the_role_when_the_lead_is_lost(trio, world):
    name = trio.leader().name
    until(lambda: tagged(trio) == [name], 3)
    lost = now()
    trio.consul.delete("consul-leader/redis/lock")
    world.events.wait("demote-begin", 1, name=name)
    until(lambda: tagged(trio) == [], 1)
    following = trio.leader(LEASE + 3, after=lost)
    until(lambda: tagged(trio) == [following.name], 2)


def test_the_network_process_killed_keeps_the_tag(world, consul):
    consul.register(Name="redis", Port=6379, Tags=["db"])
    one = follower(world, consul)
    until(lambda: consul.tags("redis") == ["db", "primary"], 5)
    one.kill("network")
    holds(lambda: consul.tags("redis") == ["db", "primary"], 1.5)
    consul.register(Name="redis", Port=6379, Tags=["db"])
    until(lambda: consul.tags("redis") == ["db", "primary"], 2)


# Which service

def several(consul):
    consul.register(ID="redis-a", Name="redis", Port=1)
    consul.register(ID="redis-b", Name="redis", Port=2)
    consul.register(ID="other", Name="other", Port=3)


def test_of_several_none_is_guessed(world, consul):
    several(consul)
    one = follower(world, consul)
    line = one.wait_for_line("redis-a.*redis-b", 5)
    assert "--tag-service" in line.text
    holds(lambda: not any(consul.tags(name) for name in ("redis-a", "redis-b", "other")), 1)


@pytest.mark.parametrize("how, whom", [("redis-b", "redis-b"), ("redis-a*", "redis-a"), ("oth*", "other")])
def test_a_service_by_id_or_prefix(world, consul, how, whom):
    several(consul)
    follower(world, consul, "--tag-service", how)
    until(lambda: consul.tags(whom) == ["primary"], 5)
    assert not any(consul.tags(name) for name in ("redis-a", "redis-b", "other") if name != whom)


def test_none(world, consul):
    consul.register(Name="redis", Port=1, Tags=["primary"])
    follower(world, consul, "--tag-service", "none")
    world.events.wait("start", 5)
    holds(lambda: consul.tags("redis") == ["primary"], 1, "not ours to touch")
