"""Wrong options, values and combinations, and wrong answers: one clear line each, and no program where none should be."""
import os
import re
import socket
import threading

import pytest

from instance import hook, program
from network import own_mounts
from trio import FAST, HOOKS, LEADER_ONLY
from waiting import holds, now, until


def refused(world, *arguments, environment=None, status=64, command=program(), service=True, **more):
    """Starts it with these arguments: it ends with the status and one line, and starts nothing. The line."""
    one = world.start("one", *(["--service", "redis"] if service else []), *arguments,
                      *(["--", *command] if command else []), environment=environment, **more)
    assert one.wait(5) == status, one.text
    assert len(one.lines) == 1, f"one line is wanted:\n{one.text}"
    assert not world.events.all()
    one.all_gone()
    return one.text


@pytest.mark.parametrize("option, values", {
    "store": ["", "consul2", "file:", "redis:x"],
    "http-addr": ["ftp://localhost:8500", "http://", "localhost:99999", "localhost:port", "[::1:8500", "unix://",
                  "two words"],
    "token-file": ["/does/not/exist"],
    "ttl": ["x", "-1s", "0", "10x", "1h1", "25h", "1e3", "10 s", "", "99999999999999999999s"],
    "lease": ["x", "-1s", "0", "21s", "58s"],
    "renew-interval": ["x", "-1s", "0", "19s", "1h"],
    "lock-delay": ["x", "-1s", "61s"],
    "mode": ["leader", "", "Follow", "sidecar"],
    "promote-signal": ["NOPE", "0", "65", "-1"],
    "demote-signal": ["SIGNOPE", "99"],
    "on-promote": ["'unbalanced", '"', "/does/not/exist", "no-such-hook-anywhere x", "/etc/passwd", "/tmp", "a\\"],
    "on-demote": ["'unbalanced", "/does/not/exist"],
    "promote-timeout": ["x", "-1s", "0"],
    "demote-timeout": ["x", "-1s", "0", "20s", "1h"],
    "stop-timeout": ["x", "-1s", "0"],
    "kill-signal": ["NOPE", "0", "65"],
    "stop-signals": ["NOPE", "TERM,NOPE", "TERM,,INT", "KILL", "CHLD"],
    "kill-mode": ["all", "Mixed"],
    "rewrite": ["HUP", "HUP:NOPE", "KILL:TERM", "TERM:QUIT", "HUP:0,HUP:USR1"],
    "restart": ["sometimes", "Always"],
    "restart-limit": ["5", "x/1m", "5/x", "5/0", "101/1m"],
    "probe": ["ftp://x", "http://", "http://x:port", "tcp://x", "exec:", "exec:'a", "exec:/does/not/exist", "consul:redis",
              "http://x#interval=x", "http://x#fall=0", "http://x#status=99", "http://x#colour=red",
              "tcp://x:1#status=200", "https://x#ca-file=relative"],
    "unhealthy-leader": ["leave", ""],
    "on-hook-failure": ["retry"],
    "on-leader-change": ["'unbalanced", "/does/not/exist"],
    "register": ["", "http", "0", "65536", ":80", "::1:80"],
    "user": ["no-such-user-here", "nobody:no-such-group", ":", ""],
    "start-timeout": ["x", "-1s"],
    "log-level": ["loud", "", "INFO2"],
    "log-format": ["xml", ""],
}.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_values(world, option, values):
    for value in values:
        line = refused(world, f"--{option}", value)
        assert f"--{option}" in line, f"it names the option: {line}"
        # Of a list it may name what is wrong in it.
        quoted = re.findall(r'"(.*?)" ', line)
        assert value in line or any(part in value for part in quoted), f"it names the value: {line}"


@pytest.mark.parametrize("value, words", [
    ("", '"" is empty'), ("ftp://a", '"ftp://a" is not a probe'), ("tcp://a", '"tcp://a" is not tcp://HOST:PORT'),
    ("http://a#fall=0", 'fall: "0" is not a count'), ("exec:'unbalanced", "quote"),
    ("exec:/does/not/exist", '"/does/not/exist" is not there'), ("exec:/etc/passwd", "is not executable"),
    ("https://a#ca-file=/does/not/exist", 'ca-file: cannot read "/does/not/exist"'),
    ("https://a#ca-file=/tmp", 'ca-file: "/tmp" is a directory'),
    ("https://a#client-cert=/etc/passwd", "client-cert and client-key need each other"),
    ("https://a#client-cert=/etc/passwd,client-key=/does/not/exist", 'client-key: cannot read "/does/not/exist"'),
])
def test_wrong_probes(world, value, words):
    line = refused(world, "--probe", value)
    assert line.startswith("consul-leader: --probe: ") and words in line


@pytest.mark.parametrize("variable, value, named", [
    ("CONSUL_LEADER_TTL", "soon", "CONSUL_LEADER_TTL"), ("CONSUL_LEADER_MODE", "x", "CONSUL_LEADER_MODE"),
    ("CONSUL_LEADER_LOCKDELAY", "x", "CONSUL_LEADER_LOCKDELAY"), ("CONSUL_LEADER_SLEEP", "x", "CONSUL_LEADER_SLEEP"),
    ("CONSUL_HTTP_ADDR", "gopher://x", "CONSUL_HTTP_ADDR"),
    ("CONSUL_HTTP_TOKEN_FILE", "/does/not/exist", "token-file"),
])
def test_wrong_variables(world, variable, value, named):
    line = refused(world, environment={variable: value})
    assert named in line and value in line


def test_a_password_in_an_address_is_refused_and_not_repeated(world):
    line = refused(world, "--http-addr", "http://user:secret@host:8500")
    assert "--http-addr" in line and "CONSUL_HTTP_AUTH" in line and "secret" not in line


def test_a_state_directory_that_is_none(world):
    line = refused(world, "--instance", "web-1", "--state-dir", "/etc/passwd")
    assert "--state-dir" in line and "/etc/passwd" in line


@pytest.mark.parametrize("directory", ["/etc/passwd", "/does/not/exist", "/proc"])
def test_a_runtime_directory_that_does_not_serve(world, directory):
    """Also with an instance, whose place would be there too: one line says it."""
    for arguments in ([], ["--instance", "web-1"]):
        line = refused(world, *arguments, "--runtime-dir", directory)
        assert "--runtime-dir" in line and directory in line


def test_an_unreadable_token_file(world):
    line = refused(world, "--token-file", world.folder)
    assert world.folder in line


@pytest.mark.parametrize("arguments, words", [
    (["--nonsense"], ["--nonsense"]), (["--ttl"], ["--ttl"]), (["-x"], ["-x"]), (["sleep", "1"], ["sleep", "--"]),
    (["--service", "redis", "sleep"], ["sleep", "--"]), (["--"], ["--"]), (["--service", "redis", "--"], ["--"]),
    (["--", "sleep", "1"], ["--service", "--key"]), (["--mode", "leader-only", "--service", "x"], ["leader-only"]),
    (["--mode", "follow", "--service", "x"], ["follow"]),
    (["--config", "/does/not/exist", "--service", "x", "--", "true"], ["/does/not/exist"]),
])
def test_wrong_combinations(world, arguments, words):
    one = world.start("one", *arguments)
    assert one.wait(5) == 64, one.text
    assert len(one.lines) == 1, one.text
    for word in words:
        assert word in one.text, one.text


@pytest.mark.parametrize("options, numbers", [
    (["--lease", "5s", "--demote-timeout", "6s"], ["5s", "6s"]),
    (["--ttl", "10s", "--lease", "25s"], ["25s", "20s"]),
    (["--ttl", "2s", "--demote-timeout", "3s", "--lease", "3s"], ["3s"]),
    (["--ttl", "60s", "--lease", "20s", "--renew-interval", "18s"], ["18s", "20s"]),
])
def test_times_that_do_not_fit_show_the_arithmetic(world, options, numbers):
    line = refused(world, *options)
    for number in numbers:
        assert number in line
    assert re.search(r"\d.* [-+<>=x] .*\d", line), f"the arithmetic: {line}"


@pytest.mark.parametrize("content, words", [
    ("ttl = soon\n", ["ttl", "soon", ":1"]), ("# fine\nttl = 10s\nnonsense = 1\n", ["nonsense", ":3"]),
    ("ttl 10s\n", [":1"]),
])
def test_a_wrong_configuration_file_names_the_line(world, content, words):
    with open(world.path("config"), "w") as file:
        file.write(content)
    line = refused(world, "--config", world.path("config"))
    for word in [world.path("config"), *words]:
        assert word in line, line


def test_flag_before_environment_before_file_before_default(world):
    with open(world.path("config"), "w") as file:
        file.write("store = file:/nowhere/at/all\nlog-level = error\nmode = leader-only\n")
    one = world.start("one", "--store", "file:" + world.lock, "--config", world.path("config"), "--", *program(),
                      environment={"CONSUL_LEADER_LOG_LEVEL": "info", "CONSUL_LEADER_STORE": "file:/nowhere/else"})
    assert world.events.wait("start", 5).role == "leader"
    one.wait_for_line(" info leading ", 2)


@pytest.mark.parametrize("command, status", [("missing", 127), ("folder", 126), ("plain", 126)])
def test_a_command_that_cannot_be_run(world, command, status):
    with open(world.path("plain"), "w"):
        pass
    os.mkdir(world.path("folder"))
    line = refused(world, status=status, command=[world.path(command)])
    assert world.path(command) in line


def test_help_and_version(world):
    for option, word in (("--help", b"--demote-timeout"), ("--version", b"consul-leader")):
        one = world.start("one", option)
        assert one.wait(5) == 0
        assert word in one.process.stdout.read()
        assert not one.lines


# What Consul refuses

@pytest.mark.parametrize("mode", [LEADER_ONLY, HOOKS])
def test_a_ttl_that_consul_refuses(world, mode):
    consul = world.consul(session_ttl_min=None).start().wait().servers[0]
    one = world.start("one", "--service", "redis", *FAST, *mode, "--", *program(), agent=consul)
    assert one.wait(10) == 64
    errors = one.matching(" error ")
    assert len(errors) == 1 and "--ttl" in errors[0].text and "10s" in errors[0].text, one.text
    assert not world.events.all("promote-*") and (mode is HOOKS or not world.events.all("start"))
    one.all_gone()


# How Consul is reached

def with_hosts(world, *lines):
    """What to enter so that names have these addresses."""
    with open(world.path("hosts"), "w") as file:
        file.write("\n".join(lines) + "\n")
    return ["unshare", *own_mounts(), "sh", "-c", f'mount --bind {world.path("hosts")} /etc/hosts && exec "$@"', "sh"]


def leads(world, consul, *options, enter=(), within=5, **more):
    one = world.start("one", "--service", "redis", *FAST, *LEADER_ONLY, *options, "--", *program(),
                      enter=[*consul.namespace.enter(), *enter], **more)
    world.events.wait("start", within)
    assert one.stop() == 0


@pytest.mark.parametrize("address", ["[::1]:8500", "http://[::1]:8500", "http://[::1]:8500/"])
def test_an_ipv6_address(world, address):
    cluster = world.consul(addresses={"http": "::1 unix://" + world.path("consul-1", "server-1", "http")})
    leads(world, cluster.start().wait().servers[0], "--http-addr", address)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_loopback_and_sockets_never_go_through_a_proxy(world, variable):
    consul = world.consul().start().wait().servers[0]
    environment = {variable: "http://127.0.0.1:9", "CONSUL_HTTP_ADDR": "localhost:8500"}
    leads(world, consul, environment=environment)


def test_a_unix_socket(world):
    consul = world.consul().start().wait().servers[0]
    leads(world, consul, "--http-addr", "unix://" + consul.socket, environment={"http_proxy": "http://127.0.0.1:9"})


@pytest.mark.parametrize("dead", ["127.0.0.9", "::1", "10.77.0.99"])
def test_a_name_with_a_dead_address(world, dead):
    """Refused at once, or never answered: the name's other address serves."""
    consul = world.consul(servers=1, agents=1).start().wait().servers[0]
    enter = with_hosts(world, "127.0.0.1 localhost", f"{dead} consul.test", "127.0.0.1 consul.test")
    leads(world, consul, "--http-addr", "consul.test:8500", enter=enter, within=8)


def test_a_name_that_does_not_exist(world):
    cluster = world.consul()
    one = world.start("one", "--service", "redis", *FAST, *LEADER_ONLY, "--http-addr", "no-such-host.invalid:8500", "--",
                      *program(), agent=cluster.servers[0])
    one.wait_for_line("no-such-host.invalid", 5)
    holds(lambda: len(one.matching("no-such-host.invalid.*|cannot")) <= 2 and one.process.poll() is None, 3)
    begun = now()
    one.stop()
    assert now() - begun < 1
    assert not world.events.all()


# Answers that are none

class Impostor(threading.Thread):
    """Speaks on Consul's port whatever it was told to."""

    def __init__(self, reply):
        super().__init__(daemon=True)
        self.reply = reply
        self.asked = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(5)
                    request = connection.recv(65536)
                    if request:
                        self.asked += 1
                        connection.sendall(self.reply)
                except OSError:
                    pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def reply(status, body, kind="application/json"):
    body = body.encode()
    return (f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nX-Consul-Index: 5\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n").encode() + body


ANSWERS = {
    "HTML": reply("200 OK", "<html><body>Welcome!</body></html>", "text/html"),
    "a 500": reply("500 Internal Server Error", "rpc error: No cluster leader", "text/plain"),
    "a 500 of many lines": reply("500 Oh", "one\ntwo\x1b[31mred\n" * 500, "text/plain"),
    "a 403": reply("403 Forbidden", "Permission denied", "text/plain"),
    "a 429": reply("429 Too Many Requests", "rate limit exceeded"),
    "a redirect": b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "truncated JSON": reply("200 OK", '{"ID":"3b2a7d1c-8f0e-'),
    "JSON of another kind": reply("200 OK", '{"ID":[1,2,{"a":null}]}'),
    "a list": reply("200 OK", "[1,2,3]"),
    "null": reply("200 OK", "null"),
    "nothing": reply("200 OK", ""),
    "deep JSON": reply("200 OK", "[" * 20000),
    "a long ID": reply("200 OK", '{"ID":"' + "x" * 100000 + '"}'),
    "bytes": b"\x00\xff\xfe" * 1000,
    "a body that is cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"ID\":",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200000,
    "a huge body": reply("200 OK", '{"ID":"' + " " * 8_000_000 + '"}'),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_answers_that_are_none(world, what):
    impostor = Impostor(ANSWERS[what])
    impostor.start()
    try:
        one = world.start("one", "--service", "redis", *FAST, *LEADER_ONLY, "--http-addr", impostor.address, "--",
                          *program())
        until(lambda: impostor.asked >= 2, 10, "it keeps trying")
        line = one.wait_for_line(r" (warn|error) ", 5)
        assert impostor.address in line.text, line.text
        assert len(line.text) < 1500 and "\x1b" not in line.text
        holds(lambda: one.process.poll() is None, 1.5)
        assert len(one.matching(r" (warn|error) ")) <= 2, one.text
        assert len({process.pid for process in one.all}) == 3, "none of the three died of it"
        begun = now()
        one.stop()
        assert now() - begun < 1.5
        assert not world.events.all()
    finally:
        impostor.close()


def test_the_promotion_hook_is_checked_before_anything_is_started(world):
    line = refused(world, "--on-promote", hook("x"), "--on-demote", world.path("missing") + " x")
    assert world.path("missing") in line
