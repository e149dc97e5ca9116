"""The sidecar: no command, only the election, the tags and the hooks; with all that the shell sidecar was told."""
import os
import signal
import threading

import pytest

from consul import others
from instance import hook, program
from trio import FAST, HOOKS, KEY, LEADER_ONLY, LEASE, TTL
from waiting import holds, now, until
from wire import Wire

ALLOCATION = "3b2a7d1c-8f0e-4c5d-9e61-0123456789ab"


@pytest.fixture
def consul(world):
    return world.consul().start().wait().servers[0]


@pytest.fixture
def nomad(world):
    """The environment of a Nomad task."""
    os.makedirs(world.path("alloc"))
    return {"NOMAD_ALLOC_ID": ALLOCATION, "NOMAD_ALLOC_DIR": world.path("alloc"), "NOMAD_TASK_NAME": "leader",
            "NOMAD_GROUP_NAME": "cache", "NOMAD_JOB_NAME": "cache"}


def nomad_id(name, task="redis"):
    return f"_nomad-task-{ALLOCATION}-{task}-{name}-db"


# What it was told, with the shell sidecar's names

def test_nothing_set(world, consul):
    consul.register(Name="consul-leader", Port=80)
    one = world.start("one", agent=consul)
    until(lambda: consul.tags("consul-leader") == ["primary"], 5)
    assert consul.holder("consul-leader/lock")
    assert one.stop() == 0
    assert consul.tags("consul-leader") == [] and not consul.holder("consul-leader/lock")


def test_all_variables_of_the_shell_sidecar(world, consul):
    consul.register(Name="redis", Port=6379, Tags=["db"])
    told = {"CONSUL_HTTP_ADDR": "http://localhost:8500", "CONSUL_LEADER_SERVICE_NAME": "redis",
            "CONSUL_LEADER_KEY": "/some/where/lock", "CONSUL_LEADER_PRIMARY_LABEL": "main",
            "CONSUL_LEADER_REPLICA_LABEL": "copy", "CONSUL_LEADER_TTL": "15s", "CONSUL_LEADER_SLEEP": "2",
            "CONSUL_LEADER_LOCKDELAY": "0s", "CONSUL_LEADER_LOG_LEVEL": "debug"}
    one = world.start("one", agent=consul, environment=told)
    until(lambda: consul.tags("redis") == ["db", "main"], 5)
    session = consul.session(consul.holder("some/where/lock"))
    assert session["TTL"] == "15s"
    assert session["LockDelay"] == 0, "less is obeyed"
    assert one.matching(r"warn .*LOCKDELAY"), "with a warning that names the risk"
    assert one.matching(" info ")
    quiet = world.start("quiet", agent=consul, environment=told | {"CONSUL_LEADER_LOG_LEVEL": "warn"})
    until(lambda: len(consul.sessions()) == 2, 5)
    assert not quiet.matching(" info ")
    assert quiet.stop() == 0
    assert one.stop() == 0


def test_the_replica_label_of_one_that_does_not_lead(world, consul):
    blocker = world.start("blocker", "--service", "redis", "--tag-service", "none", *FAST, *HOOKS, agent=consul)
    world.events.wait("promote-end", 5)
    consul.register(Name="redis", Port=6379, Tags=["db", "main"])
    world.start("one", *FAST, agent=consul, environment={
        "CONSUL_LEADER_SERVICE_NAME": "redis", "CONSUL_LEADER_PRIMARY_LABEL": "main",
        "CONSUL_LEADER_REPLICA_LABEL": "copy"})
    until(lambda: consul.tags("redis") == ["db", "copy"], 5)
    assert blocker.process.poll() is None


def test_a_sleep_longer_than_the_lease_bears_is_lowered_with_a_warning(world, consul):
    consul.register(Name="redis", Port=6379)
    one = world.start("one", agent=consul, environment={"CONSUL_LEADER_SERVICE_NAME": "redis",
                                                        "CONSUL_LEADER_SLEEP": "3600"})
    one.wait_for_line(r"warn .*(SLEEP|renew-interval)", 2)
    until(lambda: consul.tags("redis") == ["primary"], 5)


def test_an_unknown_variable_gets_one_warning(world, consul):
    one = world.start("one", agent=consul, environment={"CONSUL_LEADER_COLOUR": "red"})
    one.wait_for_line("leading", 10)
    assert len(one.matching("CONSUL_LEADER_COLOUR")) == 1
    assert one.matching("warn .*CONSUL_LEADER_COLOUR")


