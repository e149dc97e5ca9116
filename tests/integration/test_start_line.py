"""What the start says: each time in its line is kept, with the default times and Consul's own defaults; and what an unsafe
choice risks.
"""
import re
import signal

import pytest

import processes
from instance import hook, program
from trio import LEADER_ONLY, Trio
from waiting import now, until

NUMBERS = re.compile(r"takeover: planned <(.+?), node lost (.+?), instance killed (.+?); "
                     r"Consul's servers may be away (.+?)$")
SERF = 6  # what of "node lost" is the time until serf declares the node dead


def seconds(text):
    """Of a duration as Go writes it, in whole seconds and tenths."""
    minutes, _, rest = text.rpartition("m")
    return 60 * int(minutes or 0) + float((rest or "0s").rstrip("s"))


@pytest.fixture
def settled(world):
    """Three instances, one of which leads; its name, and what it promised."""
    cluster = world.consul(servers=3, agents=3, raft_multiplier=None, session_ttl_min=None).start().wait()
    trio = Trio(world, *LEADER_ONLY, cluster=cluster)
    name = trio.settle()
    line = trio.instances[name].wait_for_line("takeover: ", 1).text
    planned, node, instance, away = (seconds(text) for text in NUMBERS.search(line).groups())
    return trio, name, {"planned": planned, "node lost": node, "instance killed": instance, "away": away}


def test_what_is_promised_by_default(settled):
    assert settled[2] == {"planned": 0.1, "node lost": 29, "instance killed": 43, "away": 14}


@pytest.mark.timed
def test_a_planned_change(world, settled, figure):
    """Of three the quickest: what else the machine does is not ours."""
    trio, name, promised = settled
    took = []
    for _ in range(3):
        stopped = trio.instances[name].signal(signal.SIGTERM)
        promoted = trio.next_leads(stopped, 2, but=name)
        took.append(promoted.at - stopped)
        trio.instances[name].wait(5)
        trio.start(name).wait_for_line("follower of", 5)
        name = promoted.name
    figure("planned change", min(took))
    assert min(took) < promised["planned"]


@pytest.mark.long(60)
@pytest.mark.parametrize("how", ["agent killed", "links cut"])
def test_a_lost_node(world, settled, how, figure):
    """Serf's own time varies by seconds: what comes after it is kept."""
    trio, name, promised = settled
    agent = trio.agents[name]
    lost = now()
    if how == "agent killed":
        agent.kill()
    else:
        trio.cluster.switch.cut(agent.namespace)
    until(lambda: agent.name not in trio.consul.nodes(), 40, "serf declares the node dead", every=0.02)
    dead = now() - lost
    took = trio.next_leads(lost, dead + promised["node lost"] + 5, but=name).at - lost
    figure(f"node lost, {how}: until serf declares it dead", dead)
    figure(f"node lost, {how}", took)
    assert took - dead <= promised["node lost"] - SERF + 1, "whole seconds, rounded down"


@pytest.mark.long(60)
def test_a_killed_instance(world, settled, figure):
    trio, name, promised = settled
    processes.end_at_once(trio.instances[name].all)
    killed = now()
    took = trio.next_leads(killed, promised["instance killed"] + 5, but=name).at - killed
    figure("instance killed", took)
    assert took <= promised["instance killed"] + 1, "whole seconds, rounded down"


# An outage of the servers: test_consul.py, by the elections that they need.


# Unsafe choices: one sentence each.

UP, DOWN, ACK = ["--promote-signal", "USR1"], ["--demote-signal", "USR2"], ["--demote-ack"]


@pytest.mark.parametrize("options, risk", [
    ([], "told nothing of its role .* unless it asks the lease page before each action it acts beside the next leader"),
    (UP, "not told of a demotion .* acts beside the next leader for as long as it likes"),
    ([*UP, *DOWN], "nothing answers a demotion .* not obeyed SIGUSR2 within 3s acts beside the next leader"),
    ([*UP, *DOWN, *ACK], None), (ACK, None), (["--on-demote", hook("demote")], None), (["--mode", "leader-only"], None),
], ids=lambda value: None if isinstance(value, str) else " ".join(value or ["nothing"])[:30])
def test_a_program_that_may_act_too_long_is_warned_of(world, options, risk):
    one = world.file("one", *options, command=program("--led-by-signals"))
    one.wait_for_line("leading|promoting", 5)
    warnings = [line.text for line in one.matching(" warn .*next leader")]
    assert len(warnings) == (1 if risk else 0), one.text
    assert not risk or re.search(risk, warnings[0])
    world.judged = False
