"""An instance that was killed whole, and started again in the same place: it proves that run dead, and gives its lock back.

With the TTL that is shipped: the lock of a killed instance that nobody gives back is held for 20 s, and delayed for 23 s.
"""
import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess

import pytest

import processes
from instance import BUILD, hook, program
from network import own_pids
from trio import KEY, LEADER_ONLY
from waiting import holds, now, until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a control group here")

HOOKS = ["--on-promote", hook("promote"), "--on-demote", hook("demote")]
MODES = {
    "leader-only": (LEADER_ONLY, program(), "start"),
    "leader-only with hooks": ([*LEADER_ONLY, *HOOKS], program(), "promote-end"),
    "follow": (HOOKS, program(), "promote-end"),
    "sidecar": (HOOKS, (), "promote-end"),
}

BACK = 2.0  # seconds until it leads again; it takes some 20 ms
GAVE_BACK = "gave back the lock of this place's last run"
LEFT = "the lock of this place's last run is left to run out"


@pytest.fixture
def consul(world):
    return world.consul(session_ttl_min=None).start().wait().servers[0]


class Place:
    """One instance after another, in one place."""

    def __init__(self, world, consul, options=(), command=(), enter=(), name="one", binary=None):
        self.world, self.consul, self.name, self.binary = world, consul, name, binary
        self.state = world.path("state-" + name)
        os.mkdir(self.state)
        self.enter = enter
        self.options = [*options, "--service", "redis", "--tag-service", "none", "--instance", name, "--state-dir",
                        self.state]
        self.command = ["--", *command] if command else []
        self.one = None

    def start(self, enter=None):
        enter = self.enter if enter is None else enter
        self.one = self.world.start(self.name, *self.options, *self.command, binary=self.binary,
                                    enter=[*self.consul.namespace.enter(), *enter])
        return self.one

    def start_and_lead(self, led="start"):
        self.start()
        self.world.events.wait(led, 5, name=self.name)
        # What it may act under is written down by then, and its token in the lock's value.
        until(lambda: '"token":0' not in self.consul.get(KEY)["Value"], 2)
        return self.one

    def kill(self, which=lambda process: True):
        """Everything of it at once, or what of it is chosen; when it is gone."""
        ended = [process for process in self.one.all if which(process)]
        processes.end_at_once(ended)
        until(lambda: not any(processes.alive(process.pid) for process in ended), 3)
        self.one.wait(3)

    def kill_ours(self):
        """The three processes, the program not."""
        self.kill(lambda process: process.name in ("consul-leader", "consul-keeper", "consul-network"))

    @property
    def record(self):
        folder, = (entry for entry in os.listdir(self.state) if entry.startswith("place-"))
        return os.path.join(self.state, folder, "record")

    def recorded(self, name):
        with open(self.record) as file:
            return re.search(f"^{name} (.*)$", file.read(), re.MULTILINE)[1]


def is_left_alone(place, session, seconds=1.5):
    """The lock stays with that session, and the session stays."""
    holds(lambda: place.consul.holder(KEY) == session, seconds, every=0.05)
    assert place.consul.session(session)
    assert not place.one.matching(GAVE_BACK)


# It leads again

@needs_root
@pytest.mark.parametrize("mode", MODES)
def test_killed_whole_and_started_again_it_leads_at_once(world, consul, figure, mode):
    options, command, led = MODES[mode]
    place = Place(world, consul, options, command)
    place.start_and_lead(led)
    session = consul.holder(KEY)
    place.kill()
    assert consul.holder(KEY) == session
    started = now()
    again = place.start()
    event = world.events.wait(led, BACK, after=started)
    figure(f"killed whole and started again, {mode}", event.at - started)
    assert session in again.wait_for_line(GAVE_BACK, 1).text
    until(lambda: consul.session(session) is None, 2, "its session is destroyed")
    if led == "promote-end":
        after = world.events.all("*mote-*", after=started)
        assert [event.what for event in after] == ["demote-begin", "demote-end", "promote-begin", "promote-end"]
        assert after[0].reason == "restart"
    if command:  # stopped before it handles the signal it would end by it
        world.events.wait("start", BACK, after=started)
    assert again.stop() == 0
    assert not os.path.exists(place.record)


