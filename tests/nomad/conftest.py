"""What every test has: a datacenter of three clients that others share, and an event log of its own."""
import os
import shutil
import tempfile

import pytest

from acl import secured_datacenter
from container import docker
from events import Events
from figures import figure, figures, pytest_terminal_summary  # noqa: F401
from images import compile_program, copied, our_image
from life import Life, new_name
from nomad import running_datacenter
from waiting import until


@pytest.fixture(scope="session")
def plain():
    with running_datacenter(clients=3) as it:
        yield it


@pytest.fixture(scope="module")
def secured():
    with secured_datacenter() as it:
        yield it


@pytest.fixture(scope="module")
def datacenter(request):
    """A plain one, or which one a test is parametrized with."""
    return request.getfixturevalue(getattr(request, "param", "plain"))


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """The name of one with ours and the test program, the one that docker.hcl has."""
    folder = tmp_path_factory.mktemp("image")
    compile_program(folder, "gcc", "-static")
    with our_image() as ours, copied(ours, folder, "contained:1.0") as name:
        yield name
        until(lambda: not docker("ps", "--all", "--quiet", "--filter", "ancestor=" + name), 30, "Nomad has removed them")


@pytest.fixture
def jobs(datacenter):
    """jobs(HCL): a job that ends with the test."""
    started = []

    def run(text):
        started.append(datacenter.run(text))
        return started[-1]
    yield run
    for job in started:
        for allocation in job.allocations.values():
            print(f"----- {allocation}\n{allocation.log('stderr')[-3000:]}")
        job.stop()
        job.ends()


class Said:
    """What the test's programs tell of themselves."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="consul-leader-said-")
        os.chmod(self.folder, 0o777)
        self.events = Events(os.path.join(self.folder, "events"))
        self.witness = os.path.join(self.folder, "witness")
        open(self.witness, "w").close()
        os.chmod(self.witness, 0o666)


@pytest.fixture
def said():
    it = Said()
    yield it
    shutil.rmtree(it.folder)


@pytest.fixture
def live(jobs, said):
    """live(...): a settled job, which is judged at the end."""
    lives = []

    def begin(**how):
        lives.append(Life(jobs, said, new_name(), **how))
        return lives[-1]
    yield begin
    for life in lives:
        life.close()


@pytest.fixture(params=["raw_exec", "docker"])
def driven(request):
    """How a job's program is run, for live()."""
    return {"image": request.getfixturevalue("image") if request.param == "docker" else None}
