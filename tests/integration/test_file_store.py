"""Election through a file of one machine: who leads, who is next and how soon."""
import os
import re
import resource
import signal
import subprocess

import pytest

from instance import CONSUL_LEADER, hook, program
from waiting import holds, now, until

SIGNALS = ["--promote-signal", "USR1", "--demote-signal", "USR2"]


@pytest.mark.plain
def test_what_can_kill_links_nothing_but_libc():
    libraries = subprocess.run(["ldd", CONSUL_LEADER], check=True, stdout=subprocess.PIPE, text=True).stdout
    names = {os.path.basename(line.split()[0]) for line in libraries.splitlines()}
    assert {re.sub(r"[-.].*", "", name) for name in names} <= {"linux", "libc", "ld"}, libraries


def test_leader_only_runs_the_program_of_one(world):
    first = world.file("one", "--mode", "leader-only", command=program())
    leading = world.events.wait("start", 5, name="one")
    assert (leading.role, leading.reason) == ("leader", "acquired")
    assert int(leading.token) > 0

    world.file("two", "--mode", "leader-only", command=program()).wait_for_line("follower|waiting", 5)
    holds(lambda: not world.events.all("start", name="two"), 0.5, "two's program does not run")

    assert first.stop() == 0
    world.events.wait("start", 1, name="two")
    world.events.judge(world.events.leading())


def test_follow_runs_every_program_and_signals_the_leader(world):
    one = world.file("one", *SIGNALS, command=program("--led-by-signals"))
    world.events.wait("signal-10", 5, name="one")
    two = world.file("two", *SIGNALS, command=program("--led-by-signals"))
    started = world.events.wait("start", 5, name="two")
    assert started.role == "follower"
    holds(lambda: not world.events.all("signal-10", name="two"), 0.5, "two is not promoted")

    one.stop()
    world.events.wait("signal-10", 1, name="two")
    assert "signal-12" in world.events.words(name="one"), "the leader was not told that it is none any more"
    world.events.judge(world.events.leading())
    assert two.stop() == 0


def test_an_instance_is_a_candidate_again_after_it_lost_the_lead(world):
    """After the lease that was in the lock file: another leader of the lost file may still act until then."""
    world.file("one", "--ttl", "1s", "--lease", "2s", "--demote-timeout", "500ms", *SIGNALS, command=program("--led-by-signals"))
    world.events.wait("signal-10", 5, name="one")
    os.unlink(world.lock)
    demoted = world.events.wait("signal-12", 1, name="one")
    world.events.wait("signal-10", 10, name="one", after=demoted.at)
    assert len(world.events.all("start")) == 1, "the program of a follow instance runs on"


def test_exit_on_demote_ends_with_75(world):
    one = world.file("one", "--exit-on-demote", *SIGNALS, command=program("--led-by-signals"))
    world.events.wait("signal-10", 5)
    os.unlink(world.lock)
    assert one.wait(10) == 75
    one.all_gone()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_leader_whose_file_is_lost_demotes_at_once(world, how):
    world.file("one", "--on-promote", hook("promote"), "--on-demote", hook("demote"), command=program())
    world.events.wait("promote-end", 5)
    lost = now()
    if how == "removed":
        os.unlink(world.lock)
    else:
        with open(world.path("other"), "w"):
            pass
        os.rename(world.path("other"), world.lock)
    demotion = world.events.wait("demote-begin", 1, after=lost)
    assert demotion.reason == "lock-lost"


def test_the_token_grows_with_every_leader_and_start(world):
    tokens = []
    for turn in range(4):
        one = world.file(f"turn{turn}", "--mode", "leader-only", command=program())
        tokens.append(int(world.events.wait("start", 5, name=f"turn{turn}").token))
        if turn % 2:
            assert one.stop() == 0
        else:
            one.kill("supervisor")
            one.all_gone(5)
    assert tokens == sorted(set(tokens))


@pytest.mark.timed
@pytest.mark.parametrize("how", ["released", "killed"])
def test_the_next_leads_within_milliseconds(world, figures, how):
    """From the last instant at which the old program was alive to the next program's first."""
    names = [f"turn{turn}" for turn in range(12)]
    waiting = {names[0]: world.file(names[0], "--mode", "leader-only", command=program())}
    world.events.wait("start", 5, name=names[0])
    took = []
    for old, new in zip(names, names[1:]):
        waiting[new] = world.file(new, "--mode", "leader-only", command=program())
        waiting[new].wait_for_line("follower|waiting", 5)
        leader = world.events.wait("start", 5, name=old)
        if how == "released":
            waiting[old].signal(signal.SIGTERM)
        else:
            waiting[old].kill("supervisor")
        next_one = world.events.wait("start", 5, name=new)
        took.append(next_one.at - world.events.last_alive(leader.pid))
        waiting[old].all_gone(2)
    figures(f"file store, next program after the old one's end, {how}", took)
    world.events.judge(world.events.leading())
    assert max(took) < 0.1, took


