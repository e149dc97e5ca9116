"""The lock in Consul: what its entry, its session and the candidates' entries say, and when a free one is taken."""
import json
import signal

import pytest

from instance import program
from trio import FAST, HOOKS, KEY, LEADER_ONLY, LEASE, LOCK_DELAY, TTL
from waiting import holds, now, until
from wire import Wire

FIELDS = {"format", "state", "instance", "node", "address", "service_id", "allocation", "pid", "version", "since",
          "lease_ms", "previous_token", "token", "successor"}


@pytest.fixture
def consul(world):
    return world.consul().start().wait().servers[0]


def start(world, consul, *options, name="one", command=None, **more):
    return world.start(name, "--service", "redis", *FAST, *LEADER_ONLY, *options, "--", *(command or program()),
                       agent=consul, **more)


def value(consul):
    return json.loads(consul.get(KEY)["Value"])


def test_the_entry_of_a_lock_that_is_held(world, consul):
    one = start(world, consul)
    leading = world.events.wait("start", 5)
    until(lambda: value(consul)["token"], 2, "the token in the value")
    entry, said = consul.get(KEY), value(consul)
    assert set(said) == FIELDS
    assert (said["format"], said["state"], said["lease_ms"]) == (1, "held", LEASE * 1000)
    assert said["token"] == int(leading.token) < entry["ModifyIndex"]
    assert said["pid"] == one.pid
    assert entry["Flags"] == 0
    assert leading.token == str(said["token"])

    session = consul.session(entry["Session"])
    assert session["TTL"] == f"{TTL:g}s" and session["LockDelay"] == LOCK_DELAY * 1e9
    assert session["Behavior"] == "release" and session["NodeChecks"] == ["serfHealth"]
    assert [key for key in consul.keys(KEY + ".candidates/")] == [f"{KEY}.candidates/{entry['Session']}"]
    assert consul.get(f"{KEY}.candidates/{entry['Session']}")["Session"] == entry["Session"]

    one.stop()
    released = consul.get(KEY)
    assert "Session" not in released and value(consul)["state"] == "released"
    assert value(consul)["token"] == said["token"]
    assert not consul.sessions() and not consul.keys(KEY + ".candidates/")


def test_the_token_is_the_index_of_the_acquisition(world, consul):
    tokens = []
    for turn in range(3):
        one = start(world, consul, name=f"turn{turn}")
        tokens.append(int(world.events.wait("start", 5, name=f"turn{turn}").token))
        if turn:
            assert value(consul)["previous_token"] == tokens[-2]
        one.stop()
    assert tokens == sorted(set(tokens))


def test_node_checks_can_be_none(world, consul):
    start(world, consul, "--node-checks", "none")
    world.events.wait("start", 5)
    assert not consul.session(consul.holder(KEY)).get("NodeChecks")


def test_unknown_fields_are_kept(world, consul):
    one = start(world, consul)
    world.events.wait("start", 5)
    until(lambda: value(consul)["token"], 2)
    entry = consul.get(KEY)
    consul.put(KEY, json.dumps(value(consul) | {"color": {"of": ["another", "version"]}}), cas=entry["ModifyIndex"])
    one.stop()
    assert value(consul)["color"] == {"of": ["another", "version"]}
    assert value(consul)["state"] == "released"


def test_a_released_lock_is_taken_at_once(world, consul):
    one = start(world, consul)
    world.events.wait("start", 5)
    two = start(world, consul, name="two")
    two.wait_for_line("follower|waiting", 5)
    one.stop()
    world.events.wait("start", 1, name="two")


@pytest.mark.parametrize("what, text, least", [
    ("a foreign value", "<html>", LEASE),
    ("nothing in it", "", LEASE),
    ("a lease in its value", json.dumps({"format": 1, "state": "held", "lease_ms": 5000, "token": 1}), 5.0),
])
def test_a_free_lock_without_the_mark_is_taken_after_the_lease(world, consul, what, text, least):
    """Whoever had it may still act for that long."""
    consul.put(KEY, text)
    begun = now()
    start(world, consul)
    leading = world.events.wait("start", least + 2)
    assert leading.at - begun >= least


def test_a_lock_that_is_absent_is_taken_at_once(world, consul):
    begun = now()
    start(world, consul)
    assert world.events.wait("start", 2).at - begun < 1


