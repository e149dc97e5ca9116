"""One run of an init: consul-leader or a peer, as PID 1 of a PID namespace or as an ordinary child, with a program below.

Whoever starts it takes what it leaves: the test is a subreaper meanwhile.
"""
import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
import uuid

import processes
from instance import CONSUL_LEADER, TEST_PROGRAM
from network import own_pids
from waiting import TooLate, until

SETTINGS = ("pid 1", "child")

# An option of a duty as each of them spells it; one that is missing it does not have.
OPTIONS = {
    "consul-leader": {"HUP as USR1": ["--rewrite", "HUP:USR1"], "no HUP": ["--rewrite", "HUP:0"],
                      "group": ["--kill-mode", "group"], "long stop": ["--ttl", "60s", "--stop-timeout", "40s"]},
    "tini": {"group": ["-g"], "long stop": []},
    "dumb-init": {"HUP as USR1": ["--rewrite", "1:10"], "no HUP": ["--rewrite", "1:0"], "group": [], "long stop": []},
}
INITS = tuple(OPTIONS)


PR_SET_CHILD_SUBREAPER = 36


class Lacks(Exception):
    """The init has no such option."""


def be_subreaper(wanted):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def children():
    return [process for process in processes.everything() if process.parent == os.getpid()]


class Trial:
    def __init__(self, init, setting):
        self.init, self.setting = init, setting
        self.folder = tempfile.mkdtemp(prefix="consul-leader-duty-")
        self.runtime = tempfile.mkdtemp(prefix="consul-leader-duty-", dir="/dev/shm")  # for lease pages
        self.marker = uuid.uuid4().hex
        self.process = None

    def __enter__(self):
        self.children_before = {process.pid for process in children()}
        be_subreaper(True)
        return self

    def __exit__(self, *_):
        if self.process:
            while everything := self.all:  # some may have been forked meanwhile
                processes.end_at_once(everything)
            self.process.wait()
            while adopted := self.adopted:
                for process in adopted:
                    os.waitpid(process.pid, 0)
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                if stream:
                    stream.close()
        be_subreaper(False)
        shutil.rmtree(self.folder)
        shutil.rmtree(self.runtime)

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, words, option=None):
        """The init with a command, whose words need not begin with a program."""
        if option and option not in OPTIONS[self.init]:
            raise Lacks
        own = [CONSUL_LEADER, "--store", "file:" + self.path("lock"), "--stop-timeout", "2s", "--demote-timeout", "500ms"] \
            if self.init == "consul-leader" else [self.init]
        return [*own, *(OPTIONS[self.init][option] if option else []), "--", *words]

    def start(self, *words, option=None, before=(), environment=None, **popen):
        """Starts the init with a command. before: a command that becomes it."""
        enter = own_pids() if self.setting == "pid 1" else []
        variables = {"PATH": os.environ["PATH"], "TEST_MARKER": self.marker, "TEST_NAME": "one", "SAID": self.path("said"),
                     "TEST_EVENTS": self.path("events"), "RUNTIME_DIRECTORY": self.runtime} | (environment or {})
        popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                 "start_new_session": True, "cwd": self.folder} | popen
        self.process = subprocess.Popen([*enter, *before, *self.command(words, option)], env=variables, **popen)

    def run(self, *words, timeout=5, **how):
        """Until it ends, without anything more to be done. Returns the exit status; None when it does not end in time."""
        self.start(*words, **how)
        return self.wait(timeout)

    def script(self, text, **how):
        self.start("bash", "-c", text, **how)

    def program(self, *options, **how):
        """The test program, which tells what it gets."""
        self.start(TEST_PROGRAM, "run", *map(str, options), **how)
        self.event("start")

    def wait(self, timeout=5):
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        return status if status >= 0 else 128 - status

    # Who is there

    @property
    def all(self):
        """All living processes that were started with this trial's environment."""
        marker = b"TEST_MARKER=" + self.marker.encode()
        return [process for process in processes.everything() if process.alive and
                marker in processes.environment(process.pid).split(b"\0")]

    def named(self, name):
        return [process for process in self.all if process.name == name]

    @property
    def adopted(self):
        """What the init has left to the test, dead or alive."""
        return [process for process in children() if process.pid not in self.children_before | {self.process.pid}]

    @property
    def zombies(self):
        return [process for process in [*self.below, *self.adopted] if process.state == "Z"]

    @functools.cached_property
    def pid(self):
        """The init's, as it is outside."""
        if self.setting == "child":
            return self.process.pid
        return until(lambda: [process.pid for process in processes.everything() if process.parent == self.process.pid],
                     2, "an init")[0]

    @property
    def below(self):
        return processes.descendants(self.pid)

    def pid_of(self, name):
        """The process of that name below the init."""
        return until(lambda: [process.pid for process in self.below if process.name == name and process.alive], 5, name)[0]

    def signal(self, number):
        processes.kill(self.pid, number)

    # What it says

    def said(self):
        return open(self.path("said")).read().split() if os.path.exists(self.path("said")) else []

    def says(self, word, timeout=5):
        """Whether the program says the word in time."""
        return self.in_time(lambda: word in self.said(), timeout)

    def go(self):
        """Lets a script go on that waits for it."""
        open(self.path("said.go"), "w").close()

    def events(self):
        lines = open(self.path("events")).read().splitlines() if os.path.exists(self.path("events")) else []
        return [line.split()[3] for line in lines]

    def event(self, what, timeout=5):
        return self.in_time(lambda: what in self.events(), timeout)

    def signals(self):
        """The signals that the program got, as numbers."""
        return [int(what.split("-")[1]) for what in self.events() if what.startswith("signal-")]

    def state(self):
        """What the program was started with (program.c)."""
        path = self.path("state")
        return processes.parse_status(until(lambda: os.path.exists(path) and open(path).read(), 5, path))

    @staticmethod
    def in_time(condition, timeout):
        try:
            return bool(until(condition, timeout))
        except TooLate:
            return False

    def ends_after(self, number, timeout=5):
        """Sends a signal; the exit status, None when it does not end in time."""
        self.signal(number)
        return self.wait(timeout)