def test_the_leader_of_many_is_always_one(world):
    """Stops and kills in turn, with a crowd that waits."""
    crowd = {f"i{number}": world.file(f"i{number}", "--mode", "leader-only", command=program("--children", 1))
             for number in range(6)}
    ended = 0.0
    for turn in range(5):
        leader = world.events.wait("start", 5, after=ended)
        instance = crowd.pop(leader.name)
        if turn % 2:
            ended = now()
            instance.kill(("supervisor", "keeper")[turn // 2 % 2])
            instance.wait(10)
        else:
            ended = now()
            instance.stop()
        instance.all_gone(5)
    world.events.wait("start", 5, after=ended)
    world.events.judge(world.events.leading())


def test_the_role_is_in_the_role_file_and_the_leader_file(world):
    role, leader = world.path("role"), world.path("leader")
    reading = lambda: open(role).read().strip() if os.path.exists(role) else None
    blocker = world.file("blocker", "--mode", "leader-only", command=program())
    world.events.wait("start", 5, name="blocker")
    one = world.file("one", "--role-file", role, "--leader-file", leader, command=program())
    until(lambda: reading() == "follower", 5)
    assert not os.path.exists(leader)
    blocker.stop()
    until(lambda: reading() == "leader" and os.path.exists(leader), 2)
    one.stop()
    assert not os.path.exists(leader)
    assert reading() == "follower", "the role file is always there"


def test_a_sidecar_runs_hooks_only(world):
    one = world.file("one", "--on-promote", hook("promote"), "--on-demote", hook("demote"))
    assert world.events.wait("promote-end", 5).role == "leader"
    two = world.file("two", "--on-promote", hook("promote"), "--on-demote", hook("demote"))
    two.wait_for_line("follower|waiting", 5)
    assert one.stop() == 0
    world.events.wait("promote-begin", 1, name="two")
    assert world.events.words(name="one") == ["promote-begin", "promote-end", "demote-begin", "demote-end"]
    assert two.stop() == 0
    world.events.judge(world.events.leading())


def test_one_inside_another(world):
    inner_lock = world.path("inner-lock")
    one = world.file("one", "--mode", "leader-only", command=[
        CONSUL_LEADER, "--store", "file:" + inner_lock, "--mode", "leader-only", "--",
        *program("--environment", world.path("environment"))])
    start = world.events.wait("start", 5)
    variables = dict(entry.split("=", 1) for entry in
                     open(world.path("environment")).read().split("\0") if "=" in entry)
    assert variables["CONSUL_LEADER_ELECTION"] == inner_lock
    assert start.role == "leader"
    assert one.stop() == 0
    one.all_gone()


@pytest.mark.parametrize("victim", ["supervisor", "keeper"])
def test_one_inside_another_dies_with_it(world, victim):
    one = world.file("one", "--mode", "leader-only", command=[
        CONSUL_LEADER, "--store", "file:" + world.path("inner-lock"), "--mode", "leader-only", "--",
        *program("--daemon")])
    world.events.wait("start", 5)
    keeper = next(process.pid for process in one.all if process.name == "consul-keeper" and process.parent == one.pid)
    os.kill(one.pid if victim == "supervisor" else keeper, signal.SIGKILL)
    one.all_gone(5)


def test_a_removed_file_is_not_taken_while_its_leader_demotes(world):
    """Nor before the lease is over that somebody may still have through the lost file."""
    short = ["--ttl", "2s", "--lease", "4s", "--demote-timeout", "2s"]
    world.file("one", *short, "--on-promote", hook("promote"), "--on-demote", hook("demote", "--exit-after", 1000),
               command=program())
    world.events.wait("promote-end", 5, name="one")
    two = world.file("two", *short, "--on-promote", hook("promote"), "--on-demote", hook("demote"), command=program())
    two.wait_for_line("follower", 5)
    os.unlink(world.lock)
    lost = now()
    world.events.wait("demote-end", 3, name="one")
    following = world.events.wait("promote-begin", 10, after=lost)
    assert following.at - lost > 3.5, "the lease is left alone"
    world.events.judge(world.events.intervals("promote-begin", {"demote-end"}))


def test_a_lock_whose_descriptor_cannot_be_received_is_not_led_with(world):
    """Without a free descriptor the supervisor cannot have the lock; nobody leads by a lock that is nowhere."""
    blocker = world.file("blocker", "--mode", "leader-only", command=program())
    world.events.wait("start", 5, name="blocker")
    one = world.file("one", "--mode", "leader-only", command=program())
    one.wait_for_line("follower", 5)
    supervisor = one.pid_of("supervisor")
    taken = {int(number) for number in os.listdir(f"/proc/{supervisor}/fd")}
    free = next(number for number in range(1000) if number not in taken)
    before = resource.prlimit(supervisor, resource.RLIMIT_NOFILE)
    resource.prlimit(supervisor, resource.RLIMIT_NOFILE, (free, before[1]))
    blocker.stop()
    one.wait_for_line("descriptor did not come", 5)
    assert not world.events.all("start", name="one")
    resource.prlimit(supervisor, resource.RLIMIT_NOFILE, before)
    world.events.wait("start", 10, name="one")
