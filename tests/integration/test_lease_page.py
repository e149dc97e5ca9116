"""The lease page: it says leader from the order to promote until the order to demote, and never past the lease."""
import glob
import os
import signal
import stat
import subprocess
import sys

import pytest

import processes
from instance import hook, program
from network import own_mounts
from trio import FAST
from waiting import holds, now, until

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "docs", "examples"))
import lease  # noqa: E402

HOOKS = ["--on-promote", hook("promote"), "--on-demote", hook("demote")]
MODES = {
    "leader-only": (["--mode", "leader-only"], program()),
    "follow with hooks": (HOOKS, program()),
    "follow with signals": (["--promote-signal", "USR1", "--demote-signal", "USR2"], program("--led-by-signals")),
    "follow, told nothing": (["--service", "redis"], program()),
    "sidecar": (HOOKS, ()),
}


class Page:
    """The page of an instance, as it is when this is made: it has its name then."""

    def __init__(self, world, instance):
        files = os.path.join(world.runtime, instance.name, "*", "lease")
        self.path = until(lambda: glob.glob(files), 5, f"{instance.name} has a lease page")[0]
        self.lease = lease.Lease(self.path)

    @property
    def deadline(self):
        return self.lease.words[0]

    @property
    def held(self):
        """The token while it says leader, else 0."""
        return self.lease.remaining_ns()[1]


def start(world, mode, name="one", *more):
    options, command = MODES[mode]
    return world.file(name, *FAST, *options, *more, command=command)


def token_of(instance, after=0.0):
    line = instance.wait_for_line("promoting key=.* token=", 10, after=after)
    return int(line.text.split("token=")[1])


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


# Whom it says to lead, and when


def test_it_follows_the_role(world, mode):
    blocker = world.file("blocker", "--mode", "leader-only", command=program())
    blocker.wait_for_line("leading", 5)
    one = start(world, mode)
    page = Page(world, one)
    one.wait_for_line("follower", 5)
    assert page.deadline == 0

    blocker.stop()
    token = token_of(one)
    until(lambda: page.held == token, 1)
    renewed = page.deadline
    until(lambda: page.deadline > renewed, 3, "a renewal")
    assert page.held == token

    one.wait_for_line("leading", 5)
    lost = now()
    os.unlink(world.lock)
    one.wait_for_line("demoting", 2, after=lost)
    assert page.deadline == 0
    until(lambda: page.held > token, 10, "it leads again")

    one.stop()
    assert page.deadline == 0
    assert not os.path.exists(os.path.dirname(page.path)), "nothing of it is left"


def copies(world, *words):
    """Options with hooks that copy the page as they find it."""
    return [argument for word in words for argument in
            ("--on-" + word, f"sh -c 'cp $CONSUL_LEADER_LEASE_FILE {world.path(word)}'")]


@pytest.mark.parametrize("command", [program(), ()], ids=["follow", "sidecar"])
@pytest.mark.parametrize("end", ["stopped", "supervisor killed", "keeper killed"])
def test_hooks_find_it_published_at_a_promotion_and_cleared_at_a_demotion(world, command, end):
    one = world.file("one", *copies(world, "promote", "demote"), command=command)
    one.wait_for_line("leading", 5)
    promoted = lease.Lease(world.path("promote"))
    assert promoted.remaining_ns()[1] == token_of(one)
    if end == "stopped":
        one.stop()
    else:
        one.kill(end.split()[0])
        one.all_gone(5)
    assert lease.Lease(world.path("demote")).words[0] == 0


def test_a_program_finds_it_published_at_its_start_and_cleared_at_its_end(world):
    copy = f"cp $CONSUL_LEADER_LEASE_FILE {world.path()}"
    one = world.file("one", "--mode", "leader-only", command=[
        "sh", "-c", f"trap '{copy}/end; exit' TERM; {copy}/start; echo there >&2; while :; do sleep 0.05; done"])
    one.wait_for_line("there", 5)
    one.stop()
    assert lease.Lease(world.path("start")).words[1] == token_of(one)
    assert lease.Lease(world.path("start")).words[0] != 0
    assert lease.Lease(world.path("end")).words[0] == 0


