"""What the supervised programs and hooks wrote, and the judgement whether two led at once."""
import fnmatch
import glob
import os
import struct
from typing import NamedTuple

from waiting import TooLate, now, until


class Event(NamedTuple):
    at: float  # seconds of CLOCK_MONOTONIC
    pid: int
    name: str  # of the instance
    what: str
    role: str
    token: str
    reason: str


class Interval(NamedTuple):
    begin: float
    end: float
    name: str
    pid: int
    token: str
    role: str


class Events:
    def __init__(self, path):
        self.path = path
        open(path, "a").close()
        os.chmod(path, 0o666)

    def all(self, what=None, name=None, pid=None, after=0.0):
        """Events in the order of their instants; `what` may be a pattern with `*`."""
        found = []
        with open(self.path) as file:
            for line in file:
                if not line.endswith("\n"):
                    break  # being written
                at, process, *rest = line.split()
                found.append(Event(int(at) / 1e9, int(process), *rest))
        return [event for event in sorted(found)
                if (what is None or fnmatch.fnmatchcase(event.what, what))
                and (name is None or event.name == name) and (pid is None or event.pid == pid) and event.at > after]

    def words(self, **which):
        return [event.what for event in self.all(**which)]

    def wait(self, what, timeout, name=None, pid=None, after=0.0, count=1):
        """The count-th such event, when it is there."""
        try:
            return until(lambda: self.all(what, name, pid, after)[count - 1:count], timeout)[0]
        except TooLate:
            raise TooLate(f"no {what} of {name or 'anybody'} within {timeout:.3g} s; there are:\n{self}") from None

    def last_alive(self, pid):
        """Until when a program certainly ran; it writes that every 2 ms."""
        try:
            with open(f"{self.path}.alive.{pid}", "rb") as file:
                return struct.unpack("=q", file.read(8))[0] / 1e9
        except (FileNotFoundError, struct.error):
            return 0.0

    def intervals(self, begin, ends):
        """Who led from when to when. begin, ends: the events that begin and end it for a name; a program's death
        ends it too, and what has no end goes on until now."""
        found = []
        everything = self.all()
        for event in everything:
            if event.what != begin:
                continue
            later = [other for other in everything if other.at >= event.at and other.name == event.name]
            stops = [other.at for other in later if other.what in ends]
            deaths = [other.at for other in later if other.what == "stop"]
            # A program that was killed could say nothing any more; a hook acts for the program of its instance, which
            # may be about to start.
            starts = [other for other in everything if other.what == "start" and other.name == event.name]
            programs = [event.pid] if event.what in ("start", "signal-10") else \
                [other.pid for other in [*starts[:1], *(start for start in starts if start.at <= event.at)][-1:]]
            killed = [self.last_alive(pid) for pid in programs]
            end = min(stops + deaths + [at for at in killed if at], default=now())
            found.append(Interval(event.at, end, event.name, event.pid, event.token, event.role))
        return sorted(found)

    def leading(self):
        """The intervals of leading, by what this test's programs have: a promote hook, a signal, their start."""
        words = {event.what for event in self.all()}
        if "promote-begin" in words:
            return self.intervals("promote-begin", {"demote-end"})
        if "signal-10" in words:
            return self.intervals("signal-10", {"signal-12"})
        return [interval for interval in self.intervals("start", {"stop"}) if interval.role != "follower"]

    def judge(self, intervals):
        """Never two: no interval begins before the one before it ended, and the token only grows, but for a program that
        was started again in place."""
        for before, after in zip(intervals, intervals[1:]):
            assert before.end <= after.begin, \
                f"two led at once for {(before.end - after.begin) * 1000:.3f} ms: {before} {after}\n{self}"
            in_place = (before.name, before.token) == (after.name, after.token)
            if before.token.strip("-0") and after.token.strip("-0") and not in_place:
                assert int(before.token) < int(after.token), f"the token did not grow: {before} {after}\n{self}"

    def nobody_saw_two(self):
        """The kernel's own witness: a program that began to act while another held the flock."""
        assert not self.all("two"), f"two acted at once:\n{self}"

    def pids(self):
        return {int(path.rsplit(".", 1)[1]) for path in glob.glob(self.path + ".alive.*")} | \
            {event.pid for event in self.all()}

    def __str__(self):
        everything = self.all()
        first = everything[0].at if everything else 0
        return "\n".join(f"  {event.at - first:9.4f} {event.name:8} {event.pid:7} {event.what:14} role={event.role} "
                         f"token={event.token} reason={event.reason}" for event in everything) or "  (nothing)"
