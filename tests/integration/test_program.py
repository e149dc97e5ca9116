"""The supervised program: how it is started, what reaches it, how it ends, and that nothing of it stays."""
import os
import shutil
import signal

import pytest

import processes
from instance import BUILD, CONSUL_LEADER, TEST_PROGRAM, hook, program
from waiting import holds, now, until

SANITIZED = "sanitize" in BUILD
FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS}
REAL_TIME = range(34, 65)


def state(path):
    return processes.parse_status(until(lambda: os.path.exists(path) and open(path).read(), 5, path))


def blocked_and_ignored(found):
    """Without the two signals that glibc keeps for itself."""
    return (processes.signal_set(found["SigBlk"]) - {32, 33}, processes.signal_set(found["SigIgn"]) - {32, 33})


# Exit statuses

@pytest.mark.parametrize("status", [0, 1, 2, 7, 64, 69, 75, 125, 126, 127, 128, 200, 255])
def test_the_exit_status_is_the_programs(world, status):
    assert world.file("one", command=program("--exit-after", 20, "--status", status)).wait(5) == status


@pytest.mark.parametrize("mode", ["follow", "leader-only"])
@pytest.mark.parametrize("number", [1, 2, 3, 6, 9, 10, 13, 14, 15, 24, 31, 34, 64])
def test_a_program_ended_by_a_signal_gives_128_and_its_number(world, mode, number):
    one = world.file("one", "--mode", mode, command=program("--exit-after", 20, "--die-by", number))
    assert one.wait(5) == 128 + number


@pytest.mark.parametrize("mode", ["follow", "leader-only"])
@pytest.mark.parametrize("what, status", [("missing", 127), ("a directory", 126), ("not executable", 126),
                                          ("not in the path", 127)])
def test_a_program_that_cannot_be_started(world, mode, what, status):
    commands = {"missing": world.path("missing"), "a directory": world.folder, "not executable": world.path("plain"),
                "not in the path": "no-such-command-anywhere"}
    with open(world.path("plain"), "w"):
        pass
    one = world.file("one", "--mode", mode, command=[commands[what]])
    assert one.wait(5) == status
    assert commands[what] in one.text


def test_a_killed_program_ends_the_instance_and_the_next_leads_within_a_second(world):
    one = world.file("one", "--mode", "leader-only", command=program("--children", 2, "--daemon"))
    leader = world.events.wait("start", 5)
    two = world.file("two", "--mode", "leader-only", command=program())
    two.wait_for_line("follower|waiting", 5)
    processes.kill(leader.pid)
    world.events.wait("start", 1, name="two")
    assert one.wait(5) == 137


# What it is given

@pytest.mark.parametrize("which", ["program", "hook"])
def test_the_signal_mask_and_ignored_signals_are_those_that_we_got(world, which):
    blocked, ignored = {signal.SIGUSR2, 40, signal.SIGTTIN}, {signal.SIGHUP, signal.SIGQUIT, 50, signal.SIGPIPE}
    path = world.path("state")

    def prepare():
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    _, inherited = blocked_and_ignored(processes.status("self"))
    options = ["--on-promote", hook("promote", "--state", path)] if which == "hook" else []
    world.file("one", *options, command=program(*(["--state", path] if which == "program" else [])),
               preexec_fn=prepare, restore_signals=False)
    assert blocked_and_ignored(state(path)) == (blocked, ignored | inherited)