def test_no_renewal_brings_it_back_in_a_demotion(world):
    one = world.file("one", "--ttl", "2s", "--lease", "4s", "--demote-timeout", "2s", "--on-promote", hook("promote"),
                     "--on-demote", hook("demote", "--exit-after", 1500), command=program())
    one.wait_for_line("leading", 5)
    page = Page(world, one)
    one.signal(signal.SIGTERM)
    world.events.wait("demote-begin", 2)
    holds(lambda: page.deadline == 0, 1.2)
    assert one.wait(5) == 0


@pytest.mark.parametrize("which", ["supervisor", "keeper"])
def test_it_is_cleared_when_one_of_its_writers_is_killed(world, mode, which):
    one = start(world, mode)
    page = Page(world, one)
    until(lambda: page.held, 5)
    one.kill(which)
    until(lambda: page.deadline == 0, 1)
    one.all_gone(5)
    until(lambda: not os.path.exists(os.path.dirname(page.path)), 1, "nothing of it is left")


def kill_all_three(instance):
    processes.end_at_once([instance.process_of(which) for which in ("keeper", "network", "supervisor")])


def test_it_runs_out_by_itself_when_nobody_is_left_to_clear_it(world, mode):
    one = start(world, mode)
    page = Page(world, one)
    until(lambda: page.held, 5)
    kill_all_three(one)
    killed, deadline = now(), page.deadline
    assert deadline != 0 and page.held
    until(lambda: not page.held, 3.5)
    assert now() - killed <= 3.1, "the lease, and the time that this test takes"
    assert page.deadline == deadline, "nobody has written it"


def test_it_runs_out_by_itself_while_both_of_its_writers_hang(world, mode):
    one = start(world, mode)
    page = Page(world, one)
    until(lambda: page.held, 5)
    hanging = [one.pid_of(which) for which in ("supervisor", "keeper")]
    for pid in hanging:
        processes.kill(pid, signal.SIGSTOP)
    world.judged = False  # they stand still past the lease
    until(lambda: not page.held, 3.5)


def test_a_sidecar_whose_supervisor_hangs_finds_it_cleared_when_its_hook_begins(world):
    one = world.file("one", *FAST, *copies(world, "promote", "demote"))
    one.wait_for_line("leading", 5)
    page = Page(world, one)
    one.kill("supervisor", signal.SIGSTOP)
    until(lambda: os.path.exists(world.path("demote")), 4)
    assert page.deadline == 0
    one.wait_for_line("hook done hook=on-demote", 2)
    assert lease.Lease(world.path("demote")).words[0] == 0
    one.kill("supervisor", signal.SIGCONT)


# The file


def test_each_start_makes_another_file(world):
    place = ["--instance", "web-1"]
    first = start(world, "leader-only", "one", *place)
    old = Page(world, first)
    until(lambda: old.held, 5)
    kill_all_three(first)
    first.all_gone(2)
    assert old.held, "its lead is not over"

    second = start(world, "leader-only", "one", *place)
    second.wait_for_line("leading", 5)
    new = Page(world, second)
    assert new.path == old.path
    assert old.deadline == 0, "cleared by the next in the place, before anything else"
    assert new.held
    holds(lambda: old.deadline == 0, 1)


def test_who_waits_for_its_place_leaves_the_page_alone(world):
    place = ["--instance", "web-1"]
    start(world, "leader-only", "one", *place).wait_for_line("leading", 5)
    two = world.file("two", *FAST, "--mode", "leader-only", *place, command=program(),
                     environment={"RUNTIME_DIRECTORY": os.path.join(world.runtime, "one")})
    folder = glob.glob(os.path.join(world.runtime, "one", "*"))[0]
    hidden = until(lambda: [name for name in os.listdir(folder) if name.startswith("lease.")], 5)
    page = lease.Lease(os.path.join(folder, "lease"))
    two.pid_of("network")
    holds(lambda: page.remaining_ns()[0] > 0, 1)
    two.stop()
    assert page.remaining_ns()[0] > 0
    assert not os.path.exists(os.path.join(folder, *hidden))


def test_with_a_state_directory_it_still_lies_in_the_runtime_directory(world):
    one = world.file("one", "--instance", "web-1", "--state-dir", world.folder, command=program())
    one.wait_for_line("leading", 5)
    page = Page(world, one)
    folder = os.path.basename(os.path.dirname(page.path))
    assert os.listdir(os.path.dirname(page.path)) == ["lease"]
    name, *_ = folder.rsplit("-", 2)
    assert "lock" in os.listdir(world.path(name)), "it is named after the place, and its lock file"