# In Nomad

def test_in_nomad_it_finds_its_service_and_marks_the_leader_with_a_file(world, consul, nomad):
    consul.register(ID="_nomad-task-other-alloc-redis-redis-db", Name="redis", Port=1, EnableTagOverride=True)
    consul.register(ID=nomad_id("metrics"), Name="metrics", Port=2, EnableTagOverride=True)
    consul.register(ID=nomad_id("redis"), Name="redis", Port=3, Tags=["db"], EnableTagOverride=True)
    marker = world.path("alloc", ALLOCATION)
    one = world.start("one", "--service", "redis", *FAST, agent=consul, environment=nomad)
    until(lambda: consul.tags(nomad_id("redis")) == ["db", "primary"], 5)
    until(lambda: os.path.exists(marker), 2)
    assert consul.tags(nomad_id("metrics")) == [] and consul.tags("_nomad-task-other-alloc-redis-redis-db") == []
    assert "session" not in consul.service(nomad_id("redis"))["Meta"], "Nomad would revert it"
    assert one.stop() == 0
    assert not os.path.exists(marker)
    assert consul.tags(nomad_id("redis")) == ["db"]


def test_a_service_that_nomad_deregisters_while_it_stops_us_does_not_come_back(world, consul, nomad):
    consul.register(ID=nomad_id("redis"), Name="redis", Port=3, EnableTagOverride=True)
    one = world.start("one", "--service", "redis", *FAST, agent=consul, environment=nomad)
    until(lambda: consul.tags(nomad_id("redis")) == ["primary"], 5)
    one.signal(signal.SIGTERM)
    one.wait_for_line("demoted", 2)
    consul.deregister(nomad_id("redis"))
    assert one.wait(5) == 0
    holds(lambda: consul.service(nomad_id("redis")) is None, 0.5)


def start_task(world, consul, nomad, service, *options):
    """One that runs as the task redis of an allocation with this service, and has tagged it."""
    consul.register(**service)
    one = world.start("one", "--service", "redis", *FAST, *LEADER_ONLY, *options, "--", *program(), agent=consul,
                      environment=nomad | {"NOMAD_TASK_NAME": "redis"})
    until(lambda: consul.tags(service["ID"]) == ["primary"], 5)
    world.events.wait("start", 5)
    return one


TASK_SERVICE = {"ID": nomad_id("redis"), "Name": "redis", "Port": 3, "EnableTagOverride": True}
GROUP_SERVICE = TASK_SERVICE | {"ID": nomad_id("redis", "group-cache"), "Connect": {"SidecarService": {"Port": 4}}}
PROXY = {"ID": GROUP_SERVICE["ID"] + "-sidecar-proxy", "Name": "redis-sidecar-proxy", "Kind": "connect-proxy", "Port": 4,
         "Proxy": {"DestinationServiceName": "redis", "DestinationServiceID": GROUP_SERVICE["ID"]}}


def test_our_own_task_s_service_ends_with_us(world, consul, nomad):
    one = start_task(world, consul, nomad, TASK_SERVICE)
    assert one.stop() == 0
    assert consul.service(TASK_SERVICE["ID"]) is None


@pytest.mark.parametrize("service, wiped", [(TASK_SERVICE, TASK_SERVICE), (GROUP_SERVICE, PROXY)], ids=["task", "proxy"])
def test_a_write_of_ours_that_comes_after_nomad_s_brings_nothing_back(world, consul, nomad, service, wiped):
    wire = Wire(world.path("wire"), consul.socket)
    other = nomad_id("exporter", "exporter")
    consul.register(ID=other, Name="exporter", Port=9)
    one = start_task(world, consul, nomad, service, "--http-addr", "unix://" + wire.path)
    until(lambda: consul.tags(wiped["ID"]) == ["primary"], 2)

    def nomad_stops_it():
        one.signal(signal.SIGTERM)
        one.wait_for_line("demoting", 2)
        consul.deregister(service["ID"])
        consul.deregister(wiped["ID"])
    wire.before("service/register", nomad_stops_it)
    consul.register(**wiped)
    assert one.wait(5) == 0
    assert wire.seen
    assert consul.service(service["ID"]) is None and consul.service(wiped["ID"]) is None
    assert consul.tags(other) == []
    wire.close()


