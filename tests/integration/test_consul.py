"""What an election through Consul must survive. Three servers, and an agent for every instance.

Bounds until the next leader: after the program's death 1 s; the key deleted or freed by hand: lease + 3 s; the session
destroyed: lock-delay + 2 s; the node lost: 10 s + lock-delay; a whole instance killed: 2 x TTL + lock-delay + 2 s.
"""
import json
import signal
import threading

import pytest

import processes
from instance import CONSUL_LEADER, hook, program
from trio import (DEFAULT_LEASE, DEFAULT_LOCK_DELAY, DEFAULT_TTL, FAST, HOOKS, KEY, LEADER_ONLY, LEASE, LOCK_DELAY, TTL,
                  Trio)
from waiting import holds, now, until

PROGRAM_BOUND = 1.0
DEFAULTS = []
MODES = {"leader-only": LEADER_ONLY, "follow": HOOKS}

with_times = pytest.mark.parametrize("times", [
    pytest.param(("fast", FAST, TTL, LEASE, LOCK_DELAY), id="fast"),
    pytest.param(("defaults", DEFAULTS, DEFAULT_TTL, DEFAULT_LEASE, DEFAULT_LOCK_DELAY), id="defaults",
                 marks=pytest.mark.long(30))])
in_modes = pytest.mark.parametrize("mode", MODES)


def make(world, times, mode="leader-only"):
    """Three instances with these times; Consul allows short ones only where they are used."""
    cluster = world.consul(servers=3, agents=3, session_ttl_min="1s" if times[0] == "fast" else None).start().wait()
    return Trio(world, *times[1], *MODES[mode], cluster=cluster)


FAST_TIMES = ("fast", FAST, TTL, LEASE, LOCK_DELAY)


# Faults of an instance

@in_modes
@with_times
def test_the_program_killed(world, times, mode):
    trio = make(world, times, mode)
    name = trio.settle()
    start = world.events.all("start", name=name)[0]
    killed = now()
    processes.kill(start.pid)
    trio.next_leads(killed, PROGRAM_BOUND, but=name)
    assert trio.instances[name].wait(5) == 137
    trio.instances[name].all_gone()


@in_modes
def test_the_instance_stopped(world, mode):
    trio = make(world, FAST_TIMES, mode)
    name = trio.settle()
    stopped = trio.instances[name].signal(signal.SIGTERM)
    trio.next_leads(stopped, PROGRAM_BOUND, but=name)
    assert trio.instances[name].wait(5) == 0
    trio.instances[name].all_gone()


@in_modes
@pytest.mark.parametrize("which, status", [("supervisor", 137), ("keeper", 75)])
def test_a_process_killed(world, mode, which, status):
    trio = make(world, FAST_TIMES, mode)
    name = trio.settle()
    killed = trio.instances[name].kill(which)
    trio.next_leads(killed, PROGRAM_BOUND, but=name)
    assert trio.instances[name].wait(5) == status
    trio.instances[name].all_gone(1)


@in_modes
def test_the_network_process_killed_is_noticed_by_nobody(world, mode):
    trio = make(world, FAST_TIMES, mode)
    name = trio.settle()
    before, words = trio.consul.get(KEY), world.events.words()
    for _ in range(4):
        pid = trio.instances[name].pid_of("network")
        trio.instances[name].kill("network")
        until(lambda: (new := trio.instances[name].process_of("network")) and new.pid != pid, 2)
    holds(lambda: world.events.words() == words, 2 * LEASE, "no promotion and no demotion")
    after = trio.consul.get(KEY)
    assert (after["Session"], after["Key"]) == (before["Session"], before["Key"])
    assert json.loads(after["Value"])["token"] == int(trio.leaders()[0].token)
    stopped = trio.instances[name].signal(signal.SIGTERM)
    trio.next_leads(stopped, PROGRAM_BOUND, but=name)


@with_times
def test_the_whole_instance_killed(world, times):
    _, _, ttl, _, lock_delay = times
    trio = make(world, times)
    name = trio.settle()
    processes.end_at_once(trio.instances[name].all)
    trio.next_leads(now(), 2 * ttl + lock_delay + 2, but=name)


# Faults of a node