def test_who_may_reach_and_read_it(world):
    one = world.file("one", command=program(), umask=0o077)
    page = Page(world, one)
    assert stat.S_IMODE(os.stat(page.path).st_mode) == 0o644
    assert stat.S_IMODE(os.stat(os.path.dirname(page.path)).st_mode) == 0o711


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_program_of_another_user_reads_it(world):
    reading = ("import lease, os; page = lease.Lease(); "
               "print('read by', os.getuid(), page.remaining_ns()[1], file=__import__('sys').stderr, flush=True)")
    one = world.file("one", "--user", "nobody", "--mode", "leader-only", umask=0o077, command=[
        "env", f"PYTHONPATH={ROOT}/docs/examples", sys.executable, "-B", "-c", reading])
    one.wait_for_line(f"read by 65534 {token_of(one)}", 5)


# Where there is none


def without_room(prepare):
    """What to put in front of it so that it has no runtime directory but /dev/shm, prepared like this."""
    shell = f"mount -t tmpfs -o size=4k none /dev/shm && {prepare} && mount -t tmpfs -o ro none /run && exec \"$@\""
    return ["unshare", *own_mounts(), "sh", "-c", shell, "sh"]


FULL = "dd if=/dev/zero of=/dev/shm/full bs=4k count=1 status=none"
READ_ONLY = "mount -o remount,ro /dev/shm"


@pytest.mark.parametrize("prepare, reason", [(FULL, "No space left on device"), (READ_ONLY, "Read-only file system")])
def test_where_it_cannot_be_it_runs_without(world, prepare, reason):
    one = world.file("one", "--mode", "leader-only", command=["sh", "-c", "env >&2; sleep 60"], enter=without_room(prepare),
                     environment={"RUNTIME_DIRECTORY": ""})
    one.wait_for_line("CONSUL_LEADER_ROLE=leader", 5)
    one.wait_for_line("leading", 5)
    assert not one.matching("CONSUL_LEADER_LEASE_FILE")
    warnings = one.matching(" warn ")
    assert len(warnings) == 1 and "no lease page" in warnings[0].text and reason in warnings[0].text, one.text
    one.stop()


@pytest.mark.parametrize("prepare, reason", [(FULL, "No space left on device"), (READ_ONLY, "Read-only file system")])
def test_where_it_was_asked_for_and_cannot_be_it_does_not_start(world, prepare, reason):
    one = world.file("one", "--runtime-dir", "/dev/shm/asked-for", command=program(), enter=without_room(prepare))
    assert one.wait(5) == 64
    assert len(one.lines) == 1 and "--runtime-dir" in one.text and reason in one.text, one.text


# Other clocks

ASK = r"""
#include <stdio.h>
#include <consul_leader/lease.h>
int main(int argc, char **argv)
{
    struct consul_leader_lease lease;
    if (consul_leader_lease_open(&lease, argv[1]) < 0)
        return errno;
    return consul_leader_lease_held(&lease, NULL) ? 0 : 255;
}
"""
EXDEV = 18


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a clock of its own")
def test_in_another_time_namespace_it_is_refused(world):
    """There the deadline would lie an hour too far away, or too near."""
    ask = world.path("ask")
    subprocess.run(["gcc", "-std=gnu11", f"-I{ROOT}/include", "-x", "c", "-o", ask, "-"], input=ASK.encode(), check=True)
    elsewhere = ["unshare", "--time", "--boottime", "3600", "--fork"]
    one = start(world, "leader-only")
    page = Page(world, one)
    until(lambda: page.held, 5)
    assert subprocess.run([ask, page.path]).returncode == 0
    assert subprocess.run([*elsewhere, ask, page.path]).returncode == EXDEV
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run([*elsewhere, sys.executable, "-B", "-c", f"import lease; lease.Lease({page.path!r})"], check=True,
                       cwd=os.path.join(ROOT, "docs", "examples"), stderr=subprocess.DEVNULL)

    one.stop()
    there = world.file("there", "--mode", "leader-only", command=[ask], enter=elsewhere)
    assert there.wait(5) == 0, "a program in the namespace of its consul-leader reads it"
