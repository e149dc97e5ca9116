"""Consul's servers are killed, stopped, and given an older state."""
import signal
import time

from contest import PLANNED
from scenario import LEADER_ONLY, NO_CHANGE, ONE, SIGNALS, defaults, scenario
from waiting import holds, now, until


@scenario("S33", "SIGKILL of the server that leads Consul's", NO_CHANGE, times=defaults, own_consul=True)
def test_s33(contest):
    contest.begin()
    server = contest.cluster.leader()
    server.kill()
    contest.nothing_happens(contest.times.lease - 3)


def lose_quorum(contest, seconds):
    for server in contest.cluster.servers[1:]:
        server.kill()
    time.sleep(seconds)
    for server in contest.cluster.servers[1:]:
        server.start()


@scenario("S34", "two of Consul's three servers killed for longer than a lease", ONE, own_consul=True,
          also=[(LEADER_ONLY, defaults)])
def test_s34(contest):
    contest.begin()
    if contest.times == defaults:
        lose_quorum(contest, 5)
        contest.nothing_happens(contest.times.ttl)
    lost = now()
    lose_quorum(contest, contest.times.lease + 0.5)
    contest.next_lead(lost, 60)
    assert contest.lead_with(contest.first_token).end <= lost + contest.times.lease
    contest.nothing_happens(contest.times.lease)


@scenario("S35", "SIGSTOP of the server that leads Consul's, for 4 x TTL or 20 s", range(0, 3), own_consul=True,
          also=[(SIGNALS, defaults)])
def test_s35(contest):
    contest.begin()
    server = contest.cluster.leader()
    server.pause()
    time.sleep(min(4 * contest.times.ttl, 20))
    server.resume()
    until(contest.leader, contest.times.killed, "somebody leads")
    holds(lambda: True, contest.times.lease)
    assert contest.leader()


def snapshot(contest):
    return contest.consul.request("GET", "/v1/snapshot").body


def restore(contest, saved):
    at = now()
    assert contest.consul.request("PUT", "/v1/snapshot", saved).status == 200
    return at


@scenario("S37", "Consul restored to when another led", range(2, 3), own_consul=True)
def test_s37_another(contest):
    leader = contest.begin()
    saved = snapshot(contest)
    stopped = leader.signal(signal.SIGTERM)
    second = contest.next_lead(stopped, PLANNED, but=leader)
    time.sleep(contest.times.lease)
    restored = restore(contest, saved)
    contest.next_lead(restored, contest.times.killed)
    assert contest.lead_with(second.token).end <= restored + contest.times.lease


@scenario("S37", "Consul restored to before there was a lock", ONE, own_consul=True)
def test_s37_before(contest):
    saved = snapshot(contest)
    contest.begin()
    restored = restore(contest, saved)
    contest.next_lead(restored, contest.times.killed)
