"""--probe: what is asked, when the program is well, and what an instance does that is not."""
import os

import pytest

import processes
from doctor import Authority, Doctor, Silence
from instance import hook, program
from trio import FAST, HOOKS, LEADER_ONLY, Trio
from waiting import holds, now, until

QUICK = "interval=100ms,timeout=2s,grace=0,fall=2"
SIGNALS = ["--promote-signal", "USR1", "--demote-signal", "USR2"]
LED = program("--led-by-signals")


@pytest.fixture
def doctors():
    """doctor(...): a server that a test asks, ended with it."""
    made = []

    def make(kind=Doctor, **how):
        made.append(kind(**how))
        return made[-1]
    yield make
    for one in made:
        one.close()


def probe(target, options=QUICK):
    return ["--probe", f"{target}#{options}"]


def url(doctor, path="/", scheme="http", host="127.0.0.1"):
    return f"{scheme}://{host}:{doctor.port}{path}"


def start(world, *options, name="one", command=LED, **more):
    return world.file(name, *SIGNALS, *options, command=command, **more)


# Kinds

@pytest.mark.parametrize("status, options, well", [
    (200, "", True), (204, "", True), (302, "", True), (404, "", False), (500, "", False),
    (418, ",status=418+2xx", True), (200, ",status=500-599", False)])
def test_http_goes_by_the_status(world, doctors, status, options, well):
    doctor = doctors(status=status)
    one = start(world, *probe(url(doctor), QUICK + options))
    one.wait_for_line("healthy" if well else f'unhealthy probe=.* reason="HTTP status {status}"', 10)
    assert set(doctor.paths) == {"/"}, "a redirect is not followed"
    if not well:
        holds(lambda: not one.matching("promoting"), 0.2)


def test_the_log_shows_no_query(world, doctors):
    doctor = doctors(status=500)
    one = start(world, *probe(url(doctor, "/health?token=s3cret")))
    line = one.wait_for_line("unhealthy", 10).text
    assert f"probe={url(doctor, '/health')} " in line
    assert "s3cret" not in one.text
    assert doctor.paths[0] == "/health?token=s3cret"


def test_http_that_does_not_answer_has_failed_after_its_time(world, doctors):
    one = start(world, *probe(url(doctors(status=None)), "interval=100ms,timeout=200ms,grace=0,fall=2"))
    assert "no answer within 200ms" in one.wait_for_line("unhealthy", 10).text


def test_tcp_goes_by_the_connection(world, doctors):
    server = doctors(Silence)
    one = start(world, *probe(f"tcp://localhost:{server.port}"))
    one.wait_for_line("healthy", 10)
    server.socket.close()
    assert "Couldn't connect" in one.wait_for_line("unhealthy", 10).text


@pytest.mark.parametrize("command, reason", [
    ("sh -c 'exit 3'", "it exited with status 3"), ("sh -c 'kill -9 $$'", "it was ended by signal 9")])
def test_exec_goes_by_the_status(world, command, reason):
    assert reason in start(world, *probe("exec:" + command)).wait_for_line("unhealthy", 10).text


def test_exec_that_passes_is_well_and_is_given_what_hooks_are(world):
    path = world.path("environment")
    start(world, *probe(f"exec:sh -c 'env > {path}.new && mv {path}.new {path}'")).wait_for_line("healthy", 10)
    assert "CONSUL_LEADER_ROLE=" in open(path).read()


def test_the_output_of_an_exec_probe_is_in_the_log_when_it_fails(world):
    flag = world.path("flag")
    one = start(world, *probe(f"exec:sh -c 'echo looking; test -e {flag}'"))
    one.wait_for_line("info exec:sh: looking", 10)
    one.wait_for_line("unhealthy", 10)
    assert len(one.matching("exec:sh: looking")) == 1, "of a row of failures the first's"
    open(flag, "w").close()
    one.wait_for_line("healthy", 10, after=now() - 0.05)


def test_exec_that_hangs_is_ended_with_its_group(world):
    one = start(world, *probe(f"exec:sh -c 'trap : TERM; sleep 1234 & wait; sleep 1234'",
                              "interval=100ms,timeout=200ms,grace=0,fall=2"))
    assert "no end of the command within 200ms" in one.wait_for_line("unhealthy", 10).text
    assert one.stop() == 0
    one.all_gone()


def test_exec_whose_file_vanished_has_failed(world):
    path = world.path("look")
    with open(path, "w") as file:
        file.write("#!/bin/sh\n")
    os.chmod(path, 0o755)
    one = start(world, *probe("exec:" + path))
    one.wait_for_line("healthy", 10)
    os.unlink(path)
    assert "No such file" in one.wait_for_line("unhealthy", 10).text


