"""The table of duties: what is seen of each init, as PID 1 of a PID namespace and as an ordinary child. Prints Markdown."""
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from duties import DUTIES
from duties.trial import INITS, SETTINGS


def outcome(number, init, setting):
    return DUTIES[number].outcome(init, setting)


def cell(as_pid_1, as_child):
    return as_pid_1 if as_pid_1 == as_child else f"{as_pid_1}; as a child {as_child}"


with ProcessPoolExecutor(4) as pool:  # most of a trial is waiting
    outcomes = pool.map(outcome, *zip(*product(range(len(DUTIES)), INITS, SETTINGS)))
    print(f"| duty | {' | '.join(INITS)} |")
    print("|---" * (1 + len(INITS)) + "|")
    for duty in DUTIES:
        print(f"| {duty.what} | {' | '.join(cell(next(outcomes), next(outcomes)) for _ in INITS)} |")
