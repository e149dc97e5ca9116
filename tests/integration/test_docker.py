"""consul-leader in docker: as PID 1 and behind docker's own init, as nobody, without capabilities, on a root that cannot be
written and has no shell.
"""
import os
import re

import pytest

import processes
from container import Container, an_image, docker
from instance import TEST_PROGRAM, program
from trio import HOOKS, KEY, LEADER_ONLY
from waiting import until

pytestmark = pytest.mark.plain

UNPRIVILEGED = ["--user", "65534:65534", "--cap-drop", "ALL", "--read-only"]
MODES = {"leader-only": LEADER_ONLY, "follow": HOOKS}
OURS = 3  # processes
STUBBORN = ["--children", 2, "--daemon"]  # they block all signals; the daemon has left its group, session and parent
STOP_TIMEOUT = 4.0  # ours, by default; the program has 0.3 s less

in_modes = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="session")
def image():
    with an_image() as image:
        yield image


@pytest.fixture(params=[[], ["--init"]], ids=["PID 1", "init"])
def contain(request, world, image):
    """contain(OPTION..., command=COMMAND): a container of this test; run: docker's own options."""
    containers = []
    world.lock = world.path("said", "lock")  # where nobody may write

    def start(*options, command, run=(), **environment):
        environment = {"TEST_NAME": "one", "TEST_EVENTS": world.events.path, "TEST_WITNESS": world.witness} | environment
        if "CONSUL_HTTP_ADDR" not in environment:
            options = ["--store", "file:" + world.lock, *options]
        containers.append(Container(image, [*UNPRIVILEGED, *request.param, *run], world.folder, environment,
                                    [*options, "--", *command]))
        return containers[-1]
    yield start
    for container in containers:
        print(f"----- {' '.join(container.options)}: {' '.join(container.arguments)}\n{container.text}")
        container.close()


@pytest.fixture
def lead(world, contain):
    """Like contain(), and it leads, and its program runs."""
    def start(*arguments, **more):
        one = contain(*arguments, **more)
        one.wait_for_line("leading key=", 10)
        world.events.wait("start", 10, name="one")
        return one
    return start


def stop(world, container, within=2.0):
    """The exit status, of one of which nothing is left so soon after its program was told. (docker kills after 10 s.)"""
    before = container.all
    assert len(before) > OURS
    status, ended = container.stop()
    assert ended - world.events.wait("signal-15", 1).at < within
    assert not container.all and not [process for process in before if processes.alive(process.pid)]
    return status


# Stopping

@in_modes
@pytest.mark.parametrize("how, status", [
    pytest.param([], 0, id="exits with 0"),
    pytest.param(["--status", 3], 3, id="exits with 3"),
    pytest.param(["--die-by", 15], 143, id="dies by TERM"),
    pytest.param(["--status", 3, *STUBBORN], 3, id="leaves stubborn ones")])
def test_a_stop_ends_it_with_the_status_of_its_program(world, lead, mode, how, status):
    assert stop(world, lead(*MODES[mode], command=program(*how))) == status


@in_modes
@pytest.mark.parametrize("options", [[], STUBBORN], ids=["alone", "with stubborn ones"])
def test_a_program_that_ignores_term_is_killed_in_time(world, lead, mode, options):
    """By us, with the times that are shipped: docker's own is longer."""
    one = lead(*MODES[mode], command=program("--ignore-term", *options))
    started = world.events.all("start")[0]
    assert stop(world, one, STOP_TIMEOUT + 1) == 137
    told = world.events.all("signal-15", pid=started.pid)[0]
    assert STOP_TIMEOUT - 1 <= world.events.last_alive(started.pid) - told.at <= STOP_TIMEOUT


def test_what_the_program_leaves_is_gone_before_the_next_one_leads(world, lead):
    """The witness is with all of them; when PID 1 of a container ends, the kernel would kill them in any case."""
    one = lead(*LEADER_ONLY, command=program("--children", 5, "--daemon"))
    two = world.file("two", *LEADER_ONLY, command=program())
    two.wait_for_line("follower|waiting", 5)
    assert stop(world, one) == 0
    world.events.wait("start", 5, name="two")