@needs_root
def test_another_that_waits_may_lead_instead(world, consul):
    place = Place(world, consul, LEADER_ONLY, program())
    place.start_and_lead()
    other = Place(world, consul, LEADER_ONLY, program(), name="two")
    other.start().wait_for_line("follower|waiting", 5)
    place.kill()
    killed = now()
    holds(lambda: not world.events.all("start", after=killed), 1, "nobody leads before it is back")
    started = now()
    place.start()
    world.events.wait("start", BACK, after=started)


@needs_root
def test_what_the_lock_says_is_kept(world, consul):
    """Its token, so that the next one's is above it, and fields that we do not know."""
    place = Place(world, consul, LEADER_ONLY, program())
    place.start_and_lead()
    until(lambda: json.loads(consul.get(KEY)["Value"])["token"] != 0, 2)
    token = json.loads(consul.get(KEY)["Value"])["token"]
    place.kill()
    value = json.loads(consul.get(KEY)["Value"])
    consul.put(KEY, json.dumps(value | {"epoch": [7]}))
    place.start().wait_for_line(" leading ", BACK)
    value = json.loads(consul.get(KEY)["Value"])
    assert (value["previous_token"], value["epoch"]) == (token, [7])


def test_as_pid_1_of_a_container(world, consul):
    """Whatever its program has left: the kernel has ended it, and no control group is needed to know that."""
    place = Place(world, consul, HOOKS, program("--daemon"), enter=own_pids())
    place.start_and_lead("promote-end")
    assert place.recorded("supervisor").split()[0] == "1"
    processes.kill(place.one.process_of("supervisor").pid)
    place.one.wait(3)
    place.one.all_gone(2)
    started = now()
    place.start()
    world.events.wait("promote-end", BACK, after=started)
    assert world.events.words(what="*mote-begin", after=started) == ["demote-begin", "promote-begin"]


@needs_root
def test_a_waiting_one_that_was_killed_owes_nothing(world, consul):
    leader = Place(world, consul, LEADER_ONLY, program(), name="leader")
    leader.start_and_lead()
    place = Place(world, consul, LEADER_ONLY, program())
    place.start().wait_for_line("follower|waiting", 5)
    place.kill()
    again = place.start()
    again.wait_for_line("follower|waiting", 5)
    assert not again.matching("last run")


@needs_root
def test_after_a_clean_stop_nothing_is_owed(world, consul):
    place = Place(world, consul, HOOKS, program())
    place.start_and_lead("promote-end")
    place.one.stop()
    started = now()
    again = place.start()
    world.events.wait("promote-end", 5, after=started)
    assert not again.matching("last run")
    assert world.events.words(what="*mote-begin", after=started) == ["promote-begin"]


# Its demotion comes first

@needs_root
@pytest.mark.parametrize("mode", ["leader-only", "follow"])
def test_a_demote_hook_that_fails_does_not_keep_the_lock_of_a_dead_program(world, consul, mode):
    options = ["--mode", mode, "--on-promote", hook("promote"), "--on-demote", hook("demote", "--status", 1)]
    place = Place(world, consul, options, program())
    place.start_and_lead("promote-end")
    place.kill()
    started = now()
    place.start().wait_for_line(GAVE_BACK, BACK)
    world.events.wait("promote-end", BACK, after=started)


@needs_root
def test_in_sidecar_mode_it_keeps_it(world, consul):
    """Nothing but the hook could have ended what acts outside."""
    options = ["--on-promote", hook("promote"), "--on-demote", hook("demote", "--status", 1)]
    place = Place(world, consul, options)
    place.start_and_lead("promote-end")
    session = consul.holder(KEY)
    place.kill()
    again = place.start()
    again.wait_for_line("its lock is left to run out", 3)
    is_left_alone(place, session)
    place.kill()
    again = place.start()
    again.wait_for_line("follower|waiting", 3)
    is_left_alone(place, session)


@needs_root
def test_the_lock_is_not_given_back_before_the_demotion_is_complete(world, consul):
    options = ["--on-promote", hook("promote"), "--on-demote", hook("demote", "--exit-after", 700)]
    place = Place(world, consul, options, program())
    place.start_and_lead("promote-end")
    session = consul.holder(KEY)
    place.kill()
    started = now()
    place.start()
    world.events.wait("demote-begin", BACK, after=started)
    holds(lambda: consul.holder(KEY) == session, 0.4)
    world.events.wait("promote-end", BACK, after=started)


