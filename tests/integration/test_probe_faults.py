"""Probes that hang, many of them, and what dies while they run: no election waits for a probe."""
import os
import signal
import subprocess

import pytest

import processes
from instance import hook, program
from network import own_mounts
from test_lease_page import Page
from test_probes import ILL, WELL, probe, sh, start
from trio import FAST, HOOKS, LEASE
from waiting import holds, now, until

MANY = 50
HANGING = "interval=200ms,timeout=500ms,fall=1000"


# What dies

def test_another_network_process_goes_on_probing(world, target):
    one = start(world, *probe(target.url()), *probe(f"exec:{hook('asked')}"))
    well = one.wait_for_line(WELL, 10)
    for _ in range(2):
        killed = one.kill("network")
        until(lambda: target.since(killed), 10)
    assert not one.matching(f"{WELL}|{ILL}", after=well.at), "nothing is forgotten"
    target.status = 500
    ill = one.wait_for_line(ILL, 10)
    target.status = 200
    one.wait_for_line(WELL, 10, after=ill.at)


def test_the_network_process_is_killed_while_a_probe_runs(world, target):
    one = start(world, *probe(target.url(), "interval=100ms,timeout=1h"))
    one.wait_for_line(WELL, 10)
    target.takes, begun = 60, now()
    until(lambda: target.since(begun), 10)
    target.takes = 0
    killed = one.kill("network")
    until(lambda: len(target.since(killed)) > 2, 10)


def hangs_from(switch):
    """A command that succeeds, and when that file is there is as stubborn as a command can be."""
    stubborn = hook("hang", "--ignore-term", "--children", 1, "--exit-after", 60000)
    return sh(f"test -e {switch} || exit 0; exec {stubborn}")


@pytest.mark.parametrize("mode, end", [(mode, end) for mode in ("follow", "leader-only", "sidecar")
                                       for end in ("stop", "supervisor", "keeper", "program")
                                       if (mode, end) != ("sidecar", "program")])
def test_of_commands_that_hang_nothing_is_left(world, mode, end):
    switch = world.path("switch")
    one = start(world, *([] if mode == "sidecar" else ["--mode", mode]),
                *probe(hangs_from(switch), "interval=100ms,timeout=1s,fall=1000"),
                *probe(hangs_from(switch), "interval=100ms,timeout=1h"), command=() if mode == "sidecar" else program())
    one.wait_for_line(WELL, 10)
    one.wait_for_line("leading", 10)
    open(switch, "w").close()
    world.events.wait("hang-begin", 10, count=2)
    begun = now()
    if end == "stop":
        assert one.stop() == 0
        assert now() - begun < 4
    elif end == "program":
        processes.kill(world.events.wait("start", 10).pid)
        assert one.wait(10) == 137
    else:
        one.kill(end)
        one.wait(10)
    one.all_gone(5)


@pytest.mark.parametrize("lost", ["supervisor", "keeper"])
def test_who_only_ends_what_there_was_begins_no_probe(world, lost):
    one = start(world, "--on-promote", hook("promote"), "--on-demote", hook("demote", "--exit-after", 1000),
                *probe(f"exec:{hook('asked')}"))
    one.wait_for_line("leading", 10)
    world.events.wait("asked-end", 10, count=3)
    one.kill(lost)
    ends = world.events.wait("demote-begin", 10)
    world.events.wait("demote-end", 10)
    one.wait(10)
    assert not world.events.all("asked-begin", after=ends.at)


def test_a_supervisor_that_stands_still_is_not_flooded(world, target):
    """What its channels cannot hold is left out, but for what is said once."""
    runs = world.path("said", "runs")
    one = start(world, *(word for _ in range(32) for word in probe(target.url()) + probe(sh(f"echo >>{runs}"))))
    one.wait_for_line(WELL, 20)
    one.kill("supervisor", signal.SIGSTOP)
    asked, ran = len(target.asked), os.path.getsize(runs)
    until(lambda: len(target.asked) > asked + 400 and os.path.getsize(runs) > ran + 400, 60)
    pid = world.events.wait("start", 10).pid
    processes.kill(pid)
    until(lambda: not os.path.exists(f"/proc/{pid}"), 5, "it is reaped")
    one.kill("supervisor", signal.SIGCONT)
    assert one.wait(10) == 137
    assert not one.matching("died|killed$")


# Many that hang

