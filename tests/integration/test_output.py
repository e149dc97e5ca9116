"""What it says: on stderr, whole lines, and never waiting for who reads them."""
import fcntl
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from instance import hook, program
from waiting import holds, now, until

LINE = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) \S"


def full_pipe():
    """A pipe that nobody reads and that takes nothing more; both ends."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 65536)
    except BlockingIOError:
        pass
    try:
        while True:
            os.write(writing, b"x")
    except BlockingIOError:
        pass
    os.set_blocking(writing, True)
    return reading, writing


def full_socket():
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    try:
        while True:
            writing.send(b"x" * 4096)
    except BlockingIOError:
        pass
    writing.setblocking(True)
    return reading.detach(), writing.detach()


def test_lines_and_the_line_at_start(world):
    one = world.file("one", "--mode", "leader-only", "--log-level", "debug", command=program())
    one.wait_for_line("leading", 5)
    one.stop()
    for line in one.text.splitlines():
        assert re.search(LINE, line), line
    assert re.search(r"info .*takeover", one.text), "the line at start tells what was settled"
    assert re.search(r"info leading .*token=\d+", one.text)
    assert one.process.stdout.read() == b"", "nothing of ours goes to stdout"


def test_lines_as_json(world):
    one = world.file("one", "--log-format", "json", command=program())
    world.events.wait("start", 5)
    one.wait_for_line("leading", 5)
    one.stop()
    for line in one.text.splitlines():
        entry = json.loads(line)
        assert isinstance(entry, dict) and len(entry) >= 3, entry


def test_the_programs_own_output_passes_untouched(world):
    one = world.file("one", command=["sh", "-c", "echo to stdout; echo to stderr >&2; cat"], stdin=subprocess.PIPE)
    one.wait_for_line("^to stderr$", 5)
    one.process.stdin.write(b"from stdin\n")
    one.process.stdin.close()
    one.process.stdin = None
    assert one.wait(5) == 0
    assert one.process.stdout.read() == b"to stdout\nfrom stdin\n"


@pytest.mark.parametrize("make", [full_pipe, full_socket])
def test_a_full_stderr_stops_nothing(world, make):
    reading, writing = make()
    one = world.file("one", "--log-level", "debug", "--on-promote", hook("promote"), "--on-demote", hook("demote"),
                     command=program(), stderr=writing)
    os.close(writing)
    world.events.wait("promote-end", 5)
    begun = one.signal(signal.SIGTERM)
    assert one.wait(5) == 0
    assert now() - begun < 1
    assert world.events.all("demote-end")
    os.close(reading)


def test_dropped_lines_are_counted_and_reported(world):
    reading, writing = full_pipe()
    one = world.file("one", "--log-level", "debug", "--on-promote", hook("promote"), command=program(), stderr=writing)
    os.close(writing)
    world.events.wait("promote-end", 5)  # which was announced
    os.set_blocking(reading, False)
    text = []

    def read():
        try:
            text.append(os.read(reading, 1 << 20).decode(errors="replace"))
        except BlockingIOError:
            pass
        return re.search(r"\d+ .*(lines?|dropped)|dropped.*\d+", "".join(text))
    read()
    one.signal(signal.SIGTERM)
    until(read, 3, "how many lines were dropped")
    assert one.wait(5) == 0
    os.close(reading)


def test_our_stderr_leaves_the_programs_blocking(world):
    """O_NONBLOCK would be the program's too, were it set on what we share."""
    reading, writing = os.pipe()
    one = world.file("one", command=program(), stderr=writing)
    world.events.wait("start", 5)
    assert not fcntl.fcntl(writing, fcntl.F_GETFL) & os.O_NONBLOCK
    one.stop()
    os.close(writing)
    os.close(reading)


def test_a_stderr_that_nobody_has_open_any_more_stops_nothing(world):
    reading, writing = os.pipe()
    one = world.file("one", "--log-level", "debug", command=program(), stderr=writing)
    os.close(writing)
    os.close(reading)
    world.events.wait("start", 5)
    holds(lambda: one.process.poll() is None, 1)
    assert one.stop() == 0


@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)])
def test_without_standard_descriptors(world, closed):
    def close():
        for descriptor in closed:
            os.close(descriptor)
    one = world.file("one", command=program(), stderr=subprocess.DEVNULL, preexec_fn=close)
    world.events.wait("start", 5)
    assert one.stop() == 0
