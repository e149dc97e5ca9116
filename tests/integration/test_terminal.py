"""In a terminal, below a real shell with job control: as if the program had been started without us."""
import fcntl
import os
import pty
import re
import signal
import subprocess
import termios

import pytest

import processes
from instance import CONSUL_LEADER, NAMES, program
from network import own_pids
from test_program import state
from waiting import TooLate, holds, until

CTRL_C, CTRL_Z = "\x03", "\x1a"
SHELL = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]


def have_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background of a script has it ignored


class Terminal:
    """A terminal with a session of its own, in which a command runs: an interactive shell, or consul-leader itself."""

    def __init__(self, world, command):
        self.world = world
        self.ours, theirs = pty.openpty()
        self.screen = ""
        self.one = world.start("one", *command[1:], binary=command[0], stdin=theirs, stdout=theirs, stderr=theirs,
                               environment={"PS1": "prompt> "}, preexec_fn=have_terminal)
        os.close(theirs)
        os.set_blocking(self.ours, False)

    def type(self, text):
        """What was on the screen before does not count any more."""
        self._read()
        self.screen = ""
        os.write(self.ours, text.encode())

    def run(self, command):
        self.type(command + "\n")
        self.screen = ""

    def _read(self):
        try:
            self.screen += os.read(self.ours, 65536).decode(errors="replace")
        except OSError:
            pass

    def shows(self, pattern, timeout=5):
        def there():
            self._read()
            return re.search(pattern, self.screen, re.DOTALL)
        return until(there, timeout, lambda: f"/{pattern}/ on the screen, which shows:\n{self.screen}")

    def close(self):
        os.close(self.ours)
        try:
            self.one.wait(5)
        except TooLate:
            processes.kill(self.one.pid)
            raise


@pytest.fixture
def terminal(world):
    opened = []

    def open_terminal(command=SHELL):
        opened.append(Terminal(world, command))
        if command is SHELL:
            opened[-1].shows("prompt> ")
        return opened[-1]
    yield open_terminal
    for one in opened:
        one.close()


def leader(world, *command):
    """The words that a shell is told."""
    return subprocess.list2cmdline([CONSUL_LEADER, "--store", "file:" + world.lock, "--stop-timeout", "3s", "--", *command])


def is_stopped(pid):
    return processes.read(pid).state == "T"


def has_terminal(pid):
    """Whether its group is the foreground group of its terminal."""
    with open(f"/proc/{pid}/stat") as file:
        _, group, _, _, foreground = file.read().rpartition(")")[2].split()[1:6]
    return group == foreground


def started(world, terminal, *options, background=False):
    """A program of the shell's job; returns its process ID, when it leads."""
    terminal.run(leader(world, *program("--stoppable", *options)) + (" &" if background else ""))
    pid = world.events.wait("start", 5).pid
    terminal.shows("leading ")
    return pid


def ours(terminal):
    """What of us must never stop."""
    return [process for process in terminal.one.all if process.name in NAMES.values()]


def stop(terminal, pid):
    terminal.type(CTRL_Z)
    terminal.shows(r"\[1\]\+ +Stopped.*prompt> ")
    assert is_stopped(pid) and has_terminal(terminal.one.pid)


# Ctrl-C

def test_the_program_gets_the_terminal_and_ctrl_c_is_a_stop(world, terminal):
    shell = terminal()
    path = world.path("state")
    shell.run(leader(world, *program("--state", path, "--interrupted")) + "; echo after $?")
    found = state(path)
    assert found["Foreground"] == found["Group"], "its group has the terminal from its first instant"
    world.events.wait("start", 5)
    shell.type(CTRL_C)
    shell.shows("after 130")
    assert has_terminal(shell.one.pid)


def test_ctrl_c_reaches_a_program_that_handles_it_once(world, terminal):
    shell = terminal()
    pid = started(world, shell)
    shell.type(CTRL_C)
    world.events.wait("signal-2", 2)
    processes.kill(pid, signal.SIGTERM)
    shell.shows("prompt> ")
    shell.run("echo after")
    shell.shows("after")
    assert len(world.events.all("signal-2")) == 1


def test_in_the_background_the_terminal_is_left_alone(world, terminal):
    shell = terminal()
    pid = started(world, shell, "--exit-after", 500, "--status", 7, background=True)
    assert not has_terminal(pid) and has_terminal(shell.one.pid)
    shell.run("wait %1; echo after $?")
    shell.shows("after 7")
    assert has_terminal(shell.one.pid)


@pytest.mark.parametrize("background", [True, False])
def test_in_a_pid_namespace_below_a_shell_only_the_foreground_has_the_terminal(world, terminal, background):
    """The shell's group has no number there, whichever it is."""
    shell = terminal()
    shell.run(subprocess.list2cmdline(own_pids()) + " " + leader(world, *program()) + (" &" if background else ""))
    world.events.wait("start", 5)
    shell.shows("leading ")
    pid, = (process.pid for process in shell.one.all if process.name == "test-program")
    assert has_terminal(pid) != background and has_terminal(shell.one.pid) == background
    processes.kill(pid, signal.SIGTERM)
    shell.run("echo after")
    shell.shows("after.*prompt> ")


# Ctrl-Z, fg and bg

def test_ctrl_z_stops_the_program_and_nothing_of_ours(world, terminal):
    shell = terminal()
    pid = started(world, shell)
    stop(shell, pid)
    holds(lambda: not [process for process in ours(shell) if process.state == "T"], 0.3)
    assert len(ours(shell)) == 3
    shell.run("fg")
    until(lambda: not is_stopped(pid) and has_terminal(pid), 2)
    shell.type(CTRL_C)
    world.events.wait("signal-2", 2)
    assert len(world.events.all("signal-18")) == 1
    stop(shell, pid)
    assert "demot" not in shell.screen
    shell.run("kill %1")
    shell.shows("program ended status=0")


