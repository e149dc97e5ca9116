"""Probes: what each kind finds, and when that makes the program well or ill."""
import os
import shlex
import signal

import pytest

import processes
from instance import hook, program
from target import Authority, Target, free_port
from test_hooks import variables
from trio import FAST, LEADER_ONLY
from waiting import holds, now, until

# A run that is to succeed has time for a loaded machine.
QUICK = "interval=100ms,timeout=5s,grace=0,fall=1"
WELL, ILL = r"info healthy$", r"warn unhealthy probe="


def probe(what, options=QUICK, *more):
    """The option; more: options of the probe beside these."""
    return ["--probe", ",".join([f"{what}#{options}", *more])]


def sh(script):
    """A probe's command."""
    return "exec:" + shlex.join(["sh", "-c", script])


def start(world, *options, name="one", command=program(), **more):
    return world.file(name, "--log-level", "debug", *options, command=command, **more)


def reason_of(one, timeout=10.0):
    """Why it is ill."""
    return one.wait_for_line(ILL, timeout).text.split('reason="')[1].rsplit('"', 1)[0]


def finds(one, well, reason=""):
    if well:
        one.wait_for_line(WELL, 10)
        assert not one.matching(ILL)
    else:
        assert reason in reason_of(one)
        assert not one.matching(WELL)


# HTTP

@pytest.mark.parametrize("status, options, well", [
    (200, "", True), (204, "", True), (302, "", True), (399, "", True), (400, "", False), (404, "", False),
    (500, "", False), (404, "status=404", True), (200, "status=404", False), (304, "status=200+300-304", True),
    (503, "status=2xx+5xx", True), (302, "status=2xx", False)])
def test_a_status_is_good_or_not(world, target, status, options, well):
    target.status = status
    finds(start(world, *probe(target.url(), QUICK, *[options] * bool(options))), well, f"status {status}")


