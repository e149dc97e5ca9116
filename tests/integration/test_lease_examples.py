"""The examples of docs/examples as users copy them: built against what is installed, and run."""
import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import threading

import pytest

from instance import BUILD, CONSUL_LEADER
from waiting import holds, until

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
EXAMPLES = os.path.join(ROOT, "docs", "examples")


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    assert done.returncode == 0, f"{shlex.join(command)}:\n{done.stdout}"
    return done.stdout.strip()


@pytest.fixture
def pkg_config(world):
    """Asks pkg-config for what `make install` has put into a folder of this test."""
    run("make", "-s", "-o", "all", "install", f"BUILD={BUILD}", "DESTDIR=" + world.path("installed"), "PREFIX=/opt/leader",
        cwd=ROOT)
    path = world.path("installed", "opt", "leader", "share", "pkgconfig")
    return lambda option: run("pkg-config", option, "consul-leader", env=os.environ | {"PKG_CONFIG_PATH": path})


@pytest.fixture(params=["lease.c", "lease.py"])
def worker(request, world):
    """The command of an example worker."""
    source = os.path.join(EXAMPLES, request.param)
    if request.param == "lease.py":
        return [sys.executable, "-B", source]
    flags = request.getfixturevalue("pkg_config")("--cflags").split()
    run("gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", world.path("worker"), source, *flags)
    return [world.path("worker")]


class Store:
    def __init__(self, world):
        self.socket, self.file = world.path("store"), world.path("taken")
        self.start()

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket)
        self.process = subprocess.Popen([sys.executable, "-B", os.path.join(EXAMPLES, "token_store.py"), self.socket,
                                         self.file])
        until(self.answers, 5, "the store answers")

    def answers(self):
        with contextlib.suppress(ConnectionRefusedError, FileNotFoundError), socket.socket(socket.AF_UNIX) as client:
            client.connect(self.socket)
            return True

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, line):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.socket)
            client.sendall(line)
            return client.makefile("rb").readline()

    @property
    def taken(self):
        """Token and worker of each value that it has."""
        with open(self.file) as file:
            lines = [line.split() for line in file.read().splitlines(keepends=True) if line.endswith("\n")]
        return [(int(line[0]), line[-1]) for line in lines]


@pytest.fixture
def store(world):
    it = Store(world)
    yield it
    it.kill()


class Network:
    """On the way from a worker to the store: passes its requests on, until it is told to keep them."""

    def __init__(self, world, store):
        self.path, self.store = world.path("network"), store
        self.open = threading.Event()
        self.open.set()
        self.kept, self.answers = [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self._pass_on, daemon=True).start()

    def _pass_on(self):
        worker, _ = self.listener.accept()
        with worker, worker.makefile("rb") as requests:
            for request in requests:
                if not self.open.is_set():
                    self.kept.append(request)
                    self.open.wait()
                self.answers.append(self.store.ask(request))
                with contextlib.suppress(OSError):
                    worker.sendall(self.answers[-1])


def test_the_late_write_of_an_old_leader_is_refused(world, worker, store):
    network = Network(world, store)
    one = world.file("one", "--service", "worker", command=[*worker, network.path])
    until(lambda: store.taken, 5, "the leader writes")
    two = world.file("two", "--service", "worker", command=[*worker, store.socket])
    two.wait_for_line("follower", 5)
    holds(lambda: len({name for _, name in store.taken}) == 1, 0.3, "nobody writes who does not lead")

    network.open.clear()
    until(lambda: network.kept, 5, "a write that is on its way")
    one.stop()
    two.wait_for_line("leading", 5)
    until(lambda: len(set(store.taken)) == 2, 5, "the new leader writes, with a token of its own")
    network.open.set()
    until(lambda: network.answers[-1] != b"ok\n", 5)
    (old, _), (new, _) = sorted(set(store.taken))
    assert network.kept[0].startswith(b"%d " % old)
    assert network.answers[-1] == b"stale %d\n" % new
    tokens = [token for token, _ in store.taken]
    assert tokens == sorted(tokens)


def test_a_worker_that_the_store_refuses_ends(world, worker, store):
    assert store.ask(b"1000 from the future\n") == b"ok\n"
    one = world.file("one", "--service", "worker", command=[*worker, store.socket])
    one.wait_for_line("the store says: stale 1000", 5)
    assert one.wait(5) == 1


# The store


def test_the_store_remembers_the_highest_token(store):
    assert store.ask(b"7 a\n") == b"ok\n"
    assert store.ask(b"7 b\n") == b"ok\n"
    store.kill()
    store.start()
    assert store.ask(b"6 c\n") == b"stale 7\n"
    assert store.ask(b"18446744073709551615 d\n") == b"ok\n"
    assert [token for token, _ in store.taken] == [7, 7, 2**64 - 1]


def test_the_store_forgets_what_it_did_not_write_to_its_end(store):
    assert store.ask(b"7 a\n") == b"ok\n"
    store.kill()
    with open(store.file, "a") as file:
        file.write("9 hal")
    store.start()
    assert store.ask(b"8 b\n") == b"ok\n"
    assert store.taken == [(7, "a"), (8, "b")]


def test_the_store_takes_nothing_else(store):
    for request in (b"x y\n", b"-1 y\n", b"\n", b"8 no end"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(store.socket)
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b"", request
    assert not store.taken


# What is installed, and what is written of it


def test_the_installed_version_is_ours(pkg_config):
    assert run(CONSUL_LEADER, "--version") == "consul-leader " + pkg_config("--modversion")


@pytest.mark.parametrize("compiler", ["gcc -std=c11 -D_POSIX_C_SOURCE=200809L", "gcc -std=gnu17", "clang -std=gnu11",
                                      "clang -x c++ -std=c++11"])
def test_the_header_is_plain_c_and_cpp(world, pkg_config, compiler):
    with open(world.path("use.c"), "w") as file:
        file.write("#include <consul_leader/lease.h>\n")
    run(*compiler.split(), "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only",
        *pkg_config("--cflags").split(), world.path("use.c"))


def test_the_code_in_the_documentation_is_code_that_runs():
    with open(os.path.join(ROOT, "docs", "operating.md")) as file:
        section = re.search(r"^## The lease page$(.*?)^## ", file.read(), re.MULTILINE | re.DOTALL)[1]
    blocks = re.findall(r"^```(c|python)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert {language for language, _ in blocks} == {"c", "python"}
    for language, code in blocks:
        with open(os.path.join(EXAMPLES, {"c": "lease.c", "python": "lease.py"}[language])) as file:
            assert code in file.read(), code
