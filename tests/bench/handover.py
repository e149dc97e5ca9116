"""How long a change of leader takes beside `consul lock`, how long a start, and how much memory we take.

Three instances on one Consul server on the same machine; the leader is sent SIGTERM, and the clock runs until the next
program says that it was promoted, by the program's own instant. All kinds take turns, so that what else the machine
does meets all of them. Prints Markdown for docs/performance.md.
"""
import os
import signal
import statistics

from common import a_world, median_and_maximum, print_table  # first: it says where the next ones are

import consul
import processes
from instance import hook, program
from waiting import now, until

TURNS = int(os.environ.get("TURNS", 50))


class Kind:
    """One way to have a leader: how an instance is started, and what its program says when it leads."""

    def __init__(self, name, world, agent, arguments, event, binary=None):
        self.name, self.world, self.agent = name, world, agent
        self.arguments, self.event, self.binary = arguments, event, binary
        self.number = 0
        self.running = {}
        self.took = []
        self.memory = []
        self.started = []

    def start(self):
        self.number += 1
        name = f"{self.name.split()[0]}-{self.number}"
        self.running[name] = self.world.start(name, *self.arguments, agent=self.agent, binary=self.binary)
        return name

    def waits(self, name):
        """Until this instance stands: ours has its entry among the candidates, `consul lock` its session."""
        until(lambda: len(self.agent.sessions()) >= len(self.running) + self.others(), 10, every=0.01)

    def others(self):
        return sum(len(kind.running) for kind in KINDS if kind is not self)

    def first(self):
        begun = now()
        name = self.start()
        self.leader = self.world.events.wait(self.event, 20, name=name)
        self.started.append(self.leader.at - begun)

    def fill(self):
        while len(self.running) < 3:
            self.waits(self.start())

    def turn(self):
        """One hand-over; then there are three again."""
        old = self.running.pop(self.leader.name)
        stopped = old.signal(signal.SIGTERM)

        def promoted():
            return [event for event in self.world.events.all(self.event, after=stopped) if event.name in self.running]
        self.leader = until(promoted, 20)[0]
        self.took.append(self.leader.at - stopped)
        old.wait(10)
        old.close()
        self.fill()

    def measure_memory(self):
        """Proportional memory of the leader's processes without what they supervise."""
        instance = self.running[self.leader.name]
        ours = [process for process in instance.all if process.name != "test-program"]
        self.memory = [(process.name, processes.proportional_memory(process.pid)) for process in ours]


KINDS = []


def start_times(world, agent, options, event):
    """Starts of a single instance until its promotion."""
    took = []
    for turn in range(TURNS):
        begun = now()
        name = f"single-{event}-{turn}"
        instance = world.start(name, "--service", "single", *options, "--", *program(), agent=agent)
        took.append(world.events.wait(event, 10, name=name).at - begun)
        instance.signal(signal.SIGTERM)
        instance.wait(10)
        instance.close()
    return took


def measure(world):
    """Fills KINDS; returns the starts of single instances."""
    agent = world.consul(session_ttl_min=None).start().wait().servers[0]
    leader_only = ["--mode", "leader-only"]
    hooks = ["--on-promote", hook("promote"), "--on-demote", hook("demote")]
    KINDS.extend([
        Kind("leader-only", world, agent, ["--service", "a", *leader_only, "--", *program()], "start"),
        Kind("follow with hooks", world, agent, ["--service", "b", *hooks, "--", *program()], "promote-end"),
        Kind("consul lock", world, agent, ["lock", "-shell=false", "c", *program()], "start", consul.PROGRAM),
    ])
    # Each kind has a witness of its own: they do not exclude each other.
    for kind in KINDS:
        world.witness = world.path("witness-" + kind.name.split()[0])
        kind.first()
        kind.fill()
    for _ in range(TURNS):
        for kind in KINDS:
            world.witness = world.path("witness-" + kind.name.split()[0])
            kind.turn()
    for kind in KINDS:
        kind.measure_memory()
    for kind in KINDS:
        for instance in kind.running.values():
            instance.signal(signal.SIGTERM)
        for instance in kind.running.values():
            instance.wait(20)
    world.witness = world.path("witness-single")
    return {"leader-only": start_times(world, agent, leader_only, "start"),
            "follow with hooks": start_times(world, agent, hooks, "promote-end")}


def main():
    with a_world() as world:
        single = measure(world)

    reference = statistics.median(KINDS[-1].took)
    print_table(f"SIGTERM of the leader to the next program promoted ({TURNS} turns)",
                ["", "median", "maximum", "median beside `consul lock`"],
                [[kind.name, *median_and_maximum(kind.took), f"{statistics.median(kind.took) / reference:.2f}"]
                 for kind in KINDS])
    print_table(f"Start of a single instance to its promotion ({TURNS} starts)", ["", "median", "maximum"],
                [[name, *median_and_maximum(took)] for name, took in single.items()])
    print_table("Proportional memory (PSS) while leading, without the program", ["", "all", "each process"],
                [[kind.name, f"{sum(size for _, size in kind.memory) / 1048576:.1f} MiB",
                  ", ".join(f"{name} {size / 1048576:.1f}" for name, size in sorted(kind.memory))] for kind in KINDS])


if __name__ == "__main__":
    main()
