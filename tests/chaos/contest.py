"""Instances of one service that stand for the lead, each with a Consul agent of its own, and what they may do."""
import contextlib
import os
import shlex
import subprocess
import sys
import time

import processes
from cgroups import Freezer
from evidence import Evidence, longest_gap, longest_overlap
from instance import BUILD
from scenario import SLACK
from waiting import TooLate, holds, now, until

PROGRAM = os.path.join(BUILD, "chaos-program")
STORE = os.path.join(BUILD, "chaos-store")
NAMES = ("one", "two", "three")
STATUS = 7  # what a program that was asked to end ends with
PATIENCE = 25.0  # for somebody to lead at the start
PLANNED = 4.0 + SLACK  # for the next one to lead after a stop


class Contest:
    """afterwards: closed when no instance is left."""

    def __init__(self, world, afterwards, cluster, how, service):
        self.world, self.afterwards, self.cluster, self.how = world, afterwards, cluster, how
        self.mode, self.times = how.mode, how.times
        self.service, self.key = service, f"consul-leader/{service}/lock"
        self.agents = dict(zip(NAMES, cluster.agents))
        self.instances = {}
        self.first_token = 0  # of whoever led when all stood: what came before is no matter
        self.row = None
        self.undo = contextlib.ExitStack()  # what a test froze and cut
        os.mkdir(world.path("records"))
        self.evidence = Evidence(world.path("records"), world.path("writes"))
        store = afterwards.enter_context(subprocess.Popen([STORE, world.path("store"), world.path("writes")]))
        afterwards.callback(store.kill)
        until(lambda: os.path.exists(world.path("store")), 5, "the store")

    # Instances

    def hook(self, word, options):
        return shlex.join([PROGRAM, "hook", word, "--by", self.mode.by, *map(str, options)])

    def start(self, name, *options, program=(), promote=None, demote=None, enter=(), environment=None, **popen):
        """Starts an instance. promote, demote: the options of its hooks, where it shall have them."""
        if self.mode.hooks:
            promote, demote = promote or [], demote or []
        hooks = []
        if promote is not None:
            hooks += ["--on-promote", self.hook("promote", promote)]
        if demote is not None:
            hooks += ["--on-demote", self.hook("demote", demote)]
        command = [PROGRAM, "run", "--by", self.mode.by, "--status", STATUS, *program]
        agent = self.agents[name.split("-")[0]]
        self.instances[name] = self.world.start(
            name, "--service", self.service, "--tag-service", "none", *self.times.options, *self.mode.options, *hooks,
            *options, "--", *command, enter=[*agent.namespace.enter(), *enter],
            environment={"CHAOS_RECORDS": self.evidence.records, "CHAOS_STORE": self.world.path("store")} |
            (environment or {}), **popen)
        return self.instances[name]

    def begin(self, *options, names=NAMES, **how):
        """Starts them all alike; the one that leads, when the others wait for it."""
        for name in names:
            self.start(name, *options, **how)
        return self.settle()

    def settle(self):
        """The one that leads when all stand. On a machine full of tests it need not be the first."""
        self.next_lead(0, PATIENCE)
        self.all_stand()
        name = until(self.leader, PATIENCE, "somebody leads", every=0.01)
        self.first_token = self.lead_of(self.instances[name]).token
        return self.instances[name]

    def all_stand(self):
        running = [instance for instance in self.instances.values() if instance.process.poll() is None]
        until(lambda: len(self.consul.keys(self.key + ".candidates/")) == len(running), 15, "all stand", every=0.05)

    def others(self, leader):
        return [instance for instance in self.instances.values() if instance is not leader]

    @property
    def consul(self):
        """A server to ask: the one that leads, when there is one."""
        return until(self.cluster.leader, SLACK, "a Consul that can be asked", every=0.05)

    def freezer(self):
        """A control group to start an instance in; thawed at the end of the test."""
        freezer = Freezer()
        self.afterwards.callback(freezer.close)
        self.undo.callback(freezer.thaw)
        return freezer

    def lose(self, name, *matches):
        """Packets that come in on the machine of this instance, and match in nft's words, are lost."""
        namespace = self.agents[name].namespace
        namespace.drop(*matches)
        self.undo.callback(namespace.admit)

    # What they do

    def leader(self):
        """The name of who acts at this moment, or None."""
        last = max(self.evidence.acting(), key=lambda stretch: stretch.end, default=None)
        return last.name if last and last.end > now() - 0.5 else None

    def lead_of(self, instance):
        return [lead for lead in self.evidence.leads() if lead.name == instance.name][-1]

    def lead_with(self, token):
        """What was done with this token so far."""
        return next(lead for lead in self.evidence.leads() if lead.token == token)

    def lease_left(self, leader):
        """How long the leader may still act, by the page that its program is given; 0: it does not lead."""
        program = next(process for process in leader.others if process.name == os.path.basename(PROGRAM))
        variables = processes.environment(program.pid).decode().split("\0")
        path = next(text.partition("=")[2] for text in variables if text.startswith("CONSUL_LEADER_LEASE_FILE="))
        with open(path, "rb") as file:
            file.seek(128)  # include/consul_leader/lease.h
            deadline = int.from_bytes(file.read(8), sys.byteorder)
        return max(deadline - time.clock_gettime_ns(time.CLOCK_BOOTTIME), 0) / 1e9

    def next_lead(self, after, within, but=None):
        """The first lead that began after an instant, when it is there. but: an instance that must not have it."""
        end = after + within if after else now() + within
        try:
            lead = until(lambda: [lead for lead in self.evidence.leads() if lead.begin > after], max(end - now(), 0.1),
                         every=0.01)[0]
        except TooLate:
            said = "\n".join(f"--- {name}\n{one.text}" for name, one in self.instances.items())
            raise TooLate(f"nobody leads within {within:.3g} s:\n{self.evidence}\n{said}") from None
        assert not but or lead.name != but.name, f"{lead.name} leads again\n{self.evidence}"
        return lead

    def nothing_happens(self, seconds):
        """The leader acts on, and nobody else begins to."""
        leads = len(self.evidence.leads())
        holds(lambda: len(self.evidence.leads()) == leads, seconds, lambda: f"nothing happens\n{self.evidence}",
              every=0.1)
        assert self.leader(), f"nobody acts\n{self.evidence}"

    def nobody_came_back(self):
        """No program that stopped to act with a token began to act with it again."""
        begun = [(stretch.name, stretch.token) for stretch in self.evidence.stretches("program") if not stretch.resumed]
        assert len(begun) == len(set(begun)), f"somebody came back\n{self.evidence}"

    # The judgement

    @contextlib.contextmanager
    def judged(self):
        begun = now()
        try:
            yield
        finally:
            self.row = self.measure() | {"seconds": now() - begun}
        self.judge()

    def measure(self):
        leads = self.evidence.leads()
        counted = [lead for lead in leads if lead.token >= self.first_token]
        executed = self.evidence.executed() if self.how.fenced else None
        return {"scenario": self.how.number, "what": self.how.what, "mode": self.mode.name, "times": self.times.name,
                "left_out": self.how.left_out, "fenced": self.how.fenced, "overlap": longest_overlap(executed or leads),
                "gap": longest_gap(executed or counted), "changes": max(len(counted) - 1, 0),
                "stale": len(self.evidence.stale_writes())}

    def judge(self):
        leads = self.evidence.leads()
        overlap = self.row["overlap"] * 1000
        assert self.how.fenced or overlap == 0, f"two acted at once for {overlap:.3f} ms\n{self.evidence}"
        for before, after in zip(leads, leads[1:]):
            assert before.token < after.token, f"a token does not grow\n{self.evidence}"
        accepted = [write for write in self.evidence.stale_writes() if write.accepted]
        assert not accepted, f"the store took late writes: {accepted}"
        assert self.row["changes"] in self.how.changes, \
            f"{self.row['changes']} changes of leader, not {list(self.how.changes)}\n{self.evidence}"

    def close(self):
        self.undo.close()
        print(f"----- what they did\n{self.evidence}")
