"""With Consul's ACLs on each task has a token of its own, by its workload identity."""
import os

import pytest

from life import tagged
from test_examples import example
from waiting import holds, until

pytestmark = pytest.mark.parametrize("datacenter", ["secured"], indirect=True)


class Elected:
    """A job of the examples, settled."""

    def __init__(self, datacenter, jobs):
        self.datacenter = datacenter
        self.job = jobs(example("raw-exec.hcl"))
        self.job.runs(3)
        self.leader = self.next_leader()

    def next_leader(self, former=None):
        """The allocation that is tagged in the former one's place."""
        found, = until(lambda: tagged(self.datacenter, "clock") - {former.id if former else None}, 30)
        return until(lambda: self.job.allocations.get(found), 5)

    def known(self, allocation):
        """Whether the catalog has its service."""
        return allocation.service_id("clock", "clock") in self.datacenter.cluster.servers[0].catalog("clock")


@pytest.fixture
def elected(datacenter, jobs):
    return Elected(datacenter, jobs)


def secret_of(allocation):
    path = os.path.join(allocation.client.directory, "data", "alloc", allocation.id, allocation.task, "secrets", "consul_token")
    with open(path) as file:
        return file.read().strip()


def test_the_secret_is_nowhere_to_be_read(elected):
    secret = secret_of(elected.leader)
    assert secret
    for process in elected.leader.processes:
        with open(f"/proc/{process.pid}/cmdline") as file:
            assert secret not in file.read()
    elected.leader.stop()
    elected.next_leader(elected.leader)
    for stream in ("stdout", "stderr"):
        assert secret not in elected.leader.log(stream)
    value = elected.datacenter.cluster.servers[0].get("consul-leader/clock/lock")["Value"]
    assert secret not in value and secret_of(elected.next_leader(elected.leader)) not in value


def test_a_stop_leaves_no_service_behind(elected):
    """Its token ends with the allocation: what is left then nobody could take down."""
    elected.leader.stop()
    elected.next_leader(elected.leader)
    until(lambda: not elected.known(elected.leader), 2)
    holds(lambda: not elected.known(elected.leader), 5, every=0.1)


def test_a_client_that_is_killed_and_started_again(elected):
    """The task goes on with its token, and the lead stays; a later stop is as any other."""
    leader, client = elected.leader, elected.leader.client
    client.kill()
    client.start()
    until(lambda: "ready" in [node["Status"] for node in client.nodes_here()], 60, every=0.1)
    holds(lambda: tagged(elected.datacenter, "clock") == {leader.id}, 5, every=0.1)
    leader.stop()
    elected.next_leader(leader)
    until(lambda: not elected.known(leader), 2)
