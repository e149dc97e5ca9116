"""How long nobody leads after something of the leader dies, hangs or is cut off, beside `consul lock`.

All times are what is shipped: ours TTL 10 s, lease 20 s, lock-delay 23 s; of `consul lock` TTL and lock-delay 15 s. In
each run one leads and another waits; the clock runs from the fault until the next program says that it leads, by the
program's own instant. What is over in milliseconds runs in turns, what takes long at the same time, each with a lock of
its own. Prints Markdown for docs/safety.md.
"""
import collections
import functools
import json
import math
import os
import signal
import sys
import time
from typing import Callable, NamedTuple

from common import a_world, median_and_maximum, print_table  # first: it says where the next ones are

import processes
from consul import Agent
from contained import ContainedPair
from container import an_image
from instance import NAMES
from pair import LOCK, OURS, Case, Pair, close, watch
from waiting import now

RUNS = int(os.environ.get("RUNS", 50))
LONG_RUNS = int(os.environ.get("LONG_RUNS", 10))
LEASE = 20.0
STOPPED = 60.0
WATCHED = 75.0
SHORT = 20.0  # a bound for what should take milliseconds
SETTLED = 5.0  # from the return of a node on until there is no more gossip of its loss


def signalled(number):
    return lambda leader: leader.signal(number)


def killed(which):
    return lambda leader: leader.kill(which)


def stopped(*which):
    def fault(leader):
        pids = [leader.pid_of(name) for name in which]
        at = now()
        for pid in pids:
            processes.kill(pid, signal.SIGSTOP)
        return at
    return fault


def pid_1_killed(leader):
    return leader.kill()


def go_on(leader):
    for process in leader.all:
        processes.kill(process.pid, signal.SIGCONT)


PLANNED = Case("planned stop (SIGTERM)", OURS, signalled(signal.SIGTERM))
PLANNED_LOCK = Case("planned stop (SIGTERM)", LOCK, signalled(signal.SIGTERM))
NETWORK_PROCESS_KILLED = Case("network process killed", OURS, killed("network"))
KEEPER_KILLED = Case("keeper killed", OURS, killed("keeper"))
SUPERVISOR_KILLED = Case("supervisor killed", OURS, killed("supervisor"))
LOCK_KILLED = Case("its process killed", LOCK, signalled(signal.SIGKILL))
RESTARTED = Case("restarted by docker, in its place", OURS, pid_1_killed)
NOT_RESTARTED = Case("not restarted", OURS, pid_1_killed)
STOPS = [Case("supervisor stopped (SIGSTOP) for 60 s", OURS, stopped("supervisor")),
         Case("its process stopped (SIGSTOP) for 60 s", LOCK, signalled(signal.SIGSTOP)),
         Case("all three processes stopped for 60 s, the program not", OURS, stopped(*NAMES))]
AGENT_KILLED = [Case("its Consul agent killed", kind) for kind in (OURS, LOCK)]
CUT_OFF = [Case("its node cut off from the others", kind) for kind in (OURS, LOCK)]


def measure_short(world, agent, found):
    for _ in range(RUNS):
        for case in [PLANNED, PLANNED_LOCK, KEEPER_KILLED, SUPERVISOR_KILLED]:
            pair = Pair(world, case, agent)
            pair.strike()
            watch([pair], SHORT)
            close([pair], found)


def count_changes(world, agent):
    """Of how many the leader, its session or its token is another a lease after its network process was killed."""
    def lead(pair):
        entry = agent.get(f"consul-leader/{pair.lock}/lock")
        return entry.get("Session"), json.loads(entry["Value"])["token"], pair.events.words(what="start")
    pairs, before = [], []
    for _ in range(RUNS):
        pairs.append(Pair(world, NETWORK_PROCESS_KILLED, agent))
        before.append(lead(pairs[-1]))
        pairs[-1].strike()
    time.sleep(LEASE)  # who renews no more has lost it by then
    changes = sum(lead(pair) != then for pair, then in zip(pairs, before))
    for pair in pairs:
        pair.close()
    return changes


def measure_restarts(world, agent, image, found):
    for _ in range(LONG_RUNS):
        pair = ContainedPair(world, RESTARTED, agent, image, "always")
        pair.strike()
        watch([pair], WATCHED)
        close([pair], found)