# What it has left

@needs_root
def test_what_is_left_in_its_control_group_is_killed_before_anything_starts(world, consul):
    place = Place(world, consul, LEADER_ONLY, program("--daemon"))
    place.start_and_lead()
    daemon = world.events.wait("daemon", 5)
    group = place.one.cgroup
    place.kill_ours()
    assert processes.alive(daemon.pid), "it has no parent-death signal"
    started = now()
    place.start()
    start = world.events.wait("start", BACK, after=started)
    assert world.events.last_alive(daemon.pid) <= start.at and not processes.alive(daemon.pid)
    assert not os.path.exists(group)


@needs_root
def test_groups_that_its_program_made_below_are_removed_with_it(world, consul):
    place = Place(world, consul, LEADER_ONLY, program("--daemon"))
    place.start_and_lead()
    daemon = world.events.wait("daemon", 5)
    group = place.one.cgroup
    os.makedirs(os.path.join(group, "below", "empty"))
    with open(os.path.join(group, "below", "cgroup.procs"), "w") as file:
        file.write(str(daemon.pid))
    place.kill_ours()
    started = now()
    place.start()
    start = world.events.wait("start", BACK, after=started)
    assert world.events.last_alive(daemon.pid) <= start.at
    assert not os.path.exists(group)


@needs_root
def test_its_program_that_lives_outside_of_its_control_group_is_not_robbed(world, consul):
    cleared = ["setpriv", "--pdeathsig", "clear", "--", *program()]
    place = Place(world, consul, ["--promote-signal", "USR1", "--demote-signal", "USR2"], cleared)
    world.judged = False  # it leads on, for ever
    place.start()
    start = world.events.wait("start", 5)
    world.events.wait("signal-10", 5)
    session = consul.holder(KEY)
    with open(os.path.join(os.path.dirname(place.one.cgroup), "cgroup.procs"), "w") as file:
        file.write(str(start.pid))
    place.kill_ours()
    assert processes.alive(start.pid)
    started = now()
    again = place.start()
    line = again.wait_for_line(LEFT, 3)
    assert f"process {start.pid} " in line.text
    world.events.wait("start", 2, after=started)
    is_left_alone(place, session)
    assert processes.alive(start.pid), "it is not ours to kill"
    processes.kill(start.pid)


@needs_root
def test_a_run_that_hangs_is_not_robbed(world, consul):
    place = Place(world, consul, LEADER_ONLY, program())
    one = place.start_and_lead()
    session = consul.holder(KEY)
    stopped = one.all
    for process in stopped:
        processes.kill(process.pid, signal.SIGSTOP)
    started = now()
    again = place.start()
    is_left_alone(place, session, 2)
    assert not world.events.all("start", after=started) and not again.matching("last run")
    for process in stopped:
        processes.kill(process.pid, signal.SIGCONT)
    one.stop()
    world.events.wait("start", BACK, after=started)


# What proves nothing

@needs_root
@pytest.mark.parametrize("before, after, why", [
    ("^boot .*", "boot 11111111-2222-3333-4444-555555555555", "the machine was started again"),
    ("^pid-namespace .*", "pid-namespace pid:[1]", "another PID namespace"),
    ("^cgroup-namespace .*", "cgroup-namespace cgroup:[1]", "another namespace of control groups"),
    ("^program-cgroup .*", "program-cgroup /tmp/consul-leader-1-2", "out of sight"),
    ("^cgroup .*\nprogram-cgroup .*", "cgroup 0::/\nprogram-cgroup ", "in no control group that tells it from others"),
    ("^key .*", "key another/lock", "of another lock"),
    ("^format 1", "format 7", "of format 7"),
    ("^keeper .*", "keeper x", "damaged"),
    ("^network (.|\n)*", "", "damaged"),
    ("^end\n", "", "damaged"),
])
def test_a_record_that_proves_nothing(world, consul, before, after, why):
    place = Place(world, consul, HOOKS, program())
    place.start_and_lead("promote-end")
    session = consul.holder(KEY)
    place.kill()
    with open(place.record) as file:
        text = file.read()
    changed = re.sub(before, after, text, flags=re.MULTILINE)
    assert changed != text
    with open(place.record, "w") as file:
        file.write(changed)
    started = now()
    again = place.start()
    assert why in again.wait_for_line("last run", 3).text
    assert world.events.wait("demote-end", 2, after=started).reason == "restart", "that it led is believed"
    world.events.wait("start", 2, after=started)
    is_left_alone(place, session)
    assert len(again.matching("last run")) == 1


