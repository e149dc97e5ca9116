"""The job files of nomad-examples/, each run as it is."""
import os

import pytest

from images import ROOT
from life import tagged
from waiting import holds, until

pytestmark = pytest.mark.parametrize("datacenter", ["plain", "secured"], indirect=True)

EXAMPLES = os.path.join(ROOT, "nomad-examples")


def example(name):
    with open(os.path.join(EXAMPLES, name)) as file:
        return file.read()


def test_a_wrapped_program(datacenter, jobs):
    job = jobs(example("raw-exec.hcl"))
    job.runs(3)
    leader, = until(lambda: tagged(datacenter, "clock"), 30)
    leads = lambda one: bool(one.log())  # the program prints the time while it leads
    until(lambda: leads(job.allocations[leader]), 5)
    assert not [one for one in job.allocations.values() if one.id != leader and leads(one)]
    job.allocations[leader].stop()
    second, = until(lambda: tagged(datacenter, "clock") - {leader}, 10)
    until(lambda: second in job.allocations and leads(job.allocations[second]), 5)
    job.runs(3)


@pytest.mark.usefixtures("image")
def test_a_container(datacenter, jobs):
    job = jobs(example("docker.hcl"))

    def running():
        return {one.id for one in job.allocations.values() for process in one.processes if process.name == "program"}
    job.runs(3)
    first, = until(running, 30)
    until(lambda: tagged(datacenter, "contained") == {first}, 5)
    holds(lambda: len(running()) == 1, 2, every=0.1)
    job.allocations[first].stop()
    second, = until(lambda: running() - {first}, 20)
    until(lambda: tagged(datacenter, "contained") == {second}, 5)
    job.runs(3)


def test_a_sidecar(datacenter, jobs):
    job = jobs(example("sidecar.hcl"))
    job.runs(4)
    for group in ("beside", "first"):
        leader, = until(lambda: tagged(datacenter, group), 30)
        leads = lambda one: bool(job.allocations[one].log(task="app"))  # the other task prints the time while it leads
        until(lambda: leads(leader), 5)
        assert not [one for one in job.allocations.values() if one.group == group and one.id != leader and leads(one.id)]
        job.allocations[leader].stop()
        second, = until(lambda: tagged(datacenter, group) - {leader}, 20)
        until(lambda: second in job.allocations and leads(second), 5)
        job.runs(4)


def test_a_singleton(datacenter, jobs):
    job = jobs(example("singleton.hcl"))

    def running():
        return {one.id for one in job.allocations.values() for process in one.processes if process.name == "sh"}
    job.runs(3)
    first, = until(running, 30)
    holds(lambda: len(running()) == 1, 2, every=0.1)
    job.allocations[first].stop()
    until(lambda: running() - {first}, 10)
    holds(lambda: len(running()) == 1, 2, every=0.1)
