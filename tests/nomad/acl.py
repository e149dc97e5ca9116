"""A datacenter with Consul's ACLs on and deny by default, set up by the commands of docs/nomad.md and by no others."""
import contextlib
import os
import re
import subprocess

import consul
from images import ROOT
from nomad import running_datacenter

SECRET = "3c8c2d0e-0000-4000-8000-5f0b7a520001"  # may do everything; the tests' own, and the Consul agents'


def documented(kind, after):
    """The block of this kind that comes next after these words in docs/nomad.md."""
    with open(os.path.join(ROOT, "docs", "nomad.md")) as file:
        text = file.read().partition(after)[2]
    return re.search(f"```{kind}\n(.*?)```", text, re.DOTALL)[1]


def run(server, commands):
    """At a Consul server that is beside a Nomad server. Returns what they print."""
    return subprocess.run(
        [*server.namespace.enter(), "sh", "-euc", commands], check=True, stdout=subprocess.PIPE, text=True,
        env={"PATH": f"{os.path.dirname(consul.PROGRAM)}:{os.environ['PATH']}", "HOME": server.directory,
             "CONSUL_HTTP_TOKEN": SECRET, "NOMAD_ADDR": f"http://{server.namespace.address}:4646"}).stdout


def settings(cluster):
    """Of Nomad's agents."""
    made = run(cluster.servers[0], documented("sh", "Nomad's agents, "))
    return documented("hcl", "Nomad's agents, ").replace("TOKEN", re.search(r"SecretID: +(\S+)", made)[1])


def allow(server, job, *services, more=""):
    """Lets the job elect for these services. more: rules that a policy needs besides."""
    policy, role = re.split("(?=consul acl role)", documented("sh", "For each job with an election"))
    for service in services:
        run(server, policy.replace("clock", service).replace("\nEND\n", "\n" + more + "END\n"))
    run(server, re.sub(" -policy-name .*", "".join(f" -policy-name {service}-leader" for service in services),
                       role.replace("clock", job)))


@contextlib.contextmanager
def secured_datacenter():
    acl = {"enabled": True, "default_policy": "deny", "tokens": {"master": SECRET, "agent": SECRET}}
    with running_datacenter(3, settings, acl=acl) as it:
        server = it.cluster.servers[0]
        run(server, documented("sh", "Once for the cluster"))
        for name in ("clock", "contained", "singleton"):
            allow(server, name, name)
        allow(server, "aided", "beside", "first")
        allow(server, "redis", "redis", more='node_prefix "" { policy = "read" }\n')
        yield it
