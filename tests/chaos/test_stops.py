"""The leader is told to stop, or its promotion fails; its program and hooks do as they like."""
import signal
import time

from contest import PATIENCE, PLANNED, STATUS
from scenario import NO_HOOK, ONE, scenario, steady


@scenario("S05", "SIGTERM of the leader, whose program acts for 0.2 s more", ONE, times=steady)
def test_s05(contest):
    leader = contest.begin(program=["--lingers", 200])
    stopped = leader.signal(signal.SIGTERM)
    contest.next_lead(stopped, PLANNED, but=leader)
    assert leader.wait(5) == STATUS, "the program's own status"
    leader.all_gone()


@scenario("S06", "SIGTERM of the leader, whose program and its child never stop to act", ONE, times=steady)
def test_s06(contest):
    leader = contest.begin(program=["--deaf", "--child"])
    stopped = leader.signal(signal.SIGTERM)
    contest.next_lead(stopped, PLANNED, but=leader)
    leader.wait(5)
    leader.all_gone()


@scenario("S07", "SIGTERM of the leader, whose demote hook exits 1", ONE, times=steady, left_out=NO_HOOK)
def test_s07(contest):
    leader = contest.begin(demote=["--status", 1])
    stopped = leader.signal(signal.SIGTERM)
    contest.next_lead(stopped, PLANNED, but=leader)
    leader.wait(5)
    leader.all_gone()


@scenario("S09", "the promote hook hangs", ONE, times=steady, left_out=NO_HOOK)
def test_s09(contest):
    one = contest.start("one", "--promote-timeout", "1s", promote=["--takes", 60000, "--deaf"], demote=[])
    lead = contest.next_lead(0, PATIENCE)
    for other in ("two", "three"):
        contest.start(other, promote=[], demote=[])
    contest.next_lead(lead.begin, 10, but=one)
    begun = min(stretch.begin for stretch in contest.evidence.stretches("demote"))
    assert max(stretch.end for stretch in contest.evidence.stretches("promote") if stretch.name == "one") <= begun


@scenario("S10", "SIGTERM of the leader, whose hook has left a daemon behind (double fork, setsid)", ONE, times=steady,
          left_out=NO_HOOK)
def test_s10(contest):
    leader = contest.begin(promote=["--daemon"])
    stopped = leader.signal(signal.SIGTERM)
    contest.next_lead(stopped, PLANNED, but=leader)
    assert leader.wait(5) == STATUS
    leader.all_gone()


@scenario("S11", "the lock is lost while the promote hook runs", ONE, left_out=NO_HOOK)
def test_s11(contest):
    contest.start("one", promote=["--takes", 60000], demote=[])
    lead = contest.next_lead(0, PATIENCE)
    for other in ("two", "three"):
        contest.start(other, promote=[], demote=[])
    contest.all_stand()
    contest.consul.delete(contest.key)
    contest.next_lead(lead.begin, contest.times.killed)
    first = {kind: [stretch for stretch in contest.evidence.stretches(kind) if stretch.token == lead.token]
             for kind in ("promote", "demote")}
    assert max(stretch.end for stretch in first["promote"]) <= first["demote"][0].begin, "one after the other"


@scenario("S14", "SIGTERM of the leader, whose descendants act and flee by forking", ONE, times=steady)
def test_s14(contest):
    leader = contest.begin(program=["--deaf", "--forks", 4])
    time.sleep(0.5)
    stopped = leader.signal(signal.SIGTERM)
    contest.next_lead(stopped, PLANNED, but=leader)
    leader.wait(5)
    leader.all_gone()