@pytest.mark.parametrize("owner", ["group-cache", "redis-2", "other"])
def test_a_service_that_is_not_our_task_s_loses_the_tag_alone(world, consul, nomad, owner):
    service = TASK_SERVICE | {"ID": nomad_id("redis", owner)}
    one = start_task(world, consul, nomad, service)
    assert one.stop() == 0
    assert consul.tags(service["ID"]) == []


def test_in_nomad_the_only_service_needs_no_name(world, consul, nomad):
    consul.register(ID=nomad_id("cache"), Name="cache", Port=3, EnableTagOverride=True)
    world.start("one", *FAST, agent=consul, environment=nomad)
    until(lambda: consul.tags(nomad_id("cache")) == ["primary"], 5)
    assert consul.holder("consul-leader/lock")


@pytest.mark.timed
@pytest.mark.parametrize("there", [["metrics"], ["metrics", "exporter"]], ids=len)
def test_in_nomad_another_service_is_not_taken_while_its_own_is_about_to_come(world, consul, nomad, there):
    for name in there:
        consul.register(ID=nomad_id(name, name), Name=name, Port=2, EnableTagOverride=True)
    one = world.start("one", "--service", "redis", *FAST, agent=consul, environment=nomad)
    one.wait_for_line("leading", 5)
    consul.register(**TASK_SERVICE)
    until(lambda: consul.tags(TASK_SERVICE["ID"]) == ["primary"], 2)
    assert not one.matching("metrics")


def test_in_nomad_the_proxy_of_its_connect_sidecar_has_the_same_tag(world, consul, nomad):
    """By its own tags Consul's mesh finds the leader."""
    service = {"ID": nomad_id("cache", "group-cache"), "Name": "cache", "Port": 3, "Tags": ["db"], "EnableTagOverride": True,
               "Connect": {"SidecarService": {"Port": 4, "Meta": {"a": "b"}, "Proxy": {
                   "Config": {"protocol": "tcp"},
                   "Upstreams": [{"DestinationName": "store", "LocalBindPort": 5, "Datacenter": "dc1"}]}}}}
    proxy = service["ID"] + "-sidecar-proxy"

    def mesh():
        found = consul.request("GET", "/v1/health/connect/cache", filter='"primary" in Service.Tags').json
        return {entry["Service"]["ID"] for entry in found}
    consul.register(**service)
    until(lambda: consul.catalog("cache-sidecar-proxy"), 5)
    before, checks = consul.service(proxy), consul.request("GET", "/v1/agent/checks").json
    blocker = world.start("blocker", "--service", "cache", *FAST, *LEADER_ONLY, "--tag-service", "none", "--", *program(),
                          agent=consul)
    world.events.wait("start", 5)
    one = world.start("one", "--service", "cache", *FAST, "--replica-tag", "copy", agent=consul, environment=nomad)
    until(lambda: consul.tags(proxy) == consul.tags(service["ID"]) == ["db", "copy"], 5)
    blocker.stop()
    until(lambda: consul.tags(proxy) == consul.tags(service["ID"]) == ["db", "primary"], 2)
    until(lambda: mesh() == {proxy}, 2)
    assert others(consul.service(proxy)) == others(before)
    assert consul.request("GET", "/v1/agent/checks").json.keys() == checks.keys()

    consul.register(**service)  # as Nomad's sync does
    until(lambda: consul.tags(proxy) == consul.tags(service["ID"]) == ["db", "primary"], 2)
    assert one.stop() == 0
    assert consul.tags(proxy) == consul.tags(service["ID"]) == ["db"]
    until(lambda: not mesh(), 2)


def test_in_nomad_a_proxy_that_comes_later_is_tagged_with_its_service(world, consul, nomad):
    service = {"ID": nomad_id("cache"), "Name": "cache", "Port": 3, "EnableTagOverride": True}
    proxy = service["ID"] + "-sidecar-proxy"
    consul.register(**service)
    one = world.start("one", *FAST, agent=consul, environment=nomad)
    until(lambda: consul.tags(service["ID"]) == ["primary"], 5)
    consul.register(**service, Tags=["primary"], Connect={"SidecarService": {"Port": 4, "Tags": ["own"]}})
    until(lambda: consul.tags(service["ID"]) == ["primary"], 1)
    consul.register(**service, Tags=["db"], Connect={"SidecarService": {"Port": 4, "Tags": ["own"]}})
    until(lambda: consul.tags(proxy) == ["own", "primary"], 2)
    consul.deregister(service["ID"])
    consul.deregister(proxy)
    holds(lambda: consul.service(proxy) is None, 1)
    assert not one.matching("proxy.*(warn|error)")


