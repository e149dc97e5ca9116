"""What a scenario is: what is done, in which modes and with which times, and what may come of it."""
import functools
from typing import NamedTuple

import pytest

from trio import DEFAULT_LEASE, DEFAULT_LOCK_DELAY, DEFAULT_TTL, FAST, LEASE, LOCK_DELAY, TTL


SLACK = 20.0  # on a machine full of tests; how long it took is reported


class Times(NamedTuple):
    name: str
    ttl: float
    lease: float
    lock_delay: float
    demote_timeout: float
    options: tuple

    @property
    def killed(self):
        """When the next one leads at the latest after a whole instance was killed."""
        return 2 * self.ttl + self.lock_delay + SLACK

    @property
    def node_lost(self):
        return 10 + self.lock_delay + SLACK


fast = Times("fast", TTL, LEASE, LOCK_DELAY, 0.5, tuple(FAST))
# Where no lease has to run out: Consul may be away for 5 s, which on a machine full of tests it is now and then.
steady = Times("steady", 4.0, 8.0, 11.0, 1.0, ("--ttl", "4s", "--lease", "8s", "--demote-timeout", "1s"))
defaults = Times("defaults", DEFAULT_TTL, DEFAULT_LEASE, DEFAULT_LOCK_DELAY, 3.0, ())


class Mode(NamedTuple):
    name: str
    options: tuple
    by: str  # what makes the program believe that it leads
    hooks: bool = False


SIGNALS = Mode("signal+ack", ("--promote-signal", "USR1", "--demote-signal", "USR2", "--demote-ack"), "signals")
HOOKS = Mode("hooks", (), "hooks", hooks=True)
PAGE = Mode("lease page", (), "page")
LEADER_ONLY = Mode("leader-only", ("--mode", "leader-only"), "start")
MODES = (SIGNALS, HOOKS, PAGE, LEADER_ONLY)

# How many changes of leader a scenario may cost.
NO_CHANGE = range(0, 1)
AT_MOST_ONE = range(0, 2)
ONE = range(1, 2)

NO_HOOK = {PAGE: "nothing is run for it: no hook"}


class How(NamedTuple):
    number: str
    what: str
    mode: Mode
    times: Times
    changes: range
    fenced: bool  # no keeper can run: then the store has to refuse what comes late
    own_consul: bool  # breaks Consul itself, or its network
    left_out: dict


def scenario(number, what, changes, times=fast, also=(), left_out=(), fenced=False, own_consul=False, alone=False):
    """Makes a test of it, once for each mode but those that are left out, for a reason; also: (mode, times) for some
    of them once more. alone: needs the machine for itself."""
    modes = [mode for mode in MODES if mode not in left_out]
    quick = modes[int(number[1:3]) % len(modes)]

    def params():
        for mode, with_times in [(mode, times) for mode in modes] + list(also):
            marks = [pytest.mark.quick] if (mode, with_times) == (quick, times) else []
            name = mode.name.replace(" ", "-") + ("" if with_times == times else "-" + with_times.name)
            how = How(number, what, mode, with_times, changes, fenced, own_consul,
                      {mode.name: why for mode, why in dict(left_out).items()})
            yield pytest.param(how, id=name, marks=marks)

    def decorate(test):
        @functools.wraps(test)
        def judged(contest):
            with contest.judged():
                test(contest)
        marked = pytest.mark.parametrize("how", list(params()))(judged)
        return pytest.mark.alone(marked) if alone else marked
    return decorate