@needs_root
def test_a_container_with_another_pid_1_proves_nothing(world, consul):
    """Its PID namespace is gone, but that cannot be seen."""
    container = [*own_pids(), "sh", "-c", '"$@" & wait', "init"]
    place = Place(world, consul, LEADER_ONLY, program(), enter=container)
    place.start_and_lead()
    session = consul.holder(KEY)
    place.kill()
    again = place.start(enter=())
    again.wait_for_line(LEFT + ": it ran in another PID namespace", 3)
    is_left_alone(place, session)


# Without a control group of its own, as a plain user has none

@contextlib.contextmanager
def control_group(name):
    """The folder of a control group in the hierarchy of version 2."""
    with open("/proc/self/mountinfo") as file:
        root = next(line.split()[4] for line in file if " - cgroup2 " in line)
    folder = os.path.join(root, name)
    os.mkdir(folder)
    try:
        yield folder
    finally:
        with contextlib.suppress(FileNotFoundError, OSError):
            with open(os.path.join(folder, "cgroup.kill"), "w") as file:
                file.write("1")
        until(lambda: not open(os.path.join(folder, "cgroup.procs")).read(), 3)
        os.rmdir(folder)


@pytest.fixture
def group():
    with control_group(f"consul-leader-test-{os.getpid()}") as folder:
        yield folder


def unprivileged(group):
    """In front of a command: in that group, as a user who can make none below it."""
    return ["sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh", "setpriv", "--reuid", "nobody", "--regid",
            "nogroup", "--clear-groups", "--"]


def place_of_nobody(world, consul, enter, *options):
    """That user may not get to where the programs were built."""
    ours, _, binary = [shutil.copy(os.path.join(BUILD, name), world.path(name))
                       for name in ("consul-leader", "consul-leader-network", "test-program")]
    place = Place(world, consul, LEADER_ONLY, [binary, "run", *options], enter, binary=ours)
    user = pwd.getpwnam("nobody")
    os.chown(place.state, user.pw_uid, user.pw_gid)
    return place


@needs_root
def test_a_control_group_with_nobody_else_in_it_is_a_proof(world, consul, group):
    place = place_of_nobody(world, consul, unprivileged(group))
    place.start_and_lead()
    assert not place.one.cgroup and place.recorded("cgroup") == "0::/" + os.path.basename(group)
    place.kill()
    started = now()
    place.start().wait_for_line(GAVE_BACK, BACK)
    world.events.wait("start", BACK, after=started)


@needs_root
@pytest.mark.parametrize("where", ["in it", "below it"])
def test_a_control_group_with_a_descendant_left_is_none(world, consul, group, where):
    world.judged = False
    place = place_of_nobody(world, consul, unprivileged(group), "--daemon")
    place.start_and_lead()
    session = consul.holder(KEY)
    daemon = world.events.wait("daemon", 5)
    if where == "below it":
        os.mkdir(os.path.join(group, "below"))
        with open(os.path.join(group, "below", "cgroup.procs"), "w") as file:
            file.write(str(daemon.pid))
    place.kill_ours()
    until(lambda: not processes.alive(world.events.all("start")[0].pid), 2)
    assert processes.alive(daemon.pid)
    place.start().wait_for_line(LEFT + ": its control group .* holds others too", 3)
    is_left_alone(place, session)
    place.kill()
    processes.kill(daemon.pid)
    until(lambda: not processes.alive(daemon.pid), 2)
    if where == "below it":
        os.rmdir(os.path.join(group, "below"))


@needs_root
def test_a_shared_control_group_is_none(world, consul, group):
    place = place_of_nobody(world, consul, unprivileged(group))
    place.start_and_lead()
    session = consul.holder(KEY)
    shell = subprocess.Popen(["sh", "-c", f"echo $$ >{group}/cgroup.procs; exec cat"], stdin=subprocess.PIPE)
    until(lambda: str(shell.pid) in open(os.path.join(group, "cgroup.procs")).read().split(), 2)
    place.kill()
    place.start().wait_for_line(LEFT + ": its control group .* holds others too", 3)
    is_left_alone(place, session)
    shell.stdin.close()
    shell.wait()