def test_what_is_asked(world, target):
    start(world, *probe(target.url("/health?token=a%20b")))
    head = until(lambda: target.asked, 10)[0].head
    assert head.startswith("GET /health?token=a%20b HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{target.port}\r\n" in head
    assert "User-Agent: consul-leader\r\n" in head


def test_a_redirect_is_an_answer_and_is_not_followed(world, target):
    target.status, target.headers = 302, f"Location: {target.url('/elsewhere')}\r\n"
    finds(start(world, *probe(target.url("/here"))), True)
    assert all(asked.head.startswith("GET /here ") for asked in target.asked)


def test_the_query_is_in_no_log(world, target):
    target.status = 500
    one = start(world, *probe(target.url("/health?token=sesame")))
    finds(one, False, "status 500")
    until(lambda: len(target.asked) > 2, 10)
    one.stop()
    assert "sesame" not in one.text
    assert one.matching(f"probe={target.url('/health')} ")


def test_of_a_body_only_a_part_is_read(world, target):
    sent = []

    def endless(connection):
        while True:
            connection.sendall(b"x" * 65536)
            sent.append(65536)
    target.body = endless
    one = start(world, *probe(target.url(), "interval=1s,timeout=5s,grace=0,fall=1"))
    finds(one, True)
    assert sum(sent) < 64 << 20


def test_nobody_is_there(world):
    finds(start(world, *probe(f"http://127.0.0.1:{free_port()}/")), False, "Connection refused")


def test_a_name_that_there_is_not(world):
    finds(start(world, *probe("http://nobody.invalid/", "interval=1s,timeout=30s,grace=0,fall=1")), False,
          "cannot resolve the host name")


@pytest.mark.parametrize("scheme, reason", [("http", "no answer within 500ms"),
                                            ("https", "no connection within 500ms")])
def test_who_does_not_answer_is_not_waited_for(world, target, scheme, reason):
    target.silent = True
    one = start(world, *probe(f"{scheme}://127.0.0.1:{target.port}/", "interval=100ms,timeout=500ms,grace=0,fall=2"))
    finds(one, False, reason)
    target.silent = False
    if scheme == "http":
        one.wait_for_line(WELL, 10)


def test_this_machine_is_not_asked_through_a_proxy(world, target):
    proxy = f"http://127.0.0.1:{free_port()}"
    finds(start(world, *probe(target.url(host="localhost")), environment={"http_proxy": proxy}), True)


# HTTPS

@pytest.fixture
def authority(world):
    return Authority(world.folder, "authority")


@pytest.fixture
def tls():
    """tls(CONTEXT, HOST, OPTIONS): a server, and the probe of it."""
    servers = []

    def serve(context, host="localhost", options=()):
        servers.append(Target(context))
        return servers[-1], probe(servers[-1].url(host=host), QUICK, *options)
    yield serve
    for server in servers:
        server.close()


def test_a_certificate_has_to_be_signed_by_somebody_who_is_known(world, authority, tls):
    _, options = tls(authority.server("localhost"))
    finds(start(world, *options), False, "SSL certificate problem")


def test_the_authority_is_the_one_that_is_named(world, authority, tls):
    _, options = tls(authority.server("localhost"), options=[f"ca-file={authority.path}"])
    finds(start(world, *options), True)


def test_another_authority_is_not_believed(world, authority, tls):
    other = Authority(world.folder, "other")
    _, options = tls(authority.server("localhost"), options=[f"ca-file={other.path}"])
    finds(start(world, *options), False, "SSL certificate problem")


def test_another_name_is_refused(world, authority, tls):
    _, options = tls(authority.server("db.example"), options=[f"ca-file={authority.path}"])
    finds(start(world, *options), False, "no alternative certificate subject name")


def test_the_server_may_have_another_name(world, authority, tls):
    target, options = tls(authority.server("db.example"), "127.0.0.1",
                          [f"ca-file={authority.path}", "server-name=db.example"])
    finds(start(world, *options), True)
    assert target.asked[0].name == "db.example"
    assert f"Host: db.example:{target.port}\r\n" in target.asked[0].head


def test_unverified_anybody_is_believed(world, authority, tls):
    _, options = tls(authority.server("db.example"), options=["verify=false"])
    finds(start(world, *options), True)


@pytest.mark.parametrize("signed_by, well", [("clients", True), ("authority", False), (None, False)])
def test_the_server_asks_for_a_certificate(world, authority, tls, signed_by, well):
    clients = Authority(world.folder, "clients")
    certificate, key = {"clients": clients, "authority": authority}[signed_by or "clients"].certificate("us")
    shown = [f"client-cert={certificate}", f"client-key={key}"] if signed_by else []
    target, options = tls(authority.server("localhost", clients), options=[f"ca-file={authority.path}", *shown])
    finds(start(world, *options), well)
    assert bool(target.asked) == well


@pytest.mark.parametrize("option, reason", [("ca-file", "certificate"),
                                            ("client-cert", "could not load PEM client cert")])
def test_a_file_that_holds_something_else(world, authority, tls, option, reason):
    with open(world.path("junk"), "w") as file:
        file.write("junk\n")
    key = [f"client-key={world.path('junk')}", f"ca-file={authority.path}"] if option == "client-cert" else []
    _, options = tls(authority.server("localhost"), options=[f"{option}={world.path('junk')}", *key])
    finds(start(world, *options), False, reason)


def test_a_file_that_is_gone(world, authority, tls):
    _, options = tls(authority.server("localhost"), options=[f"ca-file={authority.path}"])
    one = start(world, *options)
    finds(one, True)
    os.unlink(authority.path)
    assert authority.path in reason_of(one)


# TCP

@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tcp(world, target, host):
    one = start(world, *probe(f"tcp://{host}:{target.port}"))
    finds(one, True)
    assert not target.asked
    target.close()
    assert "Connection refused" in reason_of(one)


def test_tcp_goes_through_no_proxy(world, target):
    proxy = f"http://127.0.0.1:{target.port}"
    finds(start(world, *probe(f"tcp://127.0.0.1:{free_port()}"), environment={"http_proxy": proxy}), False, "refused")


# Commands

@pytest.mark.parametrize("script, well, reason", [
    ("exit 0", True, ""), ("exit 3", False, "it exited with status 3"),
    ("kill -9 $$", False, "it was ended by signal 9"),
    ("seq 100000", True, "")])
def test_a_command(world, script, well, reason):
    one = start(world, *probe(sh(script)))
    finds(one, well, reason)


def test_the_end_of_what_a_command_prints_is_told_when_it_fails(world):
    flag, runs = world.path("flag"), world.path("said", "runs")
    one = start(world, *probe(sh(f"echo >>{runs}; seq 100000; echo looking >&2; test -e {flag}")))
    one.wait_for_line(ILL, 10)
    until(lambda: os.path.getsize(runs) > 5, 10)
    assert len(one.matching("info exec:sh: looking$")) == 1, "of a row of failures the first's"
    assert one.matching("info exec:sh: 100000$") and not one.matching(": 1000$")
    open(flag, "w").close()
    well = one.wait_for_line(WELL, 10)
    holds(lambda: not one.matching("looking", after=well.at), 0.3)


def test_a_command_that_cannot_be_run_any_more(world):
    path = world.path("check")
    with open(path, "w") as file:
        file.write("#!/bin/sh\nexit 0\n")
    os.chmod(path, 0o755)
    one = start(world, *probe(f"exec:{path} --password sesame"))
    finds(one, True)
    os.unlink(path)
    assert f"exec:{path}: cannot run it: No such file" in reason_of(one)
    assert "sesame" not in one.text


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(world):
    command = hook("hang", "--ignore-term", "--children", 1, "--exit-after", 60000)
    one = start(world, *probe(f"exec:{command}", "interval=100ms,timeout=300ms,grace=0,fall=3"))
    assert reason_of(one, 20) == "no end of the command within 300ms"
    begun, children = world.events.all("hang-begin"), world.events.all("child")
    until(lambda: not any(processes.alive(event.pid) for event in begun[:2] + children[:2]), 5)
    holds(lambda: sum(processes.alive(event.pid) for event in world.events.all("hang-begin")) <= 1, 2,
          "the next begins when the last has ended")


def test_a_command_that_does_not_end_but_speaks(world):
    one = start(world, *probe(sh("echo waiting for the disk; sleep 60"), "interval=1s,timeout=1s,grace=0,fall=1"))
    assert reason_of(one) == "no end of the command within 1s"
    one.wait_for_line("exec:sh: waiting for the disk", 5)


def test_what_a_command_leaves_behind_is_ended(world):
    path = world.path("said", "left")
    one = start(world, *probe(sh(f"sleep 1234 & echo $! > {path}.new; mv {path}.new {path}")))
    finds(one, True)
    left = int(open(path).read())
    until(lambda: not processes.alive(left), 5)


def test_a_command_finds_what_a_hook_finds(world):
    seen = world.path("said", "seen")
    command = hook("asked", "--environment", seen)
    one = start(world, "--promote-signal", "USR1", *probe(f"exec:{command}"))
    one.wait_for_line("leading", 10)
    begun = world.events.wait("start", 1)
    world.events.wait("asked-end", 10, after=now(), count=2)
    found = variables(seen)
    assert found["CONSUL_LEADER_ROLE"] == "leader"
    assert found["CONSUL_LEADER_PROGRAM_PID"] == str(begun.pid)
    assert int(found["CONSUL_LEADER_FENCING_TOKEN"]) > 0


def test_a_command_of_a_follower_knows_that(world):
    leader = world.file("leader", *LEADER_ONLY, command=program())
    leader.wait_for_line("leading", 10)
    seen = world.path("said", "seen")
    start(world, *probe(f"exec:{hook('asked', '--environment', seen)}"))
    world.events.wait("asked-end", 10, name="one")
    assert variables(seen)["CONSUL_LEADER_ROLE"] == "follower"


# Consul

def update(consul, check, status):
    assert consul.request("PUT", f"/v1/agent/check/update/{check}", {"Status": status}).status == 200


def test_the_service_s_own_checks(world):
    consul = world.consul().start().wait().servers[0]
    one = world.start("one", "--service", "redis", *FAST, "--log-level", "debug", *probe("consul:"), "--", *program(),
                      agent=consul)
    assert reason_of(one) == "the agent has no service to be asked for (--tag-service)"
    checks = [{"CheckID": name, "Name": f"is {name}", "TTL": "1h", "Status": "passing"}
              for name in ("alive", "writable")]
    consul.register(ID="redis 1", Name="redis", Port=6379, Checks=checks)
    well = one.wait_for_line(WELL, 10)

    update(consul, "alive", "warning")
    holds(lambda: not one.matching(ILL, after=well.at), 0.5, "a warning is well")
    update(consul, "alive", "critical")
    ill = one.wait_for_line(ILL, 10, after=well.at)
    assert 'reason="the service is critical: is alive: ' in ill.text
    update(consul, "alive", "passing")
    well = one.wait_for_line(WELL, 10, after=ill.at)

    consul.request("PUT", "/v1/agent/service/maintenance/redis%201", enable="true")
    ill = one.wait_for_line(ILL, 10, after=well.at)
    assert 'reason="the service is maintenance: ' in ill.text
    consul.request("PUT", "/v1/agent/service/maintenance/redis%201", enable="false")
    well = one.wait_for_line(WELL, 10, after=ill.at)

    consul.deregister("redis%201")
    ill = one.wait_for_line(ILL, 10, after=well.at)
    assert 'reason="the agent ' in ill.text
    consul.register(ID="redis-2", Name="redis", Port=6379)
    well = one.wait_for_line(WELL, 10, after=ill.at)

    consul.kill()
    assert "refused" in one.wait_for_line(ILL, 10, after=well.at).text


# Counting

def test_rise_and_fall(world, target, figure):
    one = start(world, *probe(target.url(), "interval=300ms,timeout=5s,grace=0,rise=2,fall=3"))
    well = one.wait_for_line(WELL, 10)
    assert len([asked for asked in target.asked if asked.at < well.at]) == 2
    for _ in range(2):
        switched, target.status = now(), 500
        ill = one.wait_for_line(ILL, 10, after=well.at)
        assert ill.text.endswith(f'unhealthy probe={target.url()} reason="HTTP status 500" failures=3')
        failed = [asked for asked in target.since(switched) if asked.at < ill.at]
        assert len(failed) == 3
        switched, target.status = now(), 200
        well = one.wait_for_line(WELL, 10, after=ill.at)
        passed = [asked for asked in target.since(switched) if asked.at < well.at]
        assert len(passed) == 2
    figure("from the last failing probe to its being ill", ill.at - failed[-1].at)
    figure("from the last good probe to its being well", well.at - passed[-1].at)
    assert len(one.matching(ILL)) == 2 and len(one.matching(WELL)) == 3


def test_of_a_row_of_failures_the_first_is_told(world, target):
    one = world.file("one", *probe(target.url(), "interval=100ms,timeout=5s,grace=0,fall=3"), command=program())
    one.wait_for_line(WELL, 10)
    target.status = 500
    one.wait_for_line(ILL, 10)
    asked = len(target.asked)
    until(lambda: len(target.asked) > asked + 10, 20)
    assert len(one.matching("status 500")) == 2
    assert one.matching('info a probe failed probe=.* reason="HTTP status 500"')


def test_within_the_grace_no_failure_counts(world, target):
    target.status = 500
    one = start(world, *probe(target.url(), "interval=100ms,timeout=5s,grace=2s,fall=1"))
    begun = one.wait_for_line("program started", 10)
    assert one.wait_for_line(ILL, 10).at - begun.at >= 1.9


def test_the_interval_is_from_begin_to_begin(world, target):
    target.takes = 0.3
    start(world, *probe(target.url(), "interval=500ms,timeout=5s"))
    asked = until(lambda: len(target.asked) > 6 and list(target.asked), 20)
    gaps = [later.at - earlier.at for earlier, later in zip(asked, asked[1:])]
    assert min(gaps) < 0.7 and max(gaps) >= 0.5


def test_one_that_takes_longer_than_its_interval_runs_once_at_a_time(world, target):
    target.takes = 0.3
    start(world, *probe(target.url(), "interval=100ms,timeout=5s"))
    until(lambda: len(target.asked) > 5, 20)
    assert target.most_at_once == 1


def test_all_must_be_well(world, target):
    switch = world.path("switch")
    other = Target()
    one = start(world, *probe(target.url()), *probe(f"tcp://127.0.0.1:{other.port}"), *probe(f"exec:test -e {switch}"))
    assert one.wait_for_line(ILL, 10).text.endswith('probe=exec:test reason="it exited with status 1" failures=1')
    open(switch, "w").close()
    well = one.wait_for_line(WELL, 10)
    other.close()
    ill = one.wait_for_line(ILL, 10, after=well.at)
    assert f"probe=tcp://127.0.0.1:{other.port} " in ill.text
    target.status = 500
    one.wait_for_line("a probe failed probe=http", 10, after=ill.at)
    os.unlink(switch)
    one.wait_for_line("a probe failed probe=exec", 10, after=ill.at)
    holds(lambda: not one.matching(WELL, after=well.at), 0.5)
    assert len(one.matching(ILL)) == 2, "told once"


def test_probes_run_while_the_program_runs(world, target):
    """In leader-only while it leads, and not while it is stopped."""
    leader = world.file("leader", *LEADER_ONLY, command=program())
    leader.wait_for_line("leading", 10)
    one = start(world, *LEADER_ONLY, *probe(target.url()), *probe(f"exec:{hook('asked')}"),
                command=program("--term-takes", 1000))
    one.wait_for_line("follower of", 10)
    holds(lambda: not target.asked and not world.events.all("asked-begin"), 0.5)
    leader.stop()
    one.wait_for_line(WELL, 10)
    world.events.wait("signal-15", 10, name="one", after=one.signal(signal.SIGTERM))
    told = now()
    assert one.wait(10) == 0
    assert not world.events.all("asked-begin", after=told + 0.2)
    assert not target.since(told + 0.2)


def test_a_program_that_is_started_again_is_unknown_first(world, target):
    one = start(world, "--restart", "always", *probe(target.url()))
    well = one.wait_for_line(WELL, 10)
    one.wait_for_line("leading", 10)
    target.silent = True
    processes.kill(world.events.wait("start", 10).pid)
    again = world.events.wait("start", 10, count=2)
    holds(lambda: not one.matching("promoting", after=again.at), 0.5, "it is no candidate")
    target.silent = False
    one.wait_for_line(WELL, 10, after=well.at)
    one.wait_for_line("leading", 10, after=again.at)


def test_a_sidecar_is_probed_from_its_start_to_its_stop(world, target):
    one = start(world, *probe(target.url()), *probe(f"exec:{hook('asked')}"), command=())
    one.wait_for_line(WELL, 10)
    target.status = 500
    one.wait_for_line(ILL, 10)
    assert one.stop() == 0
    told = now()
    holds(lambda: not target.since(told + 0.1), 0.3)
