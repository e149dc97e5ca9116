"""Somebody's hands on the lock and its session."""
from scenario import NO_CHANGE, ONE, scenario, steady
from waiting import holds, now, until


@scenario("S42", "the lock's key deleted by hand", ONE)
def test_s42(contest):
    contest.begin()
    lost = now()
    contest.consul.delete(contest.key)
    contest.next_lead(lost, contest.times.killed)


@scenario("S43", "the lock freed by hand", ONE)
def test_s43(contest):
    contest.begin()
    lost = now()
    assert contest.consul.put(contest.key, "", release=contest.consul.holder(contest.key))
    contest.next_lead(lost, contest.times.killed)


@scenario("S44", "the leader's session destroyed", ONE)
def test_s44(contest):
    contest.begin()
    destroyed = now()
    contest.consul.destroy_session(contest.consul.holder(contest.key))
    lead = contest.next_lead(destroyed, contest.times.killed)
    assert lead.begin >= destroyed + contest.times.lock_delay


@scenario("S44", "the leader cut off from its agent, then its session destroyed", ONE)
def test_s44_cut(contest):
    leader = contest.begin()
    contest.lose(leader.name, "tcp dport 8500", "tcp sport 8500")
    destroyed = now()
    contest.consul.destroy_session(contest.consul.holder(contest.key))
    lead = contest.next_lead(destroyed, contest.times.killed, but=leader)
    contest.nothing_happens(1)
    assert lead.begin >= destroyed + contest.times.lock_delay


@scenario("S45", "the lock's value overwritten", NO_CHANGE, times=steady)
def test_s45(contest):
    contest.begin()
    contest.consul.put(contest.key, "<html>not ours</html>")
    until(lambda: '"held"' in contest.consul.get(contest.key)["Value"], 5, "our value again")
    contest.nothing_happens(contest.times.lease + 1)


@scenario("S46", "the lock taken by a foreign session with the leader's value", ONE)
def test_s46(contest):
    leader = contest.begin()
    value = contest.consul.get(contest.key)["Value"]
    other = contest.consul.create_session(Name="somebody", LockDelay="0s")
    taken = now()
    assert contest.consul.put(contest.key, value, release=contest.consul.holder(contest.key))
    assert contest.consul.put(contest.key, value, acquire=other)
    until(lambda: not contest.leader(), contest.times.lease + 1, "the leader is none any more")
    assert contest.lead_of(leader).end <= taken + contest.times.lease
    holds(lambda: not contest.leader(), contest.times.lease + 1, "the lock is somebody else's", every=0.1)
    given_back = now()
    assert contest.consul.put(contest.key, value, release=other)
    contest.next_lead(given_back, contest.times.killed)
