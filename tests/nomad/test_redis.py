"""nomad-examples/redis.hcl as it is, with a client that writes all the time: nothing that was acknowledged is lost."""
import os
import shutil
import time

import pytest

import processes
from life import tagged
from nomad import BUILD
from redis import Client, Connection, NotDone, addresses, lost
from test_examples import example
from waiting import until


@pytest.fixture(scope="module", autouse=True)
def redis_server():
    """In Nomad's PATH; Debian's redis-tools has the program under another name."""
    link = os.path.join(BUILD, "redis-server")
    if shutil.which("redis-server") or os.path.lexists(link):
        yield
        return
    os.symlink(shutil.which("redis-check-rdb"), link)
    yield
    os.unlink(link)


def redis_server_of(allocation):
    return next((one for one in allocation.processes if one.name == "redis-server"), None)


class Replication:
    """The job, settled, and a client that writes."""

    def __init__(self, job, replicas):
        self.job = job
        self.consul = job.datacenter.cluster.servers[0]
        self.settles()
        self.client = Client(self.consul, replicas)
        self.client.writes()

    @property
    def primary(self):
        """The allocation that is tagged."""
        identifier, = tagged(self.job.datacenter, "redis")
        return self.job.allocations[identifier]

    @property
    def primary_address(self):
        address, = addresses(self.consul, tag="primary").values()
        return address

    def next_leads(self, former, within=10):
        until(lambda: tagged(self.job.datacenter, "redis") - {former.id}, within)

    def connection(self, address):
        return Connection(self.consul.namespace, address)

    def instances(self):
        """Where those are that run and are healthy. What is left of a stopped one Nomad removes in up to half a minute."""
        allocations = self.job.runs(3)
        healthy = addresses(self.consul, passing="")
        return [healthy[one.service_id("redis", "redis")] for one in allocations if one.service_id("redis", "redis") in healthy]

    def settles(self):
        """Waits until one leads, and the two others replicate from it and are healthy."""
        until(self._replicates, 40, every=0.05)

    def _replicates(self):
        instances, leaders = self.instances(), list(addresses(self.consul, tag="primary").values())
        return len(instances) == 3 and len(leaders) == 1 and all(
            self._follows(address, leaders[0]) for address in instances if address != leaders[0])

    def _follows(self, address, leader):
        with self.connection(address) as redis:
            info = redis.info()
        return info["role"] == "slave" and info["master_link_status"] == "up" and \
            (info["master_host"], int(info["master_port"])) == leader

    def judge(self):
        """All is there that was acknowledged until now, and one alone can be written to."""
        self.client.writes()
        acknowledged = list(self.client.acknowledged)
        self.settles()
        assert [address for address in self.instances() if self._takes_writes(address)] == [self.primary_address]
        with self.connection(self.primary_address) as redis:
            missing = lost(redis, acknowledged)
        assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged writes are lost: {missing[:5]} ... {missing[-5:]}"

    def _takes_writes(self, address):
        with self.connection(address) as redis:
            try:
                redis.say("SET written 1")
            except NotDone as error:
                assert str(error).startswith("READONLY"), error
                return False
            return True


@pytest.fixture
def replication(datacenter, jobs):
    """replication(replicas=1): the job with a client whose writes so many replicas have to have."""
    started = []

    def begin(replicas=1):
        started.append(Replication(jobs(example("redis.hcl")), replicas))
        return started[-1]
    yield begin
    for it in started:
        it.client.close()


@pytest.mark.parametrize("datacenter", ["plain", "secured"], indirect=True)
def test_alloc_stop(replication, figures):
    it = replication()
    for _ in range(5):
        former = it.primary
        former.stop()
        it.next_leads(former)
        it.judge()
    figures("redis, alloc stop: no writes", it.client.gaps)


def test_alloc_stop_while_a_replica_lags(replication, figures):
    """Either may be the next primary, the one that lags too."""
    it = replication()
    for _ in range(5):
        former = it.primary
        _, port = it.primary_address
        behind = next(one for one in it.job.allocations.values() if one.id != former.id).client.namespace
        behind.drop(f"tcp sport {port}")
        try:
            time.sleep(0.3)
            former.stop()
            time.sleep(0.2)
        finally:
            behind.admit()
        it.next_leads(former)
        it.judge()
    figures("redis, alloc stop while a replica lags: no writes", it.client.gaps)


def test_rolling_update(replication, figures):
    it = replication()
    it.job.definition["Meta"] = {"version": "2"}
    it.job.submit()
    until(lambda: len(it.job.allocations) == 3 and all(one.job_version == 1 for one in it.job.allocations.values()), 150,
          every=0.1)
    it.judge()
    figures("redis, rolling update: no writes", it.client.gaps)


def test_drain(replication, figures):
    it = replication()
    former = it.primary
    former.client.drain(True)
    try:
        it.next_leads(former, 60)
        it.client.writes()
    finally:
        former.client.drain(False)
    it.judge()
    figures("redis, drain: no writes", it.client.gaps)


@pytest.mark.parametrize("which", ["redis-server", "all"])
def test_the_primary_is_killed(replication, figures, which):
    """What both replicas have acknowledged is on whichever leads next; the old one comes back empty, and copies."""
    it = replication(replicas=2)
    for _ in range(3):
        former = it.primary
        victims = former.processes if which == "all" else [redis_server_of(former)]
        processes.end_at_once(victims)
        it.next_leads(former, 20)
        it.judge()
    figures(f"redis, primary's {which} killed: no writes that both replicas have", it.client.gaps)


def test_who_has_no_copy_does_not_lead(replication, figures):
    """A replica starts again empty, and cannot reach the primary when that is stopped: only the third has everything."""
    it = replication()
    for _ in range(4):
        former = it.primary
        empty, third = [one for one in it.job.allocations.values() if one.id != former.id]
        _, port = it.primary_address
        empty.client.namespace.drop(f"tcp sport {port}")
        try:
            old = redis_server_of(empty)
            processes.kill(old.pid)
            until(lambda: (new := redis_server_of(empty)) and new.pid != old.pid, 10, every=0.05)
            time.sleep(1.5)  # it stands again
            former.stop()
            it.next_leads(former, 20)
            assert tagged(it.job.datacenter, "redis") == {third.id}, "one without a copy leads"
        finally:
            empty.client.namespace.admit()
        it.judge()
    figures("redis, alloc stop while a replica has no copy: no writes", it.client.gaps)


def test_when_all_are_killed_at_once_they_begin_empty(replication):
    it = replication()
    processes.end_at_once([redis_server_of(one) for one in it.job.allocations.values()])
    it.client.close()
    it.client = Client(it.consul)
    it.judge()
