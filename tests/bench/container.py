"""consul-leader as PID 1 of docker containers, whose image is built from nothing but what `ldd` names."""
import contextlib
import io
import os
import re
import subprocess
import tarfile

import processes
from pair import Pair
from instance import CONSUL_LEADER, TEST_PROGRAM
from waiting import now

NAME = "consul-leader-bench:1"


def docker(*arguments, **run):
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE, **run).stdout.decode().strip()


def files():
    programs = [CONSUL_LEADER, CONSUL_LEADER + "-network", TEST_PROGRAM]
    libraries = subprocess.run(["ldd", *programs], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {*programs, *re.findall(r"(/\S+) \(0x", libraries)}


@contextlib.contextmanager
def an_image():
    """Its ID, for another run may take the name. It and its containers end with this."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in files():
            archive.add(os.path.realpath(path), path)
    image = docker("import", "-", NAME, input=packed.getvalue())
    try:
        yield image
    finally:
        for container in docker("ps", "--all", "--quiet", "--filter", "ancestor=" + image).split():
            docker("rm", "--force", container)
        docker("rmi", image)


class Container:
    """It has no network: Consul's socket is in a folder that it shares, as the place is that outlives it."""

    def __init__(self, image, pair, restart):
        folder, state = pair.world.folder, pair.world.path("state-" + pair.lock)
        os.mkdir(state)
        variables = pair.environment | {"TEST_NAME": "leader", "CONSUL_HTTP_ADDR": "unix://" + pair.agent.socket,
                                           "CONSUL_LEADER_STATE_DIR": state}
        self.name = docker("run", "--detach", "--network", "none", "--restart", restart, "--hostname", pair.lock,
                           "--volume", f"{folder}:{folder}",
                           *[word for variable in variables.items() for word in ("--env", "=".join(variable))],
                           image, CONSUL_LEADER, *pair.case.kind.arguments(pair.lock))

    @property
    def pid(self):
        """Of its PID 1, outside."""
        return int(docker("inspect", "--format", "{{.State.Pid}}", self.name))

    def kill(self):
        pid = self.pid
        at = now()
        processes.kill(pid)
        return at

    @property
    def text(self):
        return docker("logs", self.name, stderr=subprocess.STDOUT)

    def close(self):
        docker("rm", "--force", self.name)


class ContainedPair(Pair):
    """Its leader is PID 1 of a container. The program's own pid says nothing out here: what acts or is left beside the
    next one is seen by the witness alone.
    """

    beside = 0.0

    def __init__(self, world, case, agent, image, restart):
        self.image, self.restart = image, restart
        super().__init__(world, case, agent)

    def start_leader(self):
        return Container(self.image, self, self.restart)

    def pid_to_watch(self):
        return self.leader.pid

    def remains(self):
        return []