@with_times
@pytest.mark.parametrize("how", ["agent killed", "links cut"])
def test_the_node_lost(world, times, how):
    _, _, _, lease, lock_delay = times
    trio = make(world, times)
    name = trio.settle()
    agent = trio.agents[name]
    lost = now()
    if how == "agent killed":
        agent.kill()
    else:
        trio.cluster.switch.cut(agent.namespace)
    trio.next_leads(lost, 10 + lock_delay, but=name)
    old = [interval for interval in world.events.intervals("start", {"stop"}) if interval.name == name]
    assert old[0].end <= lost + lease, "it demoted itself before its lease was over"
    assert trio.instances[name].process.poll() is None, "it is a candidate again"

    if how == "agent killed":
        agent.start()
    else:
        trio.cluster.switch.mend(agent.namespace)
    until(lambda: len(trio.consul.keys(KEY + ".candidates/")) == 3, 20, "it stands again", every=0.1)
    # Who comes back holds the others for dead at first, and says so: that may cost the new leader its session.
    leader = until(lambda: len(trio.leaders()) == 1 and trio.leaders(), lock_delay + 10, "one leads")[0]
    stopped = trio.instances[leader.name].signal(signal.SIGTERM)
    trio.next_leads(stopped, PROGRAM_BOUND, but=leader.name)


def test_the_local_agent_restarted_changes_nothing(world):
    """With what we ship: an agent that is away for seconds costs nothing."""
    trio = make(world, ("defaults", DEFAULTS, 0, 0, 0))
    name = trio.settle()
    session = trio.consul.holder(KEY)
    words = world.events.words()
    for _ in range(2):
        trio.agents[name].kill()
        trio.agents[name].start()
        until(trio.agents[name].leader, 10)
    holds(lambda: world.events.words() == words, 6, "no demotion")
    assert trio.consul.holder(KEY) == session


def test_the_local_agent_leaves(world):
    """An agent that is told to stop takes its sessions with it: a loss that is noticed at once."""
    trio = make(world, FAST_TIMES, "follow")
    name = trio.settle()
    left = now()
    trio.agents[name].kill(signal.SIGTERM)
    world.events.wait("demote-end", LEASE, name=name)
    trio.next_leads(left, LOCK_DELAY + 5 + 2, but=name)


# Faults of the key and the session

@with_times
@pytest.mark.parametrize("how", ["deleted", "freed by hand"])
def test_the_key_lost(world, times, how):
    _, _, _, lease, _ = times
    trio = make(world, times, "follow")
    name = trio.settle()
    lost = now()
    if how == "deleted":
        trio.consul.delete(KEY)
    else:
        assert trio.consul.put(KEY, "", release=trio.consul.holder(KEY))
    demotion = world.events.wait("demote-begin", 1, name=name)
    assert demotion.reason == "lock-lost"
    trio.next_leads(lost, lease + 3)


def test_the_key_overwritten_is_ours_again(world):
    """A foreign value is reported once and replaced; nobody is demoted."""
    trio = make(world, FAST_TIMES)
    name = trio.settle()
    words, before = world.events.words(), trio.consul.get(KEY)
    begun = now()
    trio.consul.put(KEY, "<html>not ours</html>")
    until(lambda: '"held"' in trio.consul.get(KEY)["Value"], 2, "our value again")
    after = trio.consul.get(KEY)
    assert after["Session"] == before["Session"]
    holds(lambda: world.events.words() == words, LEASE + 1)
    assert len(trio.instances[name].matching("overwritten", begun)) == 1, trio.instances[name].text
    # What gives it away is still guarded right after that.
    stopped = trio.instances[name].signal(signal.SIGTERM)
    trio.next_leads(stopped, PROGRAM_BOUND, but=name)


def test_the_key_taken_by_another_session(world):
    trio = make(world, FAST_TIMES)
    name = trio.settle()
    other = trio.consul.create_session(Name="somebody", LockDelay="0s")
    taken = now()
    assert trio.consul.put(KEY, "", release=trio.consul.holder(KEY))
    assert trio.consul.put(KEY, "somebody", acquire=other)
    until(lambda: not trio.leaders(), 2, "the leader is none any more")
    trio.instances[name].wait_for_line("lost|another", 2, after=taken)
    holds(lambda: not trio.leaders(), LEASE + 1, "the lock is somebody else's")
    given_back = now()
    assert trio.consul.put(KEY, "somebody", release=other)
    trio.next_leads(given_back, LEASE + 3)


