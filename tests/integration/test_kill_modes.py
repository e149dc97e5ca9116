"""How the program and what it has started are ended, and what is forwarded to it."""
import os
import shlex
import signal
import socket

import pytest

import processes
from instance import CONSUL_LEADER, program
from trio import LEADER_ONLY
from waiting import holds, now, until


def worker(word, takes=0.3):
    """A shell's child that says WORD-told at SIGTERM and WORD-drained when it has drained."""
    return (f"(trap 'echo told >> $SAID/{word}; sleep {takes}; echo drained >> $SAID/{word}; exit' TERM; "
            f"echo ready >> $SAID/{word}; while :; do sleep 0.02; done)")


class Said:
    def __init__(self, world):
        self.folder = world.path("said")
        self.environment = {"SAID": self.folder}

    def of(self, word):
        path = os.path.join(self.folder, word)
        return open(path).read().split() if os.path.exists(path) else []

    def wait(self, word, what):
        until(lambda: what in self.of(word), 10, lambda: f"{word} {what}: {self.of(word)}")


@pytest.fixture
def said(world):
    return Said(world)


def start(world, said, script, *options, name="one"):
    return world.file(name, *options, command=["bash", "-c", script], environment=said.environment)


MAIN = "trap 'echo told >> $SAID/main; exit 7' TERM; {worker} & echo ready >> $SAID/main; while :; do sleep 0.02; done"


# Kill modes

@pytest.mark.parametrize("mode, told, drained", [("mixed", False, False), ("group", True, True), ("process", True, True)])
@pytest.mark.parametrize("how", ["stop", "lead lost"])
def test_who_is_told_and_who_may_drain(world, said, mode, told, drained, how):
    options = LEADER_ONLY if how == "lead lost" else []
    one = start(world, said, MAIN.format(worker=worker("worker")), "--kill-mode", mode, *options)
    said.wait("main", "ready")
    said.wait("worker", "ready")
    if how == "lead lost":
        os.rename(world.lock, world.lock + ".away")  # the file store's leader demotes at once
        said.wait("main", "told")
        until(lambda: not [process for process in one.others if process.alive], 10)
    else:
        assert one.stop() == 7
    assert ("told" in said.of("worker")) == told
    assert ("drained" in said.of("worker")) == drained
    assert said.of("main").count("told") == 1


@pytest.mark.parametrize("mode", ["group", "process"])
def test_who_does_not_end_is_killed_in_time(world, said, mode):
    stubborn = "(trap '' TERM; echo ready >> $SAID/worker; while :; do sleep 0.02; done)"
    one = start(world, said, MAIN.format(worker=stubborn), "--kill-mode", mode, "--stop-timeout", "1s")
    said.wait("worker", "ready")
    said.wait("main", "ready")
    begun = now()
    assert one.stop() == 7
    assert 0.6 <= now() - begun < 5
    one.all_gone()


@pytest.mark.parametrize("mode", ["group", "process"])
def test_who_is_stopped_is_continued(world, said, mode):
    stopped = ("(trap 'echo told >> $SAID/worker; exit' TERM; echo ready >> $SAID/worker; kill -STOP $BASHPID; "
               "while :; do sleep 0.02; done)")
    one = start(world, said, MAIN.format(worker=stopped), "--kill-mode", mode)
    said.wait("worker", "ready")
    said.wait("main", "ready")
    until(lambda: [process for process in one.others if process.state == "T"], 5)
    assert one.stop() == 7
    assert "told" in said.of("worker")


# The program's own end

def test_what_a_program_leaves_that_ended_by_itself_may_drain(world, said):
    one = start(world, said, f"{worker('worker')} & until test -e $SAID/worker; do sleep 0.02; done; exit 5")
    assert one.wait(10) == 5
    assert said.of("worker") == ["ready", "told", "drained"]
    one.all_gone()


def test_also_where_it_has_left_the_group(world, said):
    escaped = worker("worker").replace("$", "\\$")
    script = f'setsid bash -c "{escaped}" & until test -e $SAID/worker; do sleep 0.02; done; exit 5'
    one = start(world, said, script)
    assert one.wait(10) == 5
    assert said.of("worker") == ["ready", "told", "drained"]


def test_a_second_stop_signal_ends_the_draining(world, said):
    one = start(world, said, f"{worker('worker', 60)} & until test -e $SAID/worker; do sleep 0.02; done; exit 5",
                "--stop-timeout", "50s", "--ttl", "60s")
    said.wait("worker", "told")
    one.signal(signal.SIGTERM)
    until(lambda: one.process.poll() is not None or one.signal(signal.SIGTERM) is None, 10, every=0.3)
    assert one.wait(5) == 5
    assert "drained" not in said.of("worker")