@pytest.mark.parametrize("stop_signals", ["QUIT", "TERM,INT,QUIT"])
def test_the_stop_signal_of_an_image(world, lead, stop_signals):
    one = lead(*LEADER_ONLY, "--stop-signals", stop_signals, command=program("--status", 3), run=["--stop-signal", "QUIT"])
    assert stop(world, one) == 3
    assert world.events.words(what="signal-*") == ["signal-15"]


# An end of its own

@in_modes
@pytest.mark.parametrize("how, status", [
    pytest.param(["--status", 0], 0, id="exits with 0"),
    pytest.param(["--status", 7], 7, id="exits with 7"),
    pytest.param(["--die-by", 15], 143, id="dies by TERM"),
    pytest.param(["--die-by", 9], 137, id="dies by KILL"),
    pytest.param(["--status", 7, *STUBBORN], 7, id="leaves stubborn ones")])
def test_a_program_that_ends_at_once(contain, mode, how, status):
    one = contain(*MODES[mode], "--stop-timeout", "1s", "--demote-timeout", "500ms",
                  command=program("--exit-after", 0, *how))
    assert one.wait() == status
    assert not one.all


# While it runs

def test_orphans_are_reaped(world, lead):
    one = lead(*LEADER_ONLY, command=program("--daemon"))
    assert not one.zombies
    orphan = one.outside(world.events.all("daemon")[0].pid)
    processes.kill(orphan)
    until(lambda: not processes.read(orphan), 5, "it is reaped")
    assert not one.zombies
    assert stop(world, one) == 0


def test_what_docker_exec_leaves_is_reaped_and_holds_up_nothing(world, lead):
    """Nobody of ours has started it, but its parent is PID 1."""
    one = lead(*LEADER_ONLY, command=program("--status", 3))
    docker("exec", "--detach", "--env", "TEST_NAME=guest", one.id, TEST_PROGRAM, "hook", "guest", "--children", 2)
    world.events.wait("guest-end", 10)
    left = [one.outside(event.pid) for event in world.events.all("child", name="guest")]
    until(lambda: [processes.read(pid).parent for pid in left] == [one.pid] * 2, 5, "their parent is gone")
    processes.kill(left[0])
    until(lambda: not processes.read(left[0]), 5, "it is reaped")
    assert not one.zombies
    assert stop(world, one) == 3


@in_modes
def test_other_signals_are_forwarded(world, lead, mode):
    one = lead(*MODES[mode], command=program())
    for name, event in (("USR1", "signal-10"), ("HUP", "signal-1"), ("QUIT", "signal-3")):
        one.signal(name)
        world.events.wait(event, 5, name="one")
    assert stop(world, one) == 0


# What it finds there

def warnings(container):
    return re.findall(".* (?:warn|error) .*", container.text)


def written_in_shm(container):
    return os.listdir(f"/proc/{container.pid}/root/dev/shm/consul-leader-65534")


@in_modes
def test_it_needs_nothing_that_can_be_written_but_shm(world, lead, mode):
    """It has its lease page there, and its place if it is PID 1."""
    variables = world.path("said", "variables")
    one = lead(*MODES[mode], command=program("--environment", variables))
    with open(variables, "rb") as file:
        assert b"\0CONSUL_LEADER_LEASE_FILE=/dev/shm/consul-leader-65534/" in file.read()
    places = [name for name in written_in_shm(one) if name.startswith("place-")]
    assert len(places) == (0 if "--init" in one.options else 1)
    assert stop(world, one) == 0
    assert not warnings(one)


@in_modes
def test_consul_at_its_socket(world, lead, mode):
    consul = world.consul().start().wait().servers[0]
    os.chmod(consul.socket, 0o666)
    one = lead("--service", "redis", "--tag-service", "none", *MODES[mode], command=program(),
               CONSUL_HTTP_ADDR="unix://" + consul.socket)
    assert consul.holder(KEY)
    assert stop(world, one) == 0
    assert not consul.holder(KEY)
    assert not warnings(one)
