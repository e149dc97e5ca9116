"""consul-leader in docker containers, whose image is built from nothing but what `ldd` names."""
import contextlib
import io
import os
import re
import subprocess
import tarfile
import uuid

import processes
from instance import CONSUL_LEADER, TEST_PROGRAM
from waiting import now, until


def docker(*arguments, **run):
    return subprocess.run(["docker", *map(str, arguments)], check=True, stdout=subprocess.PIPE,
                          **run).stdout.decode(errors="replace").strip()


def files():
    programs = [CONSUL_LEADER, CONSUL_LEADER + "-network", TEST_PROGRAM]
    libraries = subprocess.run(["ldd", *programs], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {*programs, *re.findall(r"(/\S+) \(0x", libraries)}


def new_name():
    """Of an image, this run's alone: others build theirs at the same time."""
    return f"consul-leader-test:{uuid.uuid4().hex}"


@contextlib.contextmanager
def an_image():
    """Its name. It and its containers end with this."""
    name = new_name()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in files():
            archive.add(os.path.realpath(path), path)
    docker("import", "-", name, input=packed.getvalue())
    try:
        yield name
    finally:
        remove(name)


def remove(image):
    """With all containers of it."""
    for container in docker("ps", "--all", "--quiet", "--filter", "ancestor=" + image).split():
        docker("rm", "--force", container)
    docker("rmi", image)


class Container:
    """It has no network: what it shares with the machine is a folder, which has the same path in there."""

    def __init__(self, image, options, folder, environment, arguments, program=CONSUL_LEADER):
        self.options = options
        self.arguments = arguments
        variables = [word for variable in environment.items() for word in ("--env", "=".join(variable))]
        self.id = docker("run", "--detach", "--network", "none", "--volume", f"{folder}:{folder}", *options, *variables,
                         image, program, *arguments)

    def ask(self, what):
        return docker("inspect", "--format", "{{" + what + "}}", self.id)

    @property
    def pid(self):
        """Of its PID 1, outside."""
        return int(self.ask(".State.Pid"))

    @property
    def text(self):
        return docker("logs", self.id, stderr=subprocess.STDOUT)

    def wait_for_line(self, pattern, timeout):
        """`docker logs` takes its time, and may be late."""
        until(lambda: re.search(pattern, self.text), timeout, lambda: f"it says /{pattern}/; it said:\n{self.text}",
              every=0.02)

    # Its processes

    @property
    def all(self):
        """All living processes in it, those of `docker exec` too."""
        return [process for process in processes.everything()
                if process.alive and self.id in processes.cgroups(process.pid)]

    @property
    def zombies(self):
        return [process for process in processes.descendants(self.pid) if process.state == "Z"]

    def outside(self, pid):
        """The pid out here of a process that is `pid` in there."""
        return next(process.pid for process in self.all if processes.pid_inside(process.pid) == pid)

    # Its end

    def kill(self):
        """Of its PID 1, and by that of all; returns the instant."""
        pid = self.pid
        at = now()
        processes.kill(pid)
        return at

    def signal(self, name):
        docker("kill", "--signal", name, self.id)

    def stop(self):
        """The exit status, and the instant of the end: the client's may be long after it."""
        pid = self.pid
        with subprocess.Popen(["docker", "stop", self.id], stdout=subprocess.DEVNULL):
            until(lambda: not processes.alive(pid), 30, "its PID 1 ends")
            ended = now()
        return self.wait(), ended

    def wait(self, timeout=30):
        """The exit status, when it has ended."""
        return int(docker("wait", self.id, timeout=timeout))

    def close(self):
        docker("rm", "--force", self.id)