@with_times
def test_the_session_destroyed(world, times):
    _, _, _, _, lock_delay = times
    trio = make(world, times, "follow")
    name = trio.settle()
    destroyed = now()
    trio.consul.destroy_session(trio.consul.holder(KEY))
    world.events.wait("demote-begin", 1, name=name)
    trio.next_leads(destroyed, lock_delay + 2)


# Faults of Consul's servers

def kill_leader(cluster, agent):
    """Kills the server that leads, waits for the next, and starts it again; how long this agent could write nothing."""
    old = until(cluster.leader, 30)
    written = []
    killed = now()
    old.kill()

    def write():
        try:
            if agent.request("PUT", "/v1/kv/written", "x", timeout=10).status == 200:
                written.append(now())
        except OSError:
            pass

    def try_to_write():
        # Some fail at once, some are held until there is a leader: which, is not known before.
        threading.Thread(target=write, daemon=True).start()
        return written
    until(try_to_write, 60, "a new Consul leader", every=0.25)
    outage = min(written) - killed
    old.start()
    cluster.wait()

    def whole():
        answer = agent.request("GET", "/v1/operator/autopilot/health", timeout=5)
        return answer.status == 200 and answer.json["FailureTolerance"] == 1
    until(whole, 60, "three healthy servers", every=0.1)
    return outage


def outlives(world, figure, multiplier, times):
    """No demotion while the outage was shorter than what is printed at the start; and never two, however long it was."""
    cluster = world.consul(servers=3, agents=2, raft_multiplier=multiplier, session_ttl_min=None).start().wait()
    trio = Trio(world, *HOOKS, cluster=cluster, names=("one", "two"))
    name = trio.settle()
    assert trio.instances["one"].matching("away 14s"), trio.instances["one"].text
    outages = []
    # Some take longer than what is promised; at least one has to be there that could be outlived.
    while len(outages) < times or min(outages) >= 14 and len(outages) < 3 * times:
        words, session, killed = world.events.words(), trio.consul.holder(KEY), now()
        outages.append(kill_leader(cluster, trio.agents[name]))
        if outages[-1] < 14:
            assert world.events.words() == words, \
                f"a demotion in an outage of {outages[-1]:.1f} s\n{world.events}\n{trio.instances[name].text}"
            assert trio.consul.holder(KEY) == session
        elif world.events.words() != words:
            name = trio.leader(60, after=killed).name
    figure(f"Consul's leader killed {times} times, raft_multiplier {multiplier or 5}: longest outage", max(outages))
    figure(f"Consul's leader killed {times} times, raft_multiplier {multiplier or 5}: shortest outage", min(outages))
    assert min(outages) < 14, "not once was there an outage to outlive"
    trio.judge()


@pytest.mark.long(100)
@pytest.mark.timeout(400)
def test_the_consul_leader_killed_with_nothing_set(world, figure):
    outlives(world, figure, None, 5)


@pytest.mark.long(110)
@pytest.mark.timeout(500)
def test_the_consul_leader_killed_often(world, figure):
    outlives(world, figure, 1, 20)


@pytest.mark.long(40)
def test_all_servers_away_shorter_and_longer_than_what_is_printed(world):
    trio = make(world, ("defaults", DEFAULTS, 0, 0, 0), "follow")
    name = trio.settle()
    words = world.events.words()
    for server in trio.cluster.servers:
        server.pause()
    holds(lambda: world.events.words() == words, 9, "14 s are promised, and they need some to elect a leader")
    for server in trio.cluster.servers:
        server.resume()
    holds(lambda: world.events.words() == words, 10, "it goes on")

    for server in trio.cluster.servers:
        server.pause()
    paused = now()
    demotion = world.events.wait("demote-begin", DEFAULT_LEASE, name=name)
    assert demotion.reason == "lease-expired"
    world.events.wait("demote-end", 0.5, name=name)
    assert demotion.at - paused >= 14 - 0.5
    for server in trio.cluster.servers:
        server.resume()
    trio.leader(60, after=paused)
    trio.judge()


