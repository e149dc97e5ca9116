"""The world of one test: a folder, a Consul where wanted, instances, and at the end nothing of them.

Whatever a test is about, at its end two things are judged as well: no two ever led at once, and of instances that ended
nothing is left.
"""
import os
import shutil
import tempfile

from consul import Cluster
from events import Events
from instance import Instance
from waiting import TooLate, until


def leftovers(instance):
    """What is left of one that has ended. The kernel takes its time to end a killed process that watches files."""
    try:
        until(lambda: not instance.all, 3)
    except TooLate:
        pass
    return instance.all


class World:
    def __init__(self):
        # Short, because the names of unix sockets must be.
        self.folder = tempfile.mkdtemp(prefix="consul-leader-test-")
        os.chmod(self.folder, 0o755)
        # Programs write here whoever they run as.
        os.mkdir(self.path("said"))
        self.runtime = tempfile.mkdtemp(prefix="consul-leader-test-", dir="/dev/shm")  # for lease pages
        os.chmod(self.runtime, 0o711)
        os.chmod(self.path("said"), 0o777)
        self.events = Events(self.path("said", "events"))
        self.witness = self.path("said", "witness")
        open(self.witness, "w").close()
        os.chmod(self.witness, 0o666)
        self.lock = self.path("lock")
        self.instances = []
        self.clusters = []
        self.judged = True  # a test in which several elections run, or one stands still past its lease, says no

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def environment(self, name):
        runtime = os.path.join(self.runtime, name)
        os.makedirs(runtime, exist_ok=True)
        os.chmod(runtime, 0o711)
        return {"TEST_EVENTS": self.events.path, "TEST_WITNESS": self.witness, "RUNTIME_DIRECTORY": runtime}

    def start(self, name, *arguments, agent=None, enter=(), environment=None, **popen):
        """Starts consul-leader with these arguments, on the machine of a Consul agent where one is given."""
        enter = agent.namespace.enter() if agent else enter
        instance = Instance(name, arguments, self.environment(name) | (environment or {}), enter, **popen)
        self.instances.append(instance)
        return instance

    def file(self, name, *options, command=(), **more):
        """An instance that elects through a file in this world."""
        return self.start(name, "--store", "file:" + self.lock, *options, *(["--", *command] if command else []), **more)

    def consul(self, **how):
        """A Consul that is ready."""
        cluster = Cluster(self.path(f"consul-{len(self.clusters) + 1}"), **how)
        self.clusters.append(cluster)
        return cluster

    def close(self, failed):
        left = [(instance, leftovers(instance)) for instance in self.instances if instance.process.poll() is not None]
        # All at once: nobody shall have the time to take over from the first that is ended.
        for instance in self.instances:
            instance.freeze()
        for instance in self.instances:
            instance.close()
        for cluster in self.clusters:
            cluster.close()
        for instance in self.instances:
            print(f"----- {instance.name}: {' '.join(instance.arguments)}\n{instance.text}")
        print(f"----- events\n{self.events}")
        try:
            for instance, processes in left:
                assert not processes, f"{instance.name} ended and left behind: {processes}"
            for instance in self.instances:
                assert not instance.matching("Sanitizer|runtime error:"), instance.text
            if self.judged:
                self.events.nobody_saw_two()
                self.events.judge(self.events.leading())
        finally:
            if failed and os.environ.get("KEEP"):
                print(f"----- kept: {self.folder} {self.runtime}")
            else:
                shutil.rmtree(self.folder, ignore_errors=True)
                shutil.rmtree(self.runtime, ignore_errors=True)
