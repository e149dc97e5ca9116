"""What the programs and the store wrote down, and what follows from it. Nothing here trusts what consul-leader says."""
import glob
import os
import struct
from typing import NamedTuple

HEADER = struct.Struct("=QQQ")  # as in record.h
STRETCH = struct.Struct("=qqQQ")
ENTRY = struct.Struct("=qQQ")  # as in store.c


class Stretch(NamedTuple):
    """Somebody acted, but for stalls of at most 50 ms."""
    begin: float  # seconds of CLOCK_MONOTONIC
    end: float
    token: int
    name: str  # of the instance
    pid: int
    kind: str  # program, child, promote, demote
    resumed: bool  # it goes on after a stall


class Lead(NamedTuple):
    """All that one instance did with one token, until its demotion was complete."""
    begin: float
    end: float
    token: int
    name: str
    stretches: tuple


class Write(NamedTuple):
    at: float
    token: int
    accepted: bool


def read_record(path):
    name, pid, kind = os.path.basename(path).rsplit(".", 2)
    with open(path, "rb") as file:
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            return []  # being made
        _, _, count = HEADER.unpack(header)
        body = file.read(count * STRETCH.size)
    return [Stretch(begin / 1e9, last / 1e9, token, name, int(pid), kind, bool(resumed))
            for begin, last, token, resumed in STRETCH.iter_unpack(body) if begin]


def longest_overlap(spans):
    """How long two of these at most went on at once."""
    longest, latest = 0.0, float("-inf")
    for span in sorted(spans):
        longest = max(longest, min(latest, span.end) - span.begin)
        latest = max(latest, span.end)
    return longest


def longest_gap(spans):
    """How long between the first and the last at most none went on."""
    longest, latest = 0.0, None
    for span in sorted(spans):
        if latest is not None:
            longest = max(longest, span.begin - latest)
        latest = max(latest or 0.0, span.end)
    return longest


class Evidence:
    def __init__(self, records, log):
        self.records, self.log = records, log

    def stretches(self, kind="*"):
        return sorted(stretch for path in glob.glob(os.path.join(self.records, "*." + kind))
                      for stretch in read_record(path))

    def acting(self):
        """What was done to act, not to stop it."""
        return [stretch for stretch in self.stretches() if stretch.kind != "demote"]

    def leads(self):
        found = {}
        for stretch in self.stretches():
            if stretch.token == 0:
                continue  # a demote hook of whoever came after a dead one: that was told of no token
            found.setdefault((stretch.name, stretch.token), []).append(stretch)
        return sorted(Lead(all_[0].begin, max(stretch.end for stretch in all_), token, name, tuple(all_))
                      for (name, token), all_ in found.items())

    def writes(self):
        with open(self.log, "rb") as file:
            body = file.read()
        whole = len(body) - len(body) % ENTRY.size
        return [Write(at / 1e9, token, bool(accepted)) for at, token, accepted in ENTRY.iter_unpack(body[:whole])]

    def stale_writes(self):
        """Those with a token below one that was accepted before."""
        highest, stale = 0, []
        for write in self.writes():
            if write.token < highest:
                stale.append(write)
            elif write.accepted:
                highest = write.token
        return stale

    def executed(self):
        """The spans in which a lead's processes acted, one lead's joined where they lie over each other."""
        spans = []
        for lead in self.leads():
            latest = None
            for stretch in lead.stretches:
                if stretch.kind == "demote":
                    continue
                if latest and stretch.begin <= latest.end:
                    latest = latest._replace(end=max(latest.end, stretch.end))
                    spans[-1] = latest
                else:
                    latest = stretch
                    spans.append(latest)
        return spans

    def __str__(self):
        leads = self.leads()
        if not leads:
            return "  (nobody acted)"
        return "\n".join(f"  {lead.begin - leads[0].begin:9.4f} to {lead.end - leads[0].begin:9.4f} {lead.name} "
                         f"token={lead.token}" + "".join(
                             f"\n    {stretch.kind} {stretch.pid}: {stretch.begin - leads[0].begin:.4f} to "
                             f"{stretch.end - leads[0].begin:.4f}" for stretch in lead.stretches[:20])
                         for lead in leads)
