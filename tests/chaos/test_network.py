"""The leader's way to Consul is cut, in one direction or both."""
import time

from scenario import AT_MOST_ONE, HOOKS, NO_CHANGE, ONE, defaults, scenario, steady
from waiting import now, until

KILL_BUDGET = 0.2
REPLY = "meta length > 80"  # carries data: what opens, closes and acknowledges a connection is shorter


@scenario("S27", "the leader's machine cut off from everything", ONE, own_consul=True, also=[(HOOKS, defaults)])
def test_s27(contest):
    leader = contest.begin()
    cut = now()
    contest.cluster.switch.cut(contest.agents[leader.name].namespace)
    contest.next_lead(cut, contest.times.node_lost, but=leader)
    assert contest.lead_of(leader).end <= cut + contest.times.lease


@scenario("S28", "the agent's replies to the leader lost", ONE)
def test_s28_agent(contest):
    leader = contest.begin()
    lost = now()
    contest.lose(leader.name, f"tcp sport 8500 {REPLY}")
    contest.next_lead(lost, contest.times.killed, but=leader)
    assert contest.lead_of(leader).end <= lost + contest.times.lease


@scenario("S28", "the servers' replies to the leader's agent lost", ONE, own_consul=True)
def test_s28_servers(contest):
    leader = contest.begin()
    lost = now()
    contest.lose(leader.name, f"tcp sport 8300 {REPLY}")
    contest.next_lead(lost, contest.times.killed, but=leader)
    assert contest.lead_of(leader).end <= lost + contest.times.lease


def heal_after_soft_deadline(contest, leader, seconds):
    """Cuts the leader off from its agent, and heals that so long after its soft deadline, which may be before it."""
    contest.lose(leader.name, "tcp dport 8500", "tcp sport 8500")
    time.sleep(0.2)  # nothing that was sent before is answered any more
    time.sleep(contest.lease_left(leader) - contest.times.demote_timeout - KILL_BUDGET + seconds)
    contest.agents[leader.name].namespace.admit()
    return now()


@scenario("S29", "the way to the agent heals 10 ms before the soft deadline", AT_MOST_ONE)
def test_s29_before(contest):
    leader = contest.begin()
    heal_after_soft_deadline(contest, leader, -0.01)
    time.sleep(contest.times.lease)
    until(contest.leader, contest.times.killed, "somebody leads")
    contest.nobody_came_back()


@scenario("S29", "the way to the agent heals during the demotion", ONE)
def test_s29_during(contest):
    leader = contest.begin(program=["--lingers", 300])
    healed = heal_after_soft_deadline(contest, leader, 0.1)
    contest.next_lead(healed, contest.times.killed)
    time.sleep(contest.times.lease)
    contest.nobody_came_back()


@scenario("S32", "the leader's connections to its agent go dead, new ones do not", NO_CHANGE, times=steady)
def test_s32(contest):
    leader = contest.begin()
    machine = contest.agents[leader.name].namespace
    old = set(machine.peers(8500))
    assert old
    ports = "{" + ", ".join(map(str, old)) + "}"
    contest.lose(leader.name, f"tcp dport 8500 tcp sport {ports}", f"tcp sport 8500 tcp dport {ports}")
    until(lambda: set(machine.peers(8500)) - old, 5, "another connection")
    contest.nothing_happens(contest.times.lease + 1)
