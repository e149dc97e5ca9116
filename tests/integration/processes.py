"""What /proc tells of processes."""
import os
import signal
from typing import NamedTuple

from waiting import until


class Process(NamedTuple):
    pid: int
    name: str
    state: str
    parent: int
    group: int
    session: int

    @property
    def alive(self):
        return self.state not in "ZX"


def read(pid):
    """The process of that pid, or None."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    name = text[text.index("(") + 1:text.rindex(")")]
    rest = text[text.rindex(")") + 2:].split()
    return Process(int(pid), name, rest[0], int(rest[1]), int(rest[2]), int(rest[3]))


def everything():
    return [process for entry in os.listdir("/proc") if entry.isdigit() and (process := read(entry))]


def alive(pid):
    process = read(pid)
    return process is not None and process.alive


def environment(pid):
    """The environment that a process was started with, as bytes; empty when it cannot be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""


def cgroups(pid):
    """The paths of its control groups, a line each; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/cgroup") as file:
            return file.read()
    except OSError:
        return ""


def descendants(pid):
    """All processes below pid, its zombies too."""
    children = {}
    for process in everything():
        children.setdefault(process.parent, []).append(process)
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += [process.pid for process in below]
    return found


def kill(pid, number=signal.SIGKILL):
    """Sends a signal; says whether there was somebody to get it."""
    assert pid > 1
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def end_at_once(everything):
    """Kills them all; none has the time to notice that another was killed. Children go first, to their end: a stopped
    process group whose last parent dies is let go on by the kernel, and a lock is free before a killed program is gone."""
    parents = {process.pid: process.parent for process in everything}

    def depth(pid):
        return 1 + depth(parents[pid]) if pid in parents else 0
    deepest_first = sorted(parents, key=depth, reverse=True)
    for pid in deepest_first:
        kill(pid, signal.SIGSTOP)
    for pid in deepest_first:
        kill(pid)
        until(lambda: not alive(pid), 10, f"the killed process {pid} ends", every=0.0005)


def status(pid):
    """/proc/PID/status as a dictionary."""
    with open(f"/proc/{pid}/status") as file:
        return parse_status(file.read())


def parse_status(text):
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def pid_inside(pid):
    """What its own namespace calls a process; None when it is gone."""
    try:
        return int(status(pid)["NSpid"].split()[-1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def signal_set(mask):
    """The signal numbers in a mask of /proc/PID/status."""
    bits = int(mask, 16)
    return {number for number in range(1, 65) if bits >> (number - 1) & 1}


def proportional_memory(pid):
    """Proportional set size in bytes: what the process has for itself, and its share of the rest."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"no Pss of {pid}")
