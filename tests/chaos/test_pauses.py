"""Processes of an instance stand still for a while."""
import json
import signal
import time

import processes
from scenario import AT_MOST_ONE, HOOKS, NO_CHANGE, ONE, PAGE, defaults, scenario, steady
from waiting import now, until
from wire import Wire


@scenario("S21", "SIGSTOP of the network process for 3 x TTL", AT_MOST_ONE, also=[(HOOKS, defaults)])
def test_s21(contest):
    leader = contest.begin()
    pid = leader.pid_of("network")
    leader.kill("network", signal.SIGSTOP)
    time.sleep(3 * contest.times.ttl)
    processes.kill(pid, signal.SIGCONT)
    until(contest.leader, contest.times.killed, "somebody leads")


@scenario("S22", "SIGSTOP of supervisor and network process", ONE)
def test_s22_two(contest):
    leader = contest.begin()
    supervisor, network = leader.pid_of("supervisor"), leader.pid_of("network")
    stopped = leader.kill("network", signal.SIGSTOP)
    leader.kill("supervisor", signal.SIGSTOP)
    contest.next_lead(stopped, contest.times.killed, but=leader)
    assert contest.lead_of(leader).end <= stopped + contest.times.lease + 0.2
    if contest.mode != PAGE:
        until(lambda: not processes.alive(supervisor), 2, "the keeper kills a supervisor that hangs")
    for pid in (network, supervisor):
        processes.kill(pid, signal.SIGCONT)
    contest.nothing_happens(1)


@scenario("S22", "SIGSTOP of all three processes, the program acts on", ONE, fenced=True)
def test_s22_three(contest):
    leader = contest.begin()
    ours = [leader.pid_of(which) for which in ("network", "supervisor", "keeper")]
    stopped = now()
    for pid in ours:
        processes.kill(pid, signal.SIGSTOP)
    contest.next_lead(stopped, contest.times.killed, but=leader)
    time.sleep(1)
    resumed = now()
    for pid in ours:
        processes.kill(pid, signal.SIGCONT)
    contest.nothing_happens(1)
    if contest.mode == PAGE:
        assert contest.lead_of(leader).end <= stopped + contest.times.lease, "who reads the deadline needs no keeper"
    else:
        assert contest.lead_of(leader).end <= resumed + 0.5, "it is killed first of all"


@scenario("S23", "everything of the leader frozen until another leads, then thawed", ONE, fenced=True)
def test_s23(contest):
    freezers = {name: contest.freezer() for name in ("one", "two", "three")}
    for name, freezer in freezers.items():
        contest.start(name, enter=freezer.enter())
    leader = contest.settle()
    frozen = now()
    freezers[leader.name].freeze()
    contest.next_lead(frozen, contest.times.killed, but=leader)
    time.sleep(0.5)
    thawed = now()
    freezers[leader.name].thaw()
    contest.nothing_happens(1)
    assert contest.lead_of(leader).end <= thawed + 0.5, "it is killed first of all"


@scenario("S24", "everything of the leader frozen for half a TTL", NO_CHANGE, times=steady)
def test_s24(contest):
    freezers = {name: contest.freezer() for name in ("one", "two", "three")}
    for name, freezer in freezers.items():
        contest.start(name, enter=freezer.enter())
    leader = contest.settle()
    freezers[leader.name].freeze()
    time.sleep(contest.times.ttl / 2)
    freezers[leader.name].thaw()
    time.sleep(0.1)
    contest.nothing_happens(contest.times.lease + 1)


@scenario("S25", "everything of a candidate frozen between its acquire and the answer", ONE)
def test_s25(contest):
    freezer = contest.freezer()
    wire = Wire(contest.world.path("wire"), contest.agents["one"].socket)
    contest.undo.callback(wire.close)
    leader = contest.begin(names=["two"])
    one = contest.start("one", "--http-addr", "unix://" + wire.path, enter=freezer.enter())
    contest.all_stand()
    wire.before('"lock"', freezer.freeze)
    stopped = leader.signal(signal.SIGTERM)
    until(lambda: wire.seen, 5, "the acquire is sent")
    contest.start("three")
    contest.next_lead(stopped, contest.times.killed, but=one)
    freezer.thaw()
    contest.nothing_happens(2)
    assert not [lead for lead in contest.evidence.leads() if lead.name == "one"], "it must not act"


@scenario("S26", "SIGSTOP of a candidate's keeper before its promotion, for longer than the lease", ONE)
def test_s26(contest):
    leader = contest.begin(names=["one", "two"])
    other, = contest.others(leader)
    keeper = other.pid_of("keeper")
    other.kill("keeper", signal.SIGSTOP)
    session = contest.consul.holder(contest.key)
    stopped = leader.signal(signal.SIGTERM)
    until(lambda: contest.consul.holder(contest.key) not in ("", session), 5, "the other has the lock")
    token = until(lambda: json.loads(contest.consul.get(contest.key)["Value"]).get("token"), 5)
    contest.start("three")
    time.sleep(contest.times.lease)
    processes.kill(keeper, signal.SIGCONT)
    contest.next_lead(stopped, contest.times.killed)
    contest.nothing_happens(1)
    if contest.mode != PAGE:  # who reads the page needs no keeper
        tokens = [lead.token for lead in contest.evidence.leads()]
        assert token not in tokens, "it was too late for anybody to act with that one"
