"""A leader that something befalls, and one that waits for its end: consul-leader's, or those of `consul lock`."""
import itertools
import math
import os
import select
import time
from typing import Callable, NamedTuple

import consul
from events import Events
from instance import TEST_PROGRAM, program
from waiting import TooLate, now, until

# Its two children and its daemon end by KILL alone. While one of them lives, the next program finds the witness taken.
PROGRAM = program("--children", 2, "--daemon")
WATCHES = 0.1  # seconds from the session of one that waits until it watches the lock

numbers = itertools.count(1)


class Kind(NamedTuple):
    name: str
    binary: str | None
    arguments: Callable  # of the lock's name


OURS = Kind("consul-leader", None, lambda lock: ["--service", lock, "--mode", "leader-only", "--", *PROGRAM])
LOCK = Kind("`consul lock`", consul.PROGRAM, lambda lock: ["lock", "-shell=false", lock, *PROGRAM])


class Case(NamedTuple):
    what: str
    kind: Kind
    fault: Callable | None = None  # befalls the leader that it is given, and returns when


class Outcome(NamedTuple):
    took: float  # seconds from the fault until the next program leads
    beside: float  # seconds that the old program acted beside it; infinite: as long as it was watched
    left: bool  # whether something of the old one was there when the next one led


class Pair:
    """With a lock, events and a witness of its own, so that many may run at the same time."""

    def __init__(self, world, case, agent, waits_at=None):
        self.world, self.case, self.agent = world, case, agent
        self.lock = f"bench-{next(numbers)}"
        self.events = Events(world.path("said", self.lock))
        self.environment = {"TEST_EVENTS": self.events.path, "TEST_WITNESS": world.path("said", self.lock + ".witness")}
        self.struck = math.inf
        self.left = None  # not known before the next one leads
        self.leader = self.start_leader()
        self.program = self.events.wait("start", 20).pid
        self.pidfd = os.pidfd_open(self.pid_to_watch())
        waits_at = waits_at or agent
        before = sessions(waits_at)
        self.waiting = self.start("waiting", waits_at)
        until(lambda: sessions(waits_at) - before, 20, "a session of the one that waits", every=0.01)
        time.sleep(WATCHES)

    def start(self, name, agent):
        return self.world.start(name, *self.case.kind.arguments(self.lock), agent=agent, binary=self.case.kind.binary,
                                environment=self.environment)

    def start_leader(self):
        return self.start("leader", self.agent)

    def pid_to_watch(self):
        return self.program

    def strike(self):
        self.struck = self.case.fault(self.leader)

    @property
    def next(self):
        """The event with which the next one leads, or None."""
        return next(iter(self.events.all("start", after=self.struck)), None)

    @property
    def acts(self):
        """Whether the old program does."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return not poll.poll(0)

    @property
    def beside(self):
        return math.inf if self.acts else max(0.0, self.events.last_alive(self.program) - self.next.at)

    @property
    def over(self):
        """Whether there is nothing more to see."""
        if self.left is None and self.next:
            self.left = bool(self.events.all("two") or self.remains())
        return self.left is not None and not self.acts

    def remains(self):
        """What the old one had started and has not ended."""
        return [process for process in self.leader.all if process.name == os.path.basename(TEST_PROGRAM)]

    def outcome(self):
        if not self.next:
            raise TooLate(f"nobody leads: {self.case.what}\n{self.events}\n{self.leader.text}\n{self.waiting.text}")
        return Outcome(self.next.at - self.struck, self.beside, self.left)

    def close(self):
        os.close(self.pidfd)
        both = self.leader, self.waiting
        for instance in both:
            instance.close()
        self.world.instances = [instance for instance in self.world.instances if instance not in both]


def sessions(agent):
    return {session["ID"] for session in agent.sessions()}


def watch(pairs, seconds):
    """Until all is over, but no longer."""
    end = now() + seconds
    while now() < end and not all([pair.over for pair in pairs]):
        time.sleep(0.002 * len(pairs))


def close(pairs, found):
    """What came of each goes to those of its case."""
    for pair in pairs:
        found[pair.case].append(pair.outcome())
        pair.close()
