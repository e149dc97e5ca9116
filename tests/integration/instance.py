"""consul-leader, started, listened to, broken and ended."""
import os
import re
import shlex
import signal
import subprocess
import threading
import uuid

import processes
from waiting import TooLate, now, until

BUILD = os.environ.get("BUILD") or os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "build"))
CONSUL_LEADER = os.path.join(BUILD, "consul-leader")
TEST_PROGRAM = os.path.join(BUILD, "test-program")
NAMES = {"supervisor": "consul-leader", "keeper": "consul-keeper", "network": "consul-network"}


def program(*options):
    """The command of a supervised test program."""
    return [TEST_PROGRAM, "run", *map(str, options)]


def hook(word, *options):
    """A hook, as an option's value: it writes WORD-begin and WORD-end."""
    return shlex.join([TEST_PROGRAM, "hook", word, *map(str, options)])


class Line:
    def __init__(self, at, text):
        self.at, self.text = at, text


class Instance:
    """One consul-leader and all that it starts: a session of processes of its own, marked in the environment."""

    def __init__(self, name, arguments, environment, enter=(), binary=None, **popen):
        self.name = name
        self.marker = uuid.uuid4().hex
        self.lines = []
        self.heard = threading.Condition()
        self.arguments = [*enter, binary or CONSUL_LEADER, *map(str, arguments)]
        base = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8",
                "TEST_NAME": name, "TEST_MARKER": self.marker}
        for option in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if option in os.environ:
                base[option] = os.environ[option]
        base.update(environment)
        self.began = now()
        self.listens = popen.get("stderr", subprocess.PIPE) is subprocess.PIPE
        popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                 "start_new_session": True} | popen
        self.process = subprocess.Popen(self.arguments, env=base, **popen)
        self.pid = self.process.pid
        if self.listens:
            threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stderr:
            with self.heard:
                self.lines.append(Line(now(), line.decode(errors="replace").rstrip("\n")))
                self.heard.notify_all()
        with self.heard:
            self.listens = False
            self.heard.notify_all()

    # What it says

    @property
    def text(self):
        with self.heard:
            return "\n".join(line.text for line in self.lines)

    def matching(self, pattern, after=0.0):
        with self.heard:
            return [line for line in self.lines if line.at > after and re.search(pattern, line.text)]

    def wait_for_line(self, pattern, timeout, after=0.0):
        """The first line after an instant in which the pattern is found, when it is said."""
        end = now() + timeout
        with self.heard:
            while not (found := self.matching(pattern, after)):
                if now() >= end or not self.listens:
                    raise TooLate(f"{self.name} did not say /{pattern}/ within {timeout:.3g} s; it said:\n{self.text}")
                self.heard.wait(end - now())
        return found[0]

    # Its processes

    @property
    def all(self):
        """All living processes that are it, or were started by it, wherever they fled."""
        marker = b"TEST_MARKER=" + self.marker.encode()
        return [process for process in processes.everything() if process.alive and
                (process.session == self.pid or process.pid == self.pid or marker in
                 processes.environment(process.pid).split(b"\0"))]

    def process_of(self, which):
        """The supervisor, keeper or network process, or None."""
        name = NAMES[which][:15]
        return next((process for process in self.all if process.name == name), None)

    def pid_of(self, which, timeout=2.0):
        return until(lambda: self.process_of(which), timeout, f"{self.name} has a {which}").pid

    def kill(self, which="supervisor", number=signal.SIGKILL):
        """Sends a signal to one of its three processes; returns the instant."""
        pid = self.pid_of(which)
        at = now()
        processes.kill(pid, number)
        return at

    def signal(self, number):
        at = now()
        self.process.send_signal(number)
        return at

    @property
    def others(self):
        """What it started, without its own three processes."""
        return [process for process in self.all if process.name not in NAMES.values()]

    @property
    def cgroup(self):
        """The folder of its control group; '' when it has none."""
        found = [re.search("killed with its cgroup path=([^ ]*)", line.text) for line in self.matching("its cgroup path=")]
        return found[0][1] if found else ""

    # Its end

    def wait(self, timeout=10.0):
        """The exit status as a shell would see it."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TooLate(f"{self.name} did not end within {timeout:.3g} s; it said:\n{self.text}") from None
        with self.heard:  # its last words may still be in the pipe
            self.heard.wait_for(lambda: not self.listens, 0.5)
        return status if status >= 0 else 128 - status

    def stop(self, timeout=10.0):
        """A planned stop; returns the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def all_gone(self, timeout=0.0):
        """Nothing of it is left, at once or within some time."""
        until(lambda: not self.all, timeout, f"of {self.name} nothing is left (there is {self.all})")

    def freeze(self):
        for process in self.all:
            processes.kill(process.pid, signal.SIGSTOP)

    def _removed_cgroup(self):
        """Ends what forks faster than it is found in /proc, too."""
        try:
            with open(os.path.join(self.cgroup, "cgroup.kill"), "w") as file:
                file.write("1")
            os.rmdir(self.cgroup)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def close(self):
        for _ in range(200):
            left = self.all
            for process in left:
                processes.kill(process.pid)
            if not left:
                break
            if self.process.poll() is None and len(left) == 1:
                self.process.wait()
        self.process.poll()
        if self.cgroup:
            until(self._removed_cgroup, 5, "its control group can be removed")
        for stream in (self.process.stdout, self.process.stderr if not self.listens else None, self.process.stdin):
            if stream:
                stream.close()
        return self