def test_in_nomad_the_leader_file_of_a_dead_predecessor_is_removed(world, consul, nomad):
    blocker = world.start("blocker", "--service", "redis", *FAST, *HOOKS, "--tag-service", "none", agent=consul)
    world.events.wait("promote-end", 5)
    marker = world.path("alloc", ALLOCATION)
    open(marker, "w").close()
    consul.register(ID=nomad_id("redis"), Name="redis", Port=3, EnableTagOverride=True)
    world.start("one", "--service", "redis", *FAST, agent=consul, environment=nomad)
    until(lambda: not os.path.exists(marker), 3)
    assert blocker.process.poll() is None


def test_in_nomad_it_ends_with_69_when_its_service_was_never_seen(world, consul, nomad):
    """After 10 s."""
    begun = now()
    one = world.start("one", "--service", "redis", *FAST, agent=consul, environment=nomad)
    assert one.wait(20) == 69
    assert 9.5 <= now() - begun <= 16.5
    assert one.matching(rf"(error|warn) .*{ALLOCATION}"), one.text
    assert not consul.holder(KEY) and not consul.sessions()
    one.all_gone()


@pytest.mark.long(20)
def test_in_nomad_a_service_once_seen_may_be_away(world, consul, nomad):
    consul.register(ID=nomad_id("redis"), Name="redis", Port=3, EnableTagOverride=True)
    one = world.start("one", "--service", "redis", *FAST, agent=consul, environment=nomad)
    until(lambda: consul.tags(nomad_id("redis")) == ["primary"], 5)
    consul.deregister(nomad_id("redis"))
    holds(lambda: one.process.poll() is None, 17, "its absence is waited out", every=0.1)
    consul.register(ID=nomad_id("redis"), Name="redis", Port=3, EnableTagOverride=True)
    until(lambda: consul.tags(nomad_id("redis")) == ["primary"], 2)


@pytest.mark.long(20)
def test_in_nomad_with_a_command_it_never_ends_for_that(world, consul, nomad):
    one = world.start("one", "--service", "redis", *FAST, "--", *program(), agent=consul, environment=nomad)
    world.events.wait("start", 5)
    holds(lambda: one.process.poll() is None, 17, every=0.1)
    assert consul.holder(KEY)
    assert one.stop() == 0


# Meta.session

def test_meta_session_is_written_outside_nomad(world, consul):
    consul.register(Name="redis", Port=6379, Meta={"version": "6"})
    one = world.start("one", "--service", "redis", *FAST, agent=consul)
    until(lambda: (consul.service("redis")["Meta"] or {}).get("session") == consul.holder(KEY) != "", 5)
    assert consul.service("redis")["Meta"]["version"] == "6"
    assert one.stop() == 0


def test_meta_session_is_not_written_with_a_command(world, consul):
    consul.register(Name="redis", Port=6379, Meta={"version": "6"})
    world.start("one", "--service", "redis", *FAST, "--", *program(), agent=consul)
    until(lambda: consul.tags("redis") == ["primary"], 5)
    assert consul.service("redis")["Meta"] == {"version": "6"}


# Beside one that still runs the shell sidecar

class PlainClient(threading.Thread):
    """What the shell sidecar does with the lock: a session with a TTL and no lock-delay, an acquire with an empty value,
    and another when it did not get it. While `wants` is set it tries and holds; then its session ends, as the shell
    sidecar's does."""

    def __init__(self, consul):
        super().__init__(daemon=True)
        self.consul = consul
        self.wants, self.holds, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.held = []
        self.error = None

    def run(self):
        try:
            while not self.ended.is_set():
                if self.wants.wait(0.1):
                    self.turn()
        except Exception as error:  # told by the test
            self.error = error

    def turn(self):
        session = self.consul.create_session(Name="plain", TTL="15s", LockDelay="0s")
        while self.wants.is_set() and not self.consul.put(KEY, "", acquire=session):
            self.ended.wait(0.01)
        begun = now()
        if self.wants.is_set():
            self.holds.set()
            while self.wants.is_set():
                self.ended.wait(0.01)
            self.held.append((begun, now()))
            self.holds.clear()
        self.consul.destroy_session(session)