class Hanging:
    """Probes on a machine that succeed until they are to hang."""

    def __init__(self, world, machine):
        self.switch = world.path("switch")
        self.machine = machine
        self.enter = machine.enter()
        self.port = world.path("port")
        self.server = subprocess.Popen([*machine.enter(), "setpriv", "--pdeathsig", "KILL", "--", "python3", "-c", f"""
import os, socket
listener, kept = socket.create_server(("127.0.0.1", 0), backlog=128), []
with open({self.port!r} + ".new", "w") as file:
    file.write(str(listener.getsockname()[1]))
os.rename({self.port!r} + ".new", {self.port!r})
while True:
    connection = listener.accept()[0]
    if os.path.exists({self.switch!r}):
        kept.append(connection)
    elif connection.recv(4096):
        connection.sendall(b"HTTP/1.1 204 Well\\r\\n\\r\\n")
"""])
        until(lambda: os.path.exists(self.port), 10)
        self.port = int(open(self.port).read())

    def hang(self, instances):
        open(self.switch, "w").close()

    def close(self):
        self.server.kill()
        self.server.wait()


class Silent(Hanging):
    """They reach a server that accepts, and does not answer any more."""

    def probes(self):
        return [probe(f"http://127.0.0.1:{self.port}/", HANGING)] * MANY


class Nowhere(Hanging):
    """They reach nobody any more, and nobody says so."""

    def probes(self):
        return [probe(f"{kind}://127.0.0.1:{self.port}", HANGING) for kind in ("http", "tcp") for _ in range(MANY // 2)]

    def hang(self, instances):
        self.machine.drop(f"tcp dport {self.port}")


class Nameless(Hanging):
    """Their names are not known any more, and the server of names does not answer."""

    def __init__(self, world, machine):
        super().__init__(world, machine)
        machine.drop("udp dport 53")
        self.hosts, names = world.path("hosts"), world.path("names")
        with open(self.hosts, "w") as file:
            file.writelines(f"127.0.0.1 name-{number}.example\n" for number in range(MANY))
        with open(names, "w") as file:
            file.write("nameserver 127.0.0.1\n")
        self.enter += ["unshare", *own_mounts(), "sh", "-c", f"mount --bind {self.hosts} /etc/hosts && "
                       f"mount --bind {names} /etc/resolv.conf && exec \"$@\"", "sh"]

    def probes(self):
        return [probe(f"http://name-{number}.example:{self.port}/", "interval=2s,timeout=500ms,fall=1000")
                for number in range(MANY)]

    def hang(self, instances):
        open(self.hosts, "w").close()
        for instance in instances:  # addresses are kept for a minute
            instance.kill("network")


class Sleeping(Hanging):
    """They are commands that go to sleep."""

    def probes(self):
        return [probe(sh(f"test ! -e {self.switch} || exec sleep 60"), HANGING)] * MANY


@pytest.mark.parametrize("kind", [Silent, Nowhere, Nameless, pytest.param(Sleeping, marks=pytest.mark.timed)])
@pytest.mark.long(15)
def test_many_that_hang_delay_no_renewal_and_no_change(world, kind, figure):
    consul = world.consul().start().wait().servers[0]
    hanging = kind(world, consul.namespace)
    try:
        options = ["--service", "redis", "--tag-service", "none", "--log-level", "debug", *FAST, *HOOKS,
                   *sum(hanging.probes(), []), "--", *program()]
        one = world.start("one", *options, enter=hanging.enter)
        world.events.wait("promote-end", 20, name="one")
        one.wait_for_line(WELL, 20)
        two = world.start("two", *options, enter=hanging.enter)
        two.wait_for_line(WELL, 20)
        two.wait_for_line("follower of", 10)
        page = Page(world, one)

        hanging.hang([one, two])
        for instance in (one, two):
            until(lambda: len(instance.matching('a probe failed .*reason="no ')) > 2 * MANY, 60)
        left = []
        holds(lambda: left.append(page.lease.remaining_ns()[0] / 1e9) or left[-1] > LEASE / 2, 2 * LEASE,
              "the lease is renewed in time")
        stopped = one.signal(signal.SIGTERM)
        promoted = world.events.wait("promote-end", 5, name="two")
        assert one.wait(10) == 0
        assert not one.matching("killed$|does not answer") and not two.matching("killed$|does not answer")
        figure(f"{MANY} {kind.__name__.lower()}: least that was left of a lease of {LEASE:g} s", min(left))
        figure(f"{MANY} {kind.__name__.lower()}: from the stop of a leader to the next", promoted.at - stopped)
        assert two.stop() == 0
    finally:
        hanging.close()