def measure_stops(world, agent, image, found):
    """Stops, and deaths after which the session has to run out, all at the same time."""
    pairs = [Pair(world, case, agent) for _ in range(LONG_RUNS) for case in [*STOPS, LOCK_KILLED]]
    pairs += [ContainedPair(world, NOT_RESTARTED, agent, image, "no") for _ in range(LONG_RUNS)]
    for pair in pairs:
        pair.strike()
    watch(pairs, STOPPED)
    for pair in pairs:
        if pair.case in STOPS:
            go_on(pair.leader)
    watch(pairs, WATCHED - STOPPED)
    close(pairs, found)


class Node(NamedTuple):
    """Where leaders are, and how it is lost."""
    cases: list
    agent: Agent
    others: Agent  # where those are that wait
    lose: Callable
    mend: Callable


def measure_losses(world, found):
    # A cluster for each kind of loss: what comes back disturbs the others.
    clusters = [world.consul(servers=3, agents=2, session_ttl_min=None, raft_multiplier=None).start() for _ in range(2)]
    one, other = [cluster.wait() for cluster in clusters]
    nodes = [Node(AGENT_KILLED, agent, one.servers[0], agent.kill, agent.start) for agent in one.agents]
    nodes += [Node(CUT_OFF, agent, other.servers[0], functools.partial(other.switch.cut, agent.namespace),
                   functools.partial(other.switch.mend, agent.namespace)) for agent in other.agents]
    for _ in range(LONG_RUNS // 2):
        pairs = [[Pair(world, case, node.agent, node.others) for case in node.cases] for node in nodes]
        for node, its_pairs in zip(nodes, pairs):
            at = now()
            node.lose()
            for pair in its_pairs:
                pair.struck = at
        watch(sum(pairs, []), WATCHED)
        close(sum(pairs, []), found)
        for node in nodes:
            node.mend()
        for cluster in clusters:
            cluster.wait()
        time.sleep(SETTLED)


def measure(found):
    """Returns how often the network process's death changed the leader."""
    with an_image() as image, a_world() as world:
        # More instances than what Consul has in mind of one machine.
        consul = world.consul(session_ttl_min=None, limits={"http_max_conns_per_client": 1000})
        agent = consul.start().wait().servers[0]
        tell("milliseconds")
        measure_short(world, agent, found)
        changes = count_changes(world, agent)
        tell("containers that are restarted")
        measure_restarts(world, agent, image, found)
        tell("a minute at once")
        measure_stops(world, agent, image, found)
        tell("nodes that are lost")
        measure_losses(world, found)
    return changes


def tell(what):
    print(f"now: {what}", file=sys.stderr, flush=True)


def duration(seconds):
    if math.isinf(seconds):
        return "no end"
    if seconds == 0:
        return "0"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def row(case, outcomes, *more):
    left = sum(outcome.left for outcome in outcomes)
    return [case.what, *median_and_maximum([outcome.took for outcome in outcomes], duration), *more,
            f"{left} of {len(outcomes)}"]


def row_beside(case, outcomes):
    beside = median_and_maximum([outcome.beside for outcome in outcomes], duration)
    return [case.kind.name, *row(case, outcomes, *beside)]


def main():
    found = collections.defaultdict(list)
    changes = measure(found)

    print_table(f"One process of the leader's killed ({RUNS} runs each)",
                ["", "the next one leads after: median", "maximum", "goal", "something of it was left then"],
                [[NETWORK_PROCESS_KILLED.what, f"{changes} changes of leader, session or token", "", "0", ""],
                 row(KEEPER_KILLED, found[KEEPER_KILLED], "median 100 ms, maximum 300 ms"),
                 row(SUPERVISOR_KILLED, found[SUPERVISOR_KILLED], "median 100 ms, maximum 300 ms"),
                 row(PLANNED, found[PLANNED], "")])
    print_table(f"PID 1 of its container killed ({LONG_RUNS} runs each)",
                ["", "the next one leads after: median", "maximum", "something of it was left then"],
                [row(case, found[case]) for case in (RESTARTED, NOT_RESTARTED)])
    print_table(f"Beside `consul lock` ({LONG_RUNS} runs each; planned stop, supervisor killed: {RUNS})",
                ["", "", "the next one leads after: median", "maximum",
                 "the old program acts beside it for: median", "maximum", "something of it was left then"],
                [row_beside(case, found[case])
                 for case in [PLANNED, PLANNED_LOCK, SUPERVISOR_KILLED, LOCK_KILLED, *STOPS, *AGENT_KILLED, *CUT_OFF]])


if __name__ == "__main__":
    main()
