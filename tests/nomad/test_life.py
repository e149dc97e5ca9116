"""Life in the cluster: stops, restarts, crashes, drains and updates; never two, and seldom none."""
import pytest

import processes
from waiting import holds, now, until


def test_alloc_stop(live, driven, figures):
    life, gaps = live(**driven), []
    for _ in range(10):
        at = now()
        life.allocation.stop()
        gaps.append(life.next_leads(10, at))
        until(lambda: life.tagged() == {life.leader}, 2)
        life.settle()
    figures(f"alloc stop, {life.driver}: gap", gaps)


def test_a_program_that_ignores_term_under_the_default_kill_timeout(live, driven, figure):
    life = live(traits=["--ignore-term"], kill_timeout="", **driven)
    at = now()
    life.allocation.stop()
    life.next_leads(6, at)
    took = life.events.all("start")[-1].at - at
    figure(f"alloc stop of one that ignores TERM, {life.driver}: from the stop to the next leader", took)
    assert took < 5


def test_job_stop(live, driven):
    life = live(**driven)
    allocations = life.job.allocations.values()
    life.job.stop()
    until(lambda: not [process for one in allocations for process in one.processes], 15, every=0.02)
    server = life.job.datacenter.cluster.servers[0]
    assert not server.holder(f"consul-leader/{life.name}/lock")
    until(lambda: not life.tagged(), 2)


def test_alloc_restart(live, driven, figure):
    life = live(**driven)
    at = now()
    life.allocation.restart()
    figure(f"alloc restart, {life.driver}: gap", life.next_leads(10, at))
    until(lambda: life.tagged() == {life.leader}, 2)


def test_a_crash_is_restarted_in_place(live, driven, figures):
    life, gaps = live(**driven), []
    for _ in range(10):
        crashed, at = life.leader, now()
        processes.kill(life.program)
        gaps.append(life.next_leads(10, at))
        until(lambda: life.tagged() == {life.leader}, 2)
        until(lambda: len([one for one in life.job.allocations[crashed].processes if one.name == "consul-leader"]) == 1, 20)
    figures(f"program crashes, {life.driver}: gap", gaps)


def test_the_client_dies_and_comes_back(live):
    life = live()
    client = life.allocation.client
    starts = len(life.events.all("start"))
    client.kill()
    holds(lambda: life.tagged() == {life.leader}, 3, every=0.1)
    client.start()
    until(lambda: [node for node in client.nodes_here() if node["Status"] == "ready"], 40, every=0.2)
    life.settle()
    until(lambda: life.tagged() == {life.leader}, 35)
    assert len(life.events.all("start")) == starts, "the program goes on"
    assert not life.events.all("stop")


def test_drain(live, figures):
    life, gaps = live(), []
    for _ in range(5):
        client, at = life.allocation.client, now()
        client.drain(True)
        try:
            gaps.append(life.next_leads(60, at))
            until(lambda: life.tagged() == {life.leader}, 2)
        finally:
            client.drain(False)
        life.settle()
    figures("drain: gap", gaps)


def gaps_since(life, at):
    """Each gap between two leads since then."""
    starts = life.events.all("start")
    return [start.at - life.events.last_alive(before.pid) for before, start in zip(starts, starts[1:]) if start.at > at]


def test_rolling_update(live, figures):
    life, at = live(), now()
    for _ in range(3):
        life.update()
        life.wait_for_update()
    gaps = gaps_since(life, at)
    figures("rolling update: gap", gaps)
    assert gaps and max(gaps) < 2, "never none for longer than a planned change"


def test_canary_promotion(live, figures):
    """A canary is a candidate as the others are, and the lead moves on only when its holder is replaced."""
    life, at = live(count=2, canaries=1), now()
    for _ in range(3):
        before = life.leader
        life.update()
        life.job.runs(3)
        deployment = life.job.deployment("running", healthy=1)
        assert life.leader == before
        life.job.promote(deployment)
        life.wait_for_update()
    gaps = gaps_since(life, at)
    figures("canary promotion: gap", gaps)
    assert gaps and max(gaps) < 2, "never none for longer than a planned change"


def test_a_disconnected_client_stops_what_it_runs(live, figure):
    """Cut off from Consul and Nomad: the lease ends the lead, and stop_on_client_after the task; when the cable is back
    nothing of it is there. Below the interval of heartbeats, 10 to 20 s, it would stop tasks of clients that are well."""
    life = live(count=2, disconnect='disconnect { stop_on_client_after = "25s" }')
    lost, cluster, at = life.allocation, life.job.datacenter.cluster, now()
    cluster.switch.cut(lost.client.namespace)
    try:
        life.next_leads(60, at)
        figure("client cut off: from the cut to the next leader", life.events.all("start")[-1].at - at)
        until(lambda: not lost.processes, 60, every=0.2)
        life.settle()
    finally:
        cluster.switch.mend(lost.client.namespace)
    until(lambda: [node for node in lost.client.nodes_here() if node["Status"] == "ready"], 60, every=0.2)
    until(lambda: life.tagged() == {life.leader}, 60)
    assert lost.id not in life.job.allocations


OURS = ["consul-leader", "consul-keeper", "consul-network"]


@pytest.mark.parametrize("which", [*OURS, "all"])
def test_our_processes_are_killed(live, driven, figure, which):
    life = live(**driven)
    killed, program = life.leader, life.program
    names = OURS if which == "all" else [which]
    victims = [one for one in life.allocation.processes if one.name in names]
    assert len(victims) == len(names)
    at = now()
    if which == "all":
        processes.end_at_once(victims)
    else:
        processes.kill(victims[0].pid)
    if which == "consul-network":
        holds(lambda: life.leader == killed and not life.events.all("stop"), 3)
        until(lambda: [one for one in life.allocation.processes if one.name == "consul-network"], 2)
        return
    figure(f"{which} killed, {life.driver}: gap", life.next_leads(30, at))
    until(lambda: not processes.alive(program), 1)
    until(lambda: life.tagged() == {life.leader}, 40)