@pytest.mark.parametrize("status, well", [("passing", True), ("warning", True), ("critical", False), (None, False)])
def test_consul_goes_by_the_services_checks(world, status, well):
    consul = world.consul().start().wait().servers[0]
    if status:
        consul.register(Name="redis", ID="redis-1", Check={"Name": "alive", "TTL": "1h", "Status": status})
    one = world.start("one", *FAST, "--service", "redis", *SIGNALS, *probe("consul:"), "--", *LED, agent=consul)
    line = one.wait_for_line("info healthy|warn unhealthy", 10).text
    assert ("info healthy" in line) == well
    if status == "critical":
        assert "the service is critical: alive" in line
        consul.request("PUT", "/v1/agent/check/pass/service:redis-1")
        one.wait_for_line("leading", 10)


def test_tls(world, doctors):
    authority = Authority(world.folder, "health.example")
    doctor = doctors(tls=authority.server())
    ca, name = ",ca-file=" + authority.path("ca.pem"), ",server-name=health.example"
    for number, (options, well) in enumerate([("", False), (ca, False), (ca + name, True), (",verify=false", True)]):
        one = start(world, *probe(url(doctor, scheme="https"), QUICK + options), name=f"one-{number}")
        assert ("info healthy" in one.wait_for_line("info healthy|warn unhealthy", 10).text) == well, options
        one.stop()


def test_a_client_certificate(world, doctors):
    authority = Authority(world.folder, "localhost")
    doctor = doctors(tls=authority.server(asks_client=True))
    ca = ",ca-file=" + authority.path("ca.pem")
    pair = f",client-cert={authority.path('client.pem')},client-key={authority.path('client.key')}"
    for number, (options, well) in enumerate([(ca, False), (ca + pair, True)]):
        one = start(world, *probe(url(doctor, scheme="https", host="localhost"), QUICK + options), name=f"one-{number}")
        assert ("info healthy" in one.wait_for_line("info healthy|warn unhealthy", 10).text) == well, options
        one.stop()


# Counting

def test_rise_and_fall_are_counted_in_a_row(world, doctors):
    doctor = doctors()
    one = start(world, *probe(url(doctor), "interval=100ms,rise=4,fall=3,grace=0"))
    one.wait_for_line("healthy", 10)
    assert doctor.asked >= 4
    doctor.status, before = 500, doctor.asked
    one.wait_for_line("unhealthy", 10)
    assert doctor.asked - before >= 3


def test_failures_within_the_grace_count_nothing(world, doctors):
    doctor = doctors(status=500)
    one = start(world, *probe(url(doctor), "interval=100ms,fall=1,grace=60s"))
    until(lambda: doctor.asked > 5, 10)
    assert not one.matching("unhealthy|promoting")
    doctor.status = 200
    one.wait_for_line("leading", 10)


def test_all_are_required(world, doctors):
    good, bad = doctors(), doctors(status=503)
    one = start(world, *probe(url(good)), *probe(url(bad)), *probe("exec:true"))
    assert str(bad.port) in one.wait_for_line("unhealthy", 10).text
    holds(lambda: not one.matching("promoting"), 0.2)
    bad.status = 200
    one.wait_for_line("leading", 10)


def test_it_goes_on_when_the_network_process_was_killed(world, doctors):
    doctor = doctors()
    one = start(world, *probe(url(doctor)))
    one.wait_for_line("leading", 10)
    one.kill("network")
    one.wait_for_line("another is started", 5)
    asked = doctor.asked
    until(lambda: doctor.asked > asked + 2, 10)
    doctor.status = 500
    one.wait_for_line("unhealthy", 10)


@pytest.mark.parametrize("kind", ["http", "tcp", "exec"])
def test_fifty_that_hang_delay_no_renewal(world, kind):
    consul = world.consul().start().wait().servers[0]
    target = {"http": "http://192.0.2.1/", "tcp": "tcp://192.0.2.1:80", "exec": "exec:sleep 60"}[kind]
    probes = [word for _ in range(50) for word in probe(target, "interval=300ms,timeout=60s,fall=1000")]
    one = world.start("one", *FAST, "--service", "redis", "--tag-service", "none", *LEADER_ONLY, *probes, "--",
                      *program(), agent=consul)
    one.wait_for_line("leading", 10)
    session = consul.holder("consul-leader/redis/lock")
    holds(lambda: consul.holder("consul-leader/redis/lock") == session, 6, every=0.1)
    assert len(one.matching("leading key=")) == 1 and not one.matching("demoting")
    assert one.stop() == 0
    one.all_gone()


# What follows

def test_a_follower_that_is_not_well_is_no_candidate(world, doctors):
    sick, doctor = doctors(status=500), doctors()
    two = start(world, *probe(url(sick)), name="two")
    two.wait_for_line("unhealthy", 10)
    one = start(world, *probe(url(doctor)), name="one")
    one.wait_for_line("leading", 10)
    one.stop()
    holds(lambda: not two.matching("promoting"), 0.3)
    sick.status = 200
    two.wait_for_line("leading", 10)