def test_bg_lets_it_go_on_without_the_terminal(world, terminal):
    shell = terminal()
    pid = started(world, shell)
    stop(shell, pid)
    shell.run("bg")
    until(lambda: not is_stopped(pid), 2)
    holds(lambda: has_terminal(shell.one.pid), 0.2)
    shell.run("fg")
    until(lambda: not has_terminal(shell.one.pid), 2)
    shell.type(CTRL_Z)
    shell.shows(r"\[1\]\+ +Stopped.*prompt> ")
    shell.run("fg")
    until(lambda: has_terminal(pid), 2)
    processes.kill(pid, signal.SIGTERM)
    shell.shows("prompt> ")


def test_fg_of_a_program_that_reads_later(world, terminal):
    shell = terminal()
    shell.run(leader(world, "sh", "-c", "sleep 1; exec cat") + " &")
    shell.run("fg")
    shell.run("to whom it may concern")
    shell.shows("concern.*concern")
    assert "Stopped" not in shell.screen
    shell.run("\x04")
    shell.shows("prompt> ")


def test_who_reads_in_the_background_is_stopped_until_fg(world, terminal):
    shell = terminal()
    shell.run(leader(world, "cat") + " &")
    until(lambda: [process for process in shell.one.all if process.name == "consul-job" and process.state == "T"], 5)
    shell.run("")
    shell.shows(r"\[1\]\+ +Stopped")
    shell.run("fg")
    shell.run("to whom it may concern")
    shell.shows("concern.*concern")
    shell.run("\x04")
    shell.shows("prompt> ")


def test_what_somebody_stops_is_a_stopped_job_and_may_go_on_by_itself(world, terminal):
    shell = terminal()
    pid = started(world, shell)
    processes.kill(pid, signal.SIGSTOP)
    shell.shows(r"\[1\]\+ +Stopped.*prompt> ")
    job = next(process for process in shell.one.all if process.name == "consul-job")
    assert is_stopped(job.pid)
    processes.kill(pid, signal.SIGCONT)
    until(lambda: not is_stopped(job.pid), 5)
    world.events.wait("signal-18", 5)
    processes.kill(pid, signal.SIGSTOP)
    until(lambda: is_stopped(job.pid), 5)
    assert is_stopped(pid), "it is let go on by nobody else"
    assert len(world.events.all("signal-18")) == 1
    processes.kill(pid)
    until(lambda: not processes.alive(job.pid), 2)
    shell.run("")
    shell.shows(r"\[1\]\+ +Exit 137")


def test_a_script_is_stopped_with_it(world, terminal):
    shell = terminal()
    command = leader(world, *program("--stoppable"))
    shell.run(f"sh -c '{command}; echo after $?'")
    pid = world.events.wait("start", 5).pid
    shell.shows("leading ")
    stop(shell, pid)
    shell.run("fg")
    until(lambda: has_terminal(pid), 2)
    processes.kill(pid, signal.SIGTERM)
    shell.shows("after 0.*prompt> ")


def test_where_no_shell_is_above_ctrl_z_stops_nothing(world, terminal):
    alone = terminal([CONSUL_LEADER, "--store", "file:" + world.lock, "--", *program("--stoppable")])
    pid = world.events.wait("start", 5).pid
    alone.shows("leading ")
    alone.type(CTRL_Z)
    world.events.wait("signal-18", 2)
    until(lambda: not is_stopped(pid), 2)
    alone.type(CTRL_C)
    world.events.wait("signal-2", 2)
    alone.one.signal(signal.SIGTERM)


def test_the_terminal_comes_back_when_the_keeper_is_killed(world, terminal):
    shell = terminal()
    command = leader(world, *program())
    shell.run(f"sh -c '{command}; read line; echo got $line'")
    world.events.wait("start", 5)
    shell.shows("leading ")
    keeper, = (process.pid for process in ours(shell) if process.name == NAMES["keeper"])
    processes.kill(keeper)
    shell.shows("the keeper died")
    until(lambda: not ours(shell), 5)
    shell.run("a word")
    shell.shows("got a word.*prompt> ")


# The job process

def test_the_job_process_passes_signals_on_and_keeps_nothing_open(world, terminal):
    shell = terminal()
    pid = started(world, shell, background=True)
    shell.run("jobs -p")
    job = int(shell.shows(r"\n(\d+)\r").group(1))
    assert processes.read(job).name == "consul-job"
    assert os.readlink(f"/proc/{job}/cwd") == "/"
    shell.run("kill -USR1 %1; kill -HUP %1; kill -WINCH %1")
    for number in (10, 1, 28):
        world.events.wait(f"signal-{number}", 2)
        assert len(world.events.all(f"signal-{number}")) == 1
    shell.run("kill %1; wait %1; echo after $?")
    shell.shows("stopping signal=TERM.*after 0")
    until(lambda: not processes.alive(pid), 1)


def test_its_death_is_ours_and_the_next_leads(world, terminal):
    shell = terminal()
    started(world, shell, background=True)
    two = world.file("two", command=program())
    two.wait_for_line("follower of", 5)
    shell.run("kill -9 %1")
    two.wait_for_line("leading ", 2)
    until(lambda: not ours(shell), 2)


def test_what_it_inherited_reaches_the_program(world, terminal):
    shell = terminal()
    path = world.path("state")
    shell.run(f"sh -c 'export LISTEN_PID=$$; exec {leader(world, 'sh', '-c', 'echo pid $LISTEN_PID is $$; read x <&7')}'"
              f" 7</dev/null; echo after $?")
    found = shell.shows(r"pid (\d+) is (\d+).*after 1")
    assert found.group(1) == found.group(2)
