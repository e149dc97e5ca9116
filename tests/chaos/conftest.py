"""The contest of one test, and a Consul that the tests of a worker share."""
import contextlib
import itertools
import json
import os
import shutil
import tempfile

import pytest

from consul import Cluster
from contest import PROGRAM, STORE, Contest
from instance import CONSUL_LEADER
from world import World

RESULTS = os.environ.get("CHAOS_RESULTS")  # a line of JSON for each test is added to it

numbers = itertools.count(1)


class Arena:
    """Three servers and three agents that outlive a test."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="consul-leader-chaos-")
        self.shared = None

    def cluster(self):
        if not self.shared:
            self.shared = Cluster(os.path.join(self.folder, "consul"), servers=3, agents=3).start()
        return self.shared.wait()

    def close(self):
        if self.shared:
            self.shared.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def arena():
    it = Arena()
    yield it
    it.close()


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed
        if RESULTS:
            with open(RESULTS, "a") as file:
                file.write(json.dumps(item.funcargs["contest"].row | {"failed": item.failed}) + "\n")


@pytest.fixture
def afterwards():
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def world(request, afterwards):
    it = World()
    yield it
    it.close(getattr(request.node, "failed", True))


@pytest.fixture
def contest(world, afterwards, arena, how):
    cluster = world.consul(servers=3, agents=3).start().wait() if how.own_consul else arena.cluster()
    it = Contest(world, afterwards, cluster, how, f"{how.number.lower()}-{next(numbers)}")
    yield it
    it.close()


def pytest_sessionstart(session):
    for needed in (CONSUL_LEADER, PROGRAM, STORE):
        if not os.access(needed, os.X_OK):
            pytest.exit(f"{needed} is not built: make chaos-programs", returncode=2)