# The start, and places

def test_consul_is_not_there_at_the_start(world):
    cluster = world.consul()
    one = world.start("one", "--service", "redis", *FAST, *HOOKS, "--", *program(), agent=cluster.servers[0])
    world.events.wait("start", 2)
    line = one.wait_for_line("cannot|refused", 3)
    holds(lambda: len(one.matching("warn|error")) <= 1, 4, lambda: f"it says so once:\n{one.text}")
    assert "127.0.0.1:8500" in line.text
    cluster.start()
    world.events.wait("promote-end", 20)
    assert one.stop() == 0


def test_start_timeout_gives_up_with_69(world):
    cluster = world.consul()
    begun = now()
    one = world.start("one", "--service", "redis", *LEADER_ONLY, "--start-timeout", "2s", "--", *program(),
                      agent=cluster.servers[0])
    assert one.wait(6) == 69
    assert 1.8 <= now() - begun <= 4
    assert not world.events.all("start")
    one.all_gone()


@in_modes
def test_nothing_but_the_service_set_reaches_its_promotion(world, mode):
    consul = world.consul(session_ttl_min=None).start().wait().servers[0]
    begun = now()
    one = world.start("one", "--service", "redis", *MODES[mode], "--", *program(), agent=consul)
    world.events.wait("promote-end" if mode == "follow" else "start", 5)
    assert now() - begun < 3
    assert one.stop() == 0
    one.all_gone()


def test_a_sidecar_with_nothing_but_the_service_set_reaches_its_promotion(world):
    consul = world.consul(session_ttl_min=None).start().wait().servers[0]
    consul.register(Name="redis", Port=6379)
    one = world.start("one", "--service", "redis", agent=consul)
    until(lambda: consul.tags("redis") == ["primary"], 5)
    assert one.stop() == 0
    assert consul.tags("redis") == []


def test_two_instances_of_one_place(world):
    consul = world.consul().start().wait().servers[0]
    options = ["--service", "redis", *FAST, *LEADER_ONLY, "--instance", "web-1", "--state-dir", world.folder]
    one = world.start("one", *options, "--", *program(), agent=consul)
    world.events.wait("start", 5)
    world.start("two", *options, "--", *program(), agent=consul)
    holds(lambda: len(consul.sessions()) == 1, 1.5, "the second makes no session")
    one.stop()
    world.events.wait("start", 5, name="two")


def test_one_inside_another(world):
    consul = world.consul().start().wait().servers[0]
    one = world.start("one", "--service", "outer", *FAST, *LEADER_ONLY, "--", CONSUL_LEADER, "--service", "inner", *FAST,
                      *LEADER_ONLY, "--", *program("--daemon", "--environment", world.path("environment")),
                      agent=consul)
    world.events.wait("start", 10)
    assert "CONSUL_LEADER_ELECTION=consul-leader/inner/lock\0" in open(world.path("environment")).read()
    assert consul.holder("consul-leader/outer/lock") and consul.holder("consul-leader/inner/lock")
    assert one.stop() == 0
    one.all_gone()
    assert not consul.sessions(), "both gave everything back"


def test_a_restarted_instance_demotes_before_it_stands(world):
    """All of it killed but nothing said: the next in its place runs the demote hook first."""
    consul = world.consul().start().wait().servers[0]
    options = ["--service", "redis", *FAST, "--on-promote", hook("promote"), "--on-demote",
               hook("demote", "--exit-after", 50), "--instance", "web-1", "--state-dir", world.folder]
    one = world.start("one", *options, "--", *program(), agent=consul)
    world.events.wait("promote-end", 5)
    processes.end_at_once(one.all)
    one.all_gone(2)
    killed = now()
    world.start("again", *options, "--", *program(), agent=consul)
    world.events.wait("promote-begin", 2 * TTL + LOCK_DELAY + 2, name="again")
    after = world.events.all("*mote-*", after=killed)
    assert [event.what for event in after][:3] == ["demote-begin", "demote-end", "promote-begin"]
    assert after[0].reason == "restart"