def test_a_plain_client_of_the_old_protocol_among_ours(world, consul):
    def start(name):
        return world.start(name, "--service", "redis", *FAST, *HOOKS, agent=consul)
    ours = [start(name) for name in ("one", "two")]
    plain = PlainClient(consul)
    plain.start()
    world.events.wait("promote-end", 5)
    for _ in range(2):
        plain.wants.set()
        holds(lambda: not plain.holds.is_set(), 1, "ours hold it")
        for instance in ours:
            instance.stop()
        until(plain.holds.is_set, 5, "it has what ours gave away")
        ours = [start(name) for name in ("one", "two")]
        words = world.events.words()
        holds(lambda: world.events.words() == words, LEASE + 1, "ours wait for it")
        freed = now()
        plain.wants.clear()
        world.events.wait("promote-end", LEASE + 3, after=freed)
    plain.ended.set()
    plain.join(10)
    assert not plain.error, plain.error
    intervals = world.events.intervals("promote-begin", {"demote-end"})
    world.events.judge(intervals)
    assert len(plain.held) == 2
    for begun, ended in plain.held:
        for interval in intervals:
            assert interval.end <= begun or interval.begin >= ended, \
                f"{interval.name} led while the plain client held the lock: {interval} {begun} {ended}"


def test_two_sidecars_beside_a_command(world, consul):
    """All three compete for one lock, whatever they do with it."""
    world.start("one", "--service", "redis", *FAST, *HOOKS, agent=consul)
    world.events.wait("promote-end", 5)
    two = world.start("two", "--service", "redis", *FAST, "--on-promote", hook("promote"), "--on-demote", hook("demote"),
                      "--", *program(), agent=consul)
    two.wait_for_line("follower|waiting", 5)
    world.instances[0].stop()
    world.events.wait("promote-end", 1, name="two")
    world.events.judge(world.events.leading())


def test_a_paused_sidecar_demotes_when_it_awakes(world, consul):
    """All of it stands still past its lease; the first that it does afterwards is to demote."""
    import processes
    one = world.start("one", "--service", "redis", *FAST, *HOOKS, agent=consul)
    world.events.wait("promote-end", 5)
    two = world.start("two", "--service", "redis", *FAST, *HOOKS, agent=consul)
    two.wait_for_line("follower|waiting", 5)
    paused = one.all
    for process in paused:
        processes.kill(process.pid, signal.SIGSTOP)
    world.events.wait("promote-end", 2 * TTL + LEASE + 3 + 2, name="two")
    awake = now()
    for process in paused:
        processes.kill(process.pid, signal.SIGCONT)
    world.events.wait("demote-end", 1, name="one", after=awake)
    assert not world.events.all("demote-*", name="two")
    # Beside each other for as long as it stood still: that is what the token is for.
    world.judged = False
    assert int(world.events.all("promote-begin", name="two")[0].token) > \
        int(world.events.all("promote-begin", name="one")[0].token)


def test_a_sidecar_whose_supervisor_hangs_is_demoted_within_its_lease(world, consul):
    """By its keeper, and in time for the hook."""
    one = world.start("one", "--service", "redis", *FAST, *HOOKS, agent=consul)
    world.events.wait("promote-end", 5)
    stopped = now()
    one.kill("supervisor", signal.SIGSTOP)
    assert world.events.wait("demote-end", LEASE + 1, name="one").at < stopped + LEASE
    one.kill("supervisor", signal.SIGCONT)
    holds(lambda: len(world.events.all("demote-begin", name="one")) == 1, 0.5, "a single demotion")


def test_a_sidecar_demotion_that_fails_is_not_tried_again(world, consul):
    one = world.start("one", "--service", "redis", *FAST, "--on-promote", hook("promote"),
                      "--on-demote", hook("demote", "--status", 1), agent=consul)
    world.events.wait("promote-end", 5)
    consul.pause()
    assert one.wait(LEASE + 3) == 75
    consul.resume()
    assert len(world.events.all("demote-begin", name="one")) == 1
    one.all_gone(1)