def test_what_a_crashed_program_leaves_is_killed_at_once(world, said):
    one = start(world, said, f"{worker('worker', 60)} & until test -e $SAID/worker; do sleep 0.02; done; kill -9 $$",
                "--stop-timeout", "50s", "--ttl", "60s")
    begun = now()
    assert one.wait(10) == 137
    assert now() - begun < 10
    assert "drained" not in said.of("worker")


# Forwarding

def test_a_signal_is_rewritten_or_dropped(world):
    one = world.file("one", "--rewrite", "HUP:USR1,USR2:0", command=program())
    world.events.wait("start", 10)
    one.signal(signal.SIGUSR2)
    one.signal(signal.SIGHUP)
    world.events.wait("signal-10", 5)
    assert not world.events.all("signal-12") and not world.events.all("signal-1")


@pytest.mark.parametrize("number, again", [(signal.SIGQUIT, False), (signal.SIGUSR1, True)])
def test_an_end_after_a_forwarded_wish_to_end_is_no_crash(world, number, again):
    script = "trap 'exit 3' QUIT USR1; : > $SAID/ready.$$; while :; do sleep 0.02; done"
    said = Said(world)
    one = start(world, said, script, "--restart", "always")
    until(lambda: [name for name in os.listdir(said.folder) if name.startswith("ready")], 10)
    one.signal(number)
    if again:
        until(lambda: len([name for name in os.listdir(said.folder) if name.startswith("ready")]) == 2, 10)
    else:
        assert one.wait(10) == 3


def test_a_program_that_died_by_a_forwarded_signal_is_not_started_again(world):
    one = world.file("one", "--restart", "always", command=["sleep", "1000"])
    one.wait_for_line("program started", 10)
    one.signal(signal.SIGUSR1)
    assert one.wait(10) == 138


# What it inherits

def test_only_the_program_keeps_what_we_were_given(world):
    reader, writer = os.pipe()
    one = world.file("one", command=["bash", "-c", f"echo here >&{writer}; exec {writer}>&-; sleep 1000"],
                     pass_fds=[writer])
    os.close(writer)
    with os.fdopen(reader) as file:
        assert file.read() == "here\n", "its end is seen while all of ours live"
    one.pid_of("network")
    assert one.stop() == 143


def test_a_program_that_may_start_again_finds_it_again(world):
    reader, writer = os.pipe()
    world.file("one", "--restart", "always", command=["bash", "-c", f"echo here >&{writer}"], pass_fds=[writer])
    os.close(writer)
    with os.fdopen(reader) as file:
        assert file.readline() == file.readline() == "here\n"


def test_listen_pid_names_the_program(world):
    with socket.create_server(("127.0.0.1", 0)) as server:
        path = world.path("said", "variables")
        script = (f'echo "$$ $LISTEN_PID $LISTEN_FDS $WATCHDOG_PID $LISTEN_PIDFDID." > {path}.new; mv {path}.new {path}; '
                  'sleep 1000')
        # A shell that becomes us: its own pid is ours.
        world.start("one", "-c", 'export LISTEN_PID=$$ WATCHDOG_PID=$$ LISTEN_PIDFDID=5; exec "$@"', "sh",
                    CONSUL_LEADER, "--store", "file:" + world.lock, "--", "sh", "-c", script, binary="/bin/sh",
                    environment={"LISTEN_FDS": "1"}, pass_fds=[server.fileno()])
        until(lambda: os.path.exists(path), 10)
        pid, *rest = open(path).read().split()
        assert rest == [pid, "1", pid, "."]


def test_a_listen_pid_of_somebody_else_stays(world):
    path = world.path("said", "variables")
    world.file("one", command=["sh", "-c", f'echo "$LISTEN_PID" > {path}.new; mv {path}.new {path}; sleep 1000'],
               environment={"LISTEN_PID": "1"})
    until(lambda: os.path.exists(path), 10)
    assert open(path).read() == "1\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as another")
@pytest.mark.parametrize("options, privileges", [([], "1"), (["--allow-setuid"], "0")])
@pytest.mark.parametrize("which", ["program", "hook", "probe"])
def test_set_uid_programs_are_let_only_where_it_is_wanted(world, options, privileges, which):
    path = world.path("said", "status")
    shows = f"cat /proc/self/status > {path}.new; mv {path}.new {path}"
    options = options + {"program": [], "hook": ["--on-promote", shlex.join(["sh", "-c", shows])],
                         "probe": ["--probe", "exec:" + shlex.join(["sh", "-c", shows])]}[which]
    world.start("one", "--store", "file:" + world.path("said", "lock"), *options, "--", "sh", "-c",
                (shows if which == "program" else ":") + "; sleep 1000",
                enter=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"])
    until(lambda: os.path.exists(path), 10)
    assert processes.parse_status(open(path).read())["NoNewPrivs"] == privileges