def test_sigchld_ignored_by_who_started_us_changes_nothing(world):
    path = world.path("state")
    one = world.file("one", command=program("--exit-after", 200, "--status", 5, "--daemon", "--state", path),
                     preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert one.wait(5) == 5


def test_descriptors_directory_group_and_session(world):
    path = world.path("state")
    one = world.file("one", command=program("--state", path), cwd=world.folder)
    found = state(path)
    assert found["Descriptors"].split() == ["0", "1", "2"]
    assert found["Directory"] == world.folder
    assert found["Group"] == found["Pid"], "it has a process group of its own"
    assert int(found["Session"]) == one.pid, "it keeps the session, and so its terminal"
    assert found["NoNewPrivs"] == ("0" if os.geteuid() == 0 else "1")


def test_each_of_our_processes_has_its_group(world):
    one = world.file("one", command=program())
    world.events.wait("start", 5)
    one.pid_of("network")
    groups = {name: one.process_of(name).group for name in ("supervisor", "keeper", "network")}
    assert len(set(groups.values())) == 3, groups


def test_no_process_of_ours_keeps_a_directory_busy(world):
    one = world.file("one", command=program(), cwd=world.folder)
    world.events.wait("start", 5)
    for which in ("supervisor", "keeper", "network"):
        assert os.readlink(f"/proc/{one.pid_of(which)}/cwd") == "/", which


def test_the_environment(world):
    path = world.path("environment")
    world.file("one", "--mode", "leader-only", command=program("--environment", path), environment={
        "CONSUL_LEADER_LOG_LEVEL": "debug", "CONSUL_LEADER_TTL": "10s", "CONSUL_LEADER_TOKEN_TEST": "x",
        "CONSUL_HTTP_ADDR": "127.0.0.1:1", "NOMAD_TASK_NAME": "task", "PLAIN": "a=b c"})
    world.events.wait("start", 5)
    variables = dict(entry.split("=", 1) for entry in open(path).read().split("\0") if "=" in entry)
    assert variables["CONSUL_LEADER_ROLE"] == "leader"
    assert variables["CONSUL_LEADER_OLD_ROLE"] == "follower"
    assert variables["CONSUL_LEADER_FENCING_TOKEN"].isdecimal()
    assert variables["CONSUL_LEADER_ELECTION"] == world.lock
    assert variables["CONSUL_LEADER_REASON"] == "acquired"
    for gone in ("LOG_LEVEL", "TTL", "TOKEN_TEST"):
        assert "CONSUL_LEADER_" + gone not in variables
    assert (variables["CONSUL_HTTP_ADDR"], variables["NOMAD_TASK_NAME"], variables["PLAIN"]) == \
        ("127.0.0.1:1", "task", "a=b c")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("user, ids", [("nobody", ("65534", "65534")), ("nobody:daemon", ("65534", "1"))])
def test_the_program_and_the_hooks_run_as_the_user(world, user, ids):
    ours, hooks = world.path("said", "program"), world.path("said", "hook")
    binary = shutil.copy(TEST_PROGRAM, world.path("test-program"))  # the user may not get to where it was built
    one = world.file("one", "--user", user, "--on-promote", f"{binary} hook promote --state {hooks}",
                     command=[binary, "run", "--state", ours])
    for path in (ours, hooks):
        found = state(path)
        assert set(found["Uid"].split()) == {ids[0]}
        assert set(found["Gid"].split()) == {ids[1]}
        assert "0" not in found["Groups"].split()
        assert int(found["CapEff"], 16) == 0
    assert processes.status(one.pid_of("keeper"))["Uid"].split()[0] == "0"
    assert one.stop() == 0


# Signals

def test_all_signals_are_forwarded_but_the_stop_signals(world):
    one = world.file("one", command=program())
    world.events.wait("start", 5)
    kept = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
    numbers = [number for number in [*range(1, 32), *REAL_TIME] if number not in kept]
    if SANITIZED:  # the sanitizers keep the faults for themselves
        numbers = [number for number in numbers if number not in FAULTS]
    for number in numbers:
        one.signal(number)
        world.events.wait(f"signal-{number}", 2)
    assert processes.read(one.pid).state in "SR", "we never stop ourselves"
    assert [event.what for event in world.events.all("signal-*")] == [f"signal-{number}" for number in numbers]


def test_stop_signals_can_be_chosen(world):
    one = world.file("one", "--stop-signals", "QUIT,USR2", command=program("--ignore-term"))
    world.events.wait("start", 5)
    one.signal(signal.SIGTERM)
    world.events.wait("signal-15", 2)
    one.signal(signal.SIGINT)
    world.events.wait("signal-2", 2)
    begun = one.signal(signal.SIGUSR2)
    assert one.wait(5) == 137
    assert now() - begun < 4.5
    assert not world.events.all("signal-12")


def test_the_kill_signal_can_be_chosen(world):
    one = world.file("one", "--kill-signal", "QUIT", command=program("--ignore-term"))
    world.events.wait("start", 5)
    one.signal(signal.SIGTERM)
    world.events.wait("signal-3", 2)
    holds(lambda: one.process.poll() is None, 0.2)
    one.signal(signal.SIGTERM)
    one.wait(2)


# Ends

def test_a_program_that_will_not_end_is_killed_within_the_stop_timeout(world):
    one = world.file("one", "--mode", "leader-only", command=program("--ignore-term", "--children", 2))
    world.events.wait("start", 5)
    begun = one.signal(signal.SIGTERM)
    assert one.wait(5) == 137
    assert 3.0 < now() - begun <= 4.0 + 0.1, "all within --stop-timeout, 4 s"
    one.all_gone()


def test_a_second_stop_signal_ends_the_waiting(world):
    one = world.file("one", "--stop-timeout", "60s", command=program("--ignore-term"))
    world.events.wait("start", 5)
    one.signal(signal.SIGTERM)
    world.events.wait("signal-15", 2)
    holds(lambda: one.process.poll() is None, 0.2, "it waits for the program")
    begun = one.signal(signal.SIGTERM)
    assert one.wait(2) == 137
    assert now() - begun < 1


def test_a_stop_signal_that_comes_twice_at_once_is_one(world):
    """As timeout(1) sends it: to the process and to its group."""
    one = world.file("one", command=program("--term-takes", 500, "--status", 3))
    world.events.wait("start", 5)
    one.signal(signal.SIGTERM)
    one.signal(signal.SIGTERM)
    assert one.wait(3) == 3, "the program had its time"


def test_a_promote_signal_waits_until_the_program_handles_it(world):
    """It would end a program that has not come so far; one that never does fails the promotion."""
    script = "read line < /dev/null; sleep 0.5; trap 'echo leads' USR1; while :; do sleep 0.05; done"
    one = world.file("one", "--promote-signal", "USR1", command=["sh", "-c", script])
    one.wait_for_line("leading", 5)
    assert one.process.poll() is None
    two = world.file("two", "--promote-signal", "USR1", "--promote-timeout", "300ms", command=["sleep", "60"])
    two.wait_for_line("program started", 5)
    one.stop()
    two.wait_for_line("does not handle SIGUSR1", 5)
    assert two.process.poll() is None


def test_a_program_has_its_time_to_end(world):
    one = world.file("one", command=program("--term-takes", 1500, "--status", 3))
    world.events.wait("start", 5)
    assert one.stop() == 3
    assert world.events.all("stop")


def test_a_stopped_program_can_be_ended(world):
    one = world.file("one", command=program())
    start = world.events.wait("start", 5)
    processes.kill(start.pid, signal.SIGSTOP)
    until(lambda: processes.read(start.pid).state == "T", 2)
    begun = one.signal(signal.SIGTERM)
    assert one.wait(5) == 0
    assert now() - begun < 1, "CONT follows the kill signal"


@pytest.mark.parametrize("how", ["stop", "end", "killed"])
def test_nothing_that_it_started_stays(world, how):
    one = world.file("one", command=program("--children", 5, "--daemon", *(["--exit-after", 300] if how == "end" else [])))
    start = world.events.wait("start", 5)
    world.events.wait("child", 1, count=5)
    world.events.wait("daemon", 1)
    if how == "stop":
        one.signal(signal.SIGTERM)
    if how == "killed":
        processes.kill(start.pid)
    one.wait(6)
    one.all_gone()


def test_orphans_are_reaped_while_the_program_runs(world):
    one = world.file("one", command=["sh", "-c", 'for i in 1 2 3 4 5 6 7 8 9 10; do (sh -c "sleep 0.01" & ) ; '
                                     f'done; exec "{TEST_PROGRAM}" run'])
    world.events.wait("start", 5)
    until(lambda: not [process for process in processes.descendants(one.pid) if process.name in ("sh", "sleep")], 2,
          "no orphan and no zombie")
    assert one.stop() == 0


def test_a_signal_to_our_group_does_not_stop_the_end(world):
    """Nomad's raw_exec kills the group: the keeper is not in it, and ends everything."""
    one = world.file("one", "--on-demote", hook("demote"), "--on-promote", hook("promote"),
                     command=program("--daemon", "--children", 1))
    world.events.wait("promote-end", 5)
    two = world.file("two", "--on-promote", hook("promote"), command=program())
    two.wait_for_line("follower|waiting", 5)
    os.killpg(one.pid, signal.SIGKILL)
    world.events.wait("demote-end", 5, name="one")
    one.all_gone(5)
    world.events.wait("promote-begin", 1, name="two")
    world.events.judge(world.events.leading())
