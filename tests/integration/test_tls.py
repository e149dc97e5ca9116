"""Consul behind TLS that asks for certificates: whom we believe, what we show, and files that change while we run."""
import os
import shutil

import pytest

from instance import program
from target import Authority
from trio import FAST, KEY
from waiting import holds, until


@pytest.fixture
def authority(world):
    return Authority(world.folder, "authority")


@pytest.fixture
def consul(world, authority):
    """One that believes nobody without a certificate of the authority."""
    certificate, key = authority.certificate("consul.example")
    return world.consul(verify_incoming=True, ca_file=authority.path, cert_file=certificate, key_file=key,
                        ports={"dns": -1, "grpc": -1, "serf_wan": -1, "https": 8501},
                        addresses={"http": "unix://" + world.path("consul-1", "server-1", "http")}).start().wait().servers[0]


def shown(authority, name="client"):
    """Options that show a certificate of that authority."""
    certificate, key = authority.certificate(name)
    return ["--client-cert", certificate, "--client-key", key]


def start(world, consul, *options, name="one", environment=None):
    return world.start(name, *FAST, "--service", "redis", "--tag-service", "none", "--http-addr", "https://127.0.0.1:8501",
                       *options, "--", *program(), agent=consul, environment=environment)


def leads(world, consul, *options, **how):
    one = start(world, consul, *options, **how)
    one.wait_for_line("leading", 10)
    world.events.wait("start", 5)
    assert consul.holder(KEY)
    return one


def test_it_leads_through_tls(world, consul, authority):
    one = leads(world, consul, "--ca-file", authority.path, "--tls-server-name", "consul.example", *shown(authority))
    assert one.stop() == 0
    assert not consul.holder(KEY)


def test_by_the_variables_of_consuls_own_client(world, consul, authority):
    certificate, key = authority.certificate("client")
    leads(world, consul, environment={
        "CONSUL_CACERT": authority.path, "CONSUL_TLS_SERVER_NAME": "consul.example", "CONSUL_CLIENT_CERT": certificate,
        "CONSUL_CLIENT_KEY": key})


def test_a_folder_of_authorities(world, consul, authority):
    folder = world.path("authorities")
    os.mkdir(folder)
    shutil.copy(authority.path, folder)
    os.system(f"openssl rehash {folder}")
    leads(world, consul, "--ca-path", folder, "--tls-server-name", "consul.example", *shown(authority))


def test_unverified_anybody_is_believed(world, consul, authority):
    leads(world, consul, *shown(authority), environment={"CONSUL_HTTP_SSL_VERIFY": "false"})


@pytest.mark.parametrize("what, words", [
    ("the system's authorities", "cannot speak HTTPS.*unable to get local issuer certificate"),
    ("another authority", "cannot speak HTTPS.*(self.signed certificate|unable to get local issuer)"),
    ("another name", "no alternative certificate subject name matches target host name .127.0.0.1"),
    ("no certificate shown", "cannot speak HTTPS.*(bad certificate|certificate required)|broke before"),
    ("one of another authority", "cannot speak HTTPS.*(bad certificate|unknown ca)|broke before"),
    ("no certificate in its file", "could not load PEM client certificate from .*junk.pem"),
])
def test_what_does_not_fit_is_refused_with_a_line(world, consul, authority, what, words):
    other = Authority(world.folder, "other")
    junk = world.path("junk.pem")
    with open(junk, "w") as file:
        file.write("junk\n")
    believes, named, shows = ["--ca-file", authority.path], ["--tls-server-name", "consul.example"], shown(authority)
    options = {
        "the system's authorities": [*named, *shows],
        "another authority": ["--ca-file", other.path, *named, *shows],
        "another name": [*believes, *shows],
        "no certificate shown": [*believes, *named],
        "one of another authority": [*believes, *named, *shown(other)],
        "no certificate in its file": [*believes, *named, "--client-cert", junk, "--client-key", shows[3]],
    }
    one = start(world, consul, *options[what], "--start-timeout", "3s")
    line = one.wait_for_line("Consul cannot be used", 10)
    assert "https://127.0.0.1:8501" in line.text
    one.wait_for_line(words, 3)
    assert one.wait(10) == 69


def test_certificates_that_are_replaced_are_used(world, consul, authority):
    """Those that we show, and those that are believed; nothing is lost meanwhile."""
    certificate, key = world.path("shown.pem"), world.path("shown.key")

    def show(name):
        for source, place in zip(authority.certificate(name), (certificate, key)):
            shutil.copy(source, place + ".new")
            os.rename(place + ".new", place)
    show("first")
    believed = world.path("believed.pem")
    shutil.copy(authority.path, believed)
    one = leads(world, consul, "--ttl", "10s", "--lease", "20s", "--ca-file", believed, "--tls-server-name", "consul.example", "--client-cert", certificate,
                "--client-key", key)
    holder = consul.holder(KEY)
    show("second")
    other = Authority(world.folder, "other")
    with open(authority.path) as first, open(other.path) as second, open(believed + ".new", "w") as both:
        both.write(first.read() + second.read())
    os.rename(believed + ".new", believed)
    new_certificate, new_key = other.certificate("consul.example")
    os.replace(new_certificate, consul_certificate(authority))
    os.replace(new_key, consul_certificate(authority).replace(".pem", ".key"))
    consul.kill()
    consul.start()
    until(consul.answers, 10)
    until(consul.leader, 15)
    holds(lambda: consul.holder(KEY) == holder and not one.matching("demoting"), 5)
    assert one.stop() == 0
    assert not consul.holder(KEY), "it was released through a new connection"


def consul_certificate(authority):
    return os.path.join(authority.folder, "consul.example.pem")


def test_files_that_are_not_there_are_refused_at_the_start(world, authority):
    for options, words in [
            (["--ca-file", "/does/not/exist"], "--ca-file: cannot read"),
            (["--ca-path", "/etc/passwd"], "--ca-path: cannot read the directory"),
            (["--client-cert", "/does/not/exist", "--client-key", authority.path], "--client-cert: cannot read"),
            (["--client-cert", authority.path, "--client-key", "/tmp"], "--client-key: .* is a directory"),
            (["--client-cert", authority.path], "--client-cert: needs its key"),
            (["--client-key", authority.path], "--client-key: needs its certificate")]:
        one = world.start("one", "--service", "redis", *options, "--", *program())
        assert one.wait(5) == 64
        assert len(one.text.splitlines()) == 1
        one.wait_for_line(words, 1)