def test_a_lock_that_another_candidate_saw_is_taken_after_the_lease(world, consul):
    """It was there a moment ago: somebody deleted it, and its leader may not know yet."""
    consul.put(f"{KEY}.candidates/somebody", json.dumps({"format": 1, "lock_seen": True}))
    begun = now()
    start(world, consul)
    assert world.events.wait("start", LEASE + 3).at - begun >= LEASE


def test_every_candidate_says_that_it_saw_the_lock(world, consul):
    start(world, consul)
    world.events.wait("start", 5)
    start(world, consul, name="two")

    def all_saw():
        entries = [consul.get(key) for key in consul.keys(KEY + ".candidates/")]
        return len(entries) == 2 and all(json.loads(entry["Value"]).get("lock_seen") for entry in entries)
    until(all_saw, 5)


def test_a_token_that_does_not_grow_is_refused(world, consul):
    """Consul restored from elsewhere: stores that saw the old token would refuse the new one."""
    consul.put(KEY, json.dumps({"format": 1, "state": "released", "lease_ms": 1000, "token": 10 ** 12}))
    one = start(world, consul)
    line = one.wait_for_line("delete", LEASE + 4)
    assert str(10 ** 12) in line.text, line.text
    holds(lambda: not world.events.all("start"), 4)
    assert not consul.holder(KEY)
    assert value(consul)["previous_token"] == 10 ** 12


def test_the_lock_delay_is_respected(world, consul):
    """A session that ended without giving the lock away: nobody has it before the delay is over."""
    session = consul.create_session(Name="somebody", LockDelay="4s")
    assert consul.put(KEY, "x", acquire=session)
    destroyed = now()
    consul.destroy_session(session)
    start(world, consul)
    assert 4 <= world.events.wait("start", 4 + LEASE + 3).at - destroyed


@pytest.mark.long(35)
def test_what_was_abandoned_among_the_candidates_is_cleared(world, consul):
    """An entry without its session; one that says lock_seen still counts, until somebody leads."""
    consul.put(f"{KEY}.candidates/abandoned", json.dumps({"format": 1}))
    start(world, consul, *[])
    world.events.wait("start", LEASE + 3)
    until(lambda: f"{KEY}.candidates/abandoned" not in consul.keys(KEY + ".candidates/"), 40, every=0.1)


def test_an_acquisition_while_we_look_is_no_earlier_lead(world, consul):
    """It shows in the list of candidates, which is asked after the lock. Taken for an earlier lead, one would wait for a
    lease also where the lock is released."""
    wire = Wire(world.path("wire"), consul.socket)

    def lead():
        start(world, consul, name="one")
        world.events.wait("start", 5, name="one")
    wire.before("recurse", lead)
    two = start(world, consul, "--http-addr", "unix://" + wire.path, name="two")
    two.wait_for_line("follower", 5)
    stopped = world.instances[-1].signal(signal.SIGTERM)
    assert world.events.wait("start", LEASE + 3, name="two").at - stopped < 2
    wire.close()


def test_who_saw_the_lock_says_so_under_another_session_and_after_its_network_process_died(world, consul):
    """Else a newcomer would take a lock that was deleted, while its leader may still act."""
    def entries():
        return [json.loads(entry["Value"]) for key in consul.keys(KEY + ".candidates/") if (entry := consul.get(key))]

    one = start(world, consul, name="one")
    one.wait_for_line("leading", 5)
    two = start(world, consul, name="two")
    until(lambda: [entry["lock_seen"] for entry in entries()] == [True, True], 5)
    consul.delete(KEY)
    one.wait_for_line("demoted", 5)
    two.kill("network")
    holds(lambda: all(entry["lock_seen"] for entry in entries()), 1.5)
    assert {entry["pid"] for entry in entries()} == {one.pid, two.pid}


def test_a_leading_slash_of_the_key_is_dropped(world, consul):
    world.start("one", "--key", "//some/lock", *FAST, *LEADER_ONLY, "--", *program("--environment", world.path("e")),
                agent=consul)
    world.events.wait("start", 5)
    assert consul.holder("some/lock")
    assert "CONSUL_LEADER_ELECTION=some/lock\0" in open(world.path("e")).read()


@pytest.mark.parametrize("key", ["with space/lock", "per%cent/lock", "q?u#e/lock", "ünicode/lock", "a+b&c=d/lock"])
def test_a_key_of_any_characters(world, consul, key):
    from urllib.parse import quote
    one = world.start("one", "--key", key, *FAST, *HOOKS, agent=consul)
    world.events.wait("promote-end", 5)
    assert consul.holder(quote(key))
    one.stop()
    assert json.loads(consul.get(quote(key))["Value"])["state"] == "released"