class Sick(Trio):
    """Three whose health is asked of a file that a test makes and removes."""

    def __init__(self, world, *options, command=LED):
        self.healthy = {name: world.path("healthy-" + name) for name in ("one", "two", "three")}
        for path in self.healthy.values():
            open(path, "w").close()
        super().__init__(world, *FAST, *(SIGNALS + HOOKS if command == LED else LEADER_ONLY), *options, "--probe",
                         f"exec:sh -c 'test -e {world.folder}/healthy-$TEST_NAME'#{QUICK}", command=command)

    def fall_ill(self, name):
        os.unlink(self.healthy[name])
        return self.instances[name].wait_for_line("unhealthy", 10, after=now()).at


@pytest.mark.parametrize("command", [LED, program()], ids=["follow", "leader-only"])
def test_a_leader_that_is_ill_steps_down_for_another(world, figure, command):
    trio = Sick(world, command=command)
    first = trio.settle()
    at = trio.fall_ill(first)
    second = trio.next_leads(at, 10, but=first)
    figure("unhealthy to the next promotion", second.at - at)
    assert trio.instances[first].matching("demoting .*reason=unhealthy")
    assert trio.instances[first].process.poll() is None


def test_it_stays_where_no_other_is_well(world):
    trio = Sick(world)
    first = trio.settle()
    others = [name for name in trio.instances if name != first]
    for name in others:
        trio.fall_ill(name)
    until(lambda: len(trio.consul.keys("consul-leader/redis/lock.candidates/")) == 1, 5)
    trio.fall_ill(first)
    one = trio.instances[first]
    one.wait_for_line("leading on: no other healthy candidate stands", 10)
    holds(lambda: not one.matching("demoting"), 1)
    at = now()
    open(trio.healthy[others[0]], "w").close()
    assert trio.next_leads(at, 10).name == others[0], "it goes as soon as there is one"


def test_probes_alone_move_the_lead_once_a_minute(world):
    trio = Sick(world)
    first = trio.settle()
    second = trio.next_leads(trio.fall_ill(first), 10, but=first).name
    open(trio.healthy[first], "w").close()
    trio.instances[first].wait_for_line("healthy", 10, after=now())
    trio.fall_ill(second)
    trio.instances[second].wait_for_line("its lead came of another's probes less than a minute ago", 10)
    holds(lambda: not trio.instances[second].matching("demoting"), 2)
    trio.instances[second].stop()
    trio.leader(10, after=now() - 1)


def test_it_stays_if_it_is_told_to(world):
    trio = Sick(world, "--unhealthy-leader", "stay")
    first = trio.settle()
    trio.fall_ill(first)
    trio.instances[first].wait_for_line("unhealthy, and leading on", 10)
    holds(lambda: not trio.instances[first].matching("demoting"), 1)


def test_it_ends_if_it_is_told_to(world):
    trio = Sick(world, "--unhealthy-leader", "stop")
    first = trio.settle()
    at = trio.fall_ill(first)
    assert trio.instances[first].wait(10) == 75
    trio.next_leads(at, 10, but=first)


def test_with_a_file_store_it_steps_down_whoever_waits(world):
    """A file does not tell who waits for it."""
    healthy = world.path("healthy")
    open(healthy, "w").close()
    one = start(world, *probe(f"exec:test -e {healthy}"))
    one.wait_for_line("leading", 10)
    two = start(world, name="two")
    two.wait_for_line("follower|waiting", 10)
    os.unlink(healthy)
    two.wait_for_line("leading", 10)


def test_a_sidecar_is_probed_too(world, doctors):
    doctor = doctors(status=500)
    one = world.file("one", "--on-promote", hook("promote"), "--on-demote", hook("demote"), *probe(url(doctor)))
    one.wait_for_line("unhealthy", 10)
    assert not world.events.all("promote-begin")
    doctor.status = 200
    world.events.wait("promote-end", 10)
    assert one.stop() == 0


def test_the_check_of_a_registered_service_shows_it(world, doctors):
    consul = world.consul().start().wait().servers[0]
    healthy = world.path("healthy")
    world.start("one", *FAST, "--service", "redis", "--register", "6379", *SIGNALS, *probe(f"exec:test -e {healthy}"),
                "--", *LED, agent=consul)

    def check():
        found = consul.request("GET", "/v1/agent/checks").json.get("service:redis-6379", {})
        return found.get("Status"), found.get("Output")
    until(lambda: check()[0] == "critical" and "exited with status 1" in check()[1], 10)
    open(healthy, "w").close()
    until(lambda: check() == ("passing", "it runs"), 10)
