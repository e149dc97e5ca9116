"""Control groups: to freeze all that an instance is, and to take memory away from one of its processes."""
import os
import uuid

from waiting import TooLate, until


def mounts():
    """(type, options, path) of every hierarchy of this machine."""
    with open("/proc/self/mountinfo") as file:
        for line in file:
            before, after = line.split(" - ")
            kind, _, options = after.split()[:3]
            if kind.startswith("cgroup"):
                yield kind, options.split(","), before.split()[4]


def find(controller):
    """The hierarchy that has this controller, and its version; the freezer is in all of version 2."""
    for kind, options, path in mounts():
        if kind == "cgroup" and controller in options:
            return path, 1
    for kind, _, path in mounts():
        if kind == "cgroup2":
            if controller != "freezer":
                write(os.path.join(path, "cgroup.subtree_control"), "+" + controller)
            return path, 2
    raise AssertionError(f"no cgroup hierarchy with {controller}")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


class Group:
    """A group of our own, to be closed when nobody is in it any more."""

    def __init__(self, controller):
        self.parent, self.version = find(controller)
        self.path = os.path.join(self.parent, "consul-leader-chaos-" + uuid.uuid4().hex)
        os.mkdir(self.path)

    def file(self, name):
        return os.path.join(self.path, name)

    def enter(self):
        """What to put in front of a command that runs in it, and all that it starts."""
        return ["sh", "-c", f'echo $$ >{self.file("cgroup.procs")} && exec "$@"', "sh"]

    def add(self, pid):
        write(self.file("cgroup.procs"), str(pid))

    def give_back(self, pid):
        """It is where it was before, or at least not here."""
        write(os.path.join(self.parent, "cgroup.procs"), str(pid))

    def close(self):
        def removed():
            try:
                for folder, _, _ in os.walk(self.path, topdown=False):
                    os.rmdir(folder)
                return True
            except OSError:
                return False
        try:
            until(removed, 5)
        except TooLate:
            raise TooLate(f"somebody is still in {self.path}: {read(self.file('cgroup.procs'))}") from None


class Freezer(Group):
    def __init__(self):
        super().__init__("freezer")

    def freeze(self):
        """All at once; returns when all stand still."""
        if self.version == 1:
            write(self.file("freezer.state"), "FROZEN")
            until(lambda: read(self.file("freezer.state")) == "FROZEN\n", 5, "everything is frozen")
        else:
            write(self.file("cgroup.freeze"), "1")
            until(lambda: "frozen 1" in read(self.file("cgroup.events")), 5, "everything is frozen")

    def thaw(self):
        if self.version == 1:
            write(self.file("freezer.state"), "THAWED")
        else:
            write(self.file("cgroup.freeze"), "0")


class Memory(Group):
    def __init__(self, limit):
        super().__init__("memory")
        write(self.file("memory.limit_in_bytes" if self.version == 1 else "memory.max"), str(limit))

    def kills(self):
        """How many processes the kernel has killed here for want of memory."""
        text = read(self.file("memory.oom_control" if self.version == 1 else "memory.events"))
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill "))