# Killed again before it has given it back

@needs_root
def test_killed_again_before_the_lock_was_given_back(world, consul):
    """What was not settled is handed on, from run to run."""
    place = Place(world, consul, HOOKS, program())
    place.start_and_lead("promote-end")
    session = consul.holder(KEY)
    place.kill()
    consul.pause()
    for _ in range(2):
        started = now()
        place.start()
        world.events.wait("start", 3, after=started)
        until(lambda: place.recorded("former-session") == session, 2)
        place.kill()
    consul.resume()
    started = now()
    again = place.start()
    assert session in again.wait_for_line(GAVE_BACK, BACK).text
    world.events.wait("promote-end", BACK, after=started)
    until(lambda: place.recorded("former-session") == "", 2)
    assert len(world.events.all("demote-end")) == 1, "it was demoted once"


@needs_root
def test_killed_again_while_it_was_demoted(world, consul):
    options = ["--on-promote", hook("promote"), "--on-demote", hook("demote", "--exit-after", 500)]
    place = Place(world, consul, options, program())
    place.start_and_lead("promote-end")
    place.kill()
    started = now()
    place.start()
    world.events.wait("demote-begin", 2, after=started)
    place.kill()
    started = now()
    place.start().wait_for_line(GAVE_BACK, BACK)
    assert world.events.words(what="demote-*", after=started) == ["demote-begin", "demote-end"]
    world.events.wait("promote-end", BACK, after=started)


@needs_root
def test_stopped_before_the_lock_was_given_back(world, consul):
    place = Place(world, consul, LEADER_ONLY, program())
    place.start_and_lead()
    session = consul.holder(KEY)
    place.kill()
    consul.pause()
    again = place.start()
    until(lambda: place.recorded("former-session") == session and place.recorded("promoted") == "no", 2)
    again.stop()
    consul.resume()
    started = now()
    place.start()
    world.events.wait("start", BACK, after=started)


@needs_root
def test_consul_is_away_when_it_starts_again(world, consul):
    """Neither its program nor anything else waits for the lock; and it is given back when Consul is there again."""
    place = Place(world, consul, HOOKS, program())
    place.start_and_lead("promote-end")
    place.kill()
    consul.pause()
    started = now()
    again = place.start()
    world.events.wait("start", 1.5, after=started)
    holds(lambda: again.process.poll() is None, 3)
    consul.resume()
    again.wait_for_line(GAVE_BACK, 3 + BACK)
    world.events.wait("promote-end", BACK, after=started)


@needs_root
def test_the_network_process_killed_meanwhile(world, consul):
    place = Place(world, consul, LEADER_ONLY, program())
    place.start_and_lead()
    place.kill()
    consul.pause()
    started = now()
    again = place.start()
    for _ in range(2):
        again.kill("network")
        again.wait_for_line("another is started", 2)
    consul.resume()
    again.wait_for_line(GAVE_BACK, 3 + BACK)
    world.events.wait("start", BACK, after=started)


# It may be another's

@needs_root
@pytest.mark.parametrize("how", ["another holds it", "it is free"])
def test_a_lock_that_it_does_not_hold_any_more_is_left_alone(world, consul, how):
    place = Place(world, consul, LEADER_ONLY, program())
    place.start_and_lead()
    session = consul.holder(KEY)
    place.kill()
    assert consul.put(KEY, "freed by hand", release=session)
    if how == "another holds it":
        other = consul.create_session(Name="somebody", LockDelay="0s")
        assert consul.put(KEY, "somebody", acquire=other)
    before = consul.get(KEY)
    again = place.start()
    until(lambda: consul.session(session) is None, 2, "nothing of its may still take the lock")
    holds(lambda: consul.get(KEY) == before, 1, every=0.05)
    assert not again.matching(GAVE_BACK)


@needs_root
def test_a_lock_that_was_deleted_meanwhile(world, consul):
    place = Place(world, consul, LEADER_ONLY, program())
    place.start_and_lead()
    session = consul.holder(KEY)
    place.kill()
    consul.delete(KEY)
    again = place.start()
    until(lambda: consul.session(session) is None, 2)
    assert not again.matching(GAVE_BACK)
