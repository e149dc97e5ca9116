"""What every test has: a world of its own, and figures that the summary shows."""
import os
import signal

import pytest

from figures import figure, figures, pytest_terminal_summary  # noqa: F401
from instance import CONSUL_LEADER, TEST_PROGRAM
from target import Target
from world import World

# Shells ignore these for what they start in the background, and what the tests start would inherit it.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed


@pytest.fixture
def world(request):
    it = World()
    yield it
    it.close(getattr(request.node, "failed", True))


@pytest.fixture
def target():
    it = Target()
    yield it
    it.close()


def pytest_sessionstart(session):
    for needed in (CONSUL_LEADER, TEST_PROGRAM):
        if not os.access(needed, os.X_OK):
            pytest.exit(f"{needed} is not built: make all build/test-program", returncode=2)


def pytest_collection_modifyitems(config, items):
    """What takes long goes first, and to different processes: xdist begins by giving each of them the next few tests."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    share = max(len(items) // (4 * workers), 2)

    def seconds(item):
        marker = item.get_closest_marker("long")
        return (marker.args or (20,))[0] if marker else 0
    short = [item for item in items if not seconds(item)]
    shares = [[] for _ in range(workers)]
    for item in sorted(filter(seconds, items), key=seconds, reverse=True):
        min(shares, key=lambda mine: (sum(map(seconds, mine)), len(mine))).append(item)
    for mine in shares:
        while len(mine) < share and short:
            mine.append(short.pop(0))
    items[:] = sum(shares, []) + short
