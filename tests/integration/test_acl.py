"""With Consul's ACLs on, and deny by default: the smallest policy, tokens that change, and tokens that are taken away."""
import os
import re

import pytest

from instance import program
from trio import FAST, KEY, LEASE
from waiting import holds, now, until

ROOT = "5f0b7a52-root"
DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "operating.md")


def documented():
    """The rules that the documentation gives, one by one."""
    text = open(DOCUMENT).read().partition("### ACL rules")[2].partition("```hcl\n")[2].partition("```")[0]
    return re.findall(r'^\w+ "[^"]*" \{.*?\}', text, re.MULTILINE)


*RULES, PROXY_RULE = documented()


@pytest.fixture
def consul(world):
    """A Consul whose default is deny."""
    cluster = world.consul(acl={"enabled": True, "default_policy": "deny", "tokens": {"master": ROOT}})
    it = cluster.start().servers[0]
    until(it.leader, 20)
    return it


def token_for(consul, rules):
    """Accessor and secret of a new token."""
    name = f"policy-{now()}".replace(".", "-")
    until(lambda: consul.request("PUT", "/v1/acl/policy", {"Name": name, "Rules": " ".join(rules)}).status == 200, 10, every=0.05)
    made = consul.request("PUT", "/v1/acl/token", {"Policies": [{"Name": name}]}).json
    return made["AccessorID"], made["SecretID"]


def revoke(consul, accessor):
    assert consul.request("DELETE", "/v1/acl/token/" + accessor).json is True


def start(world, consul, *options, token=None, name="one", **more):
    environment = {"CONSUL_HTTP_TOKEN": token} if token else {}
    return world.start(name, *FAST, "--mode", "leader-only", "--service", "redis", *options, "--", *program(), agent=consul,
                       environment=environment, **more)


def write_token(path, secret):
    with open(path + ".new", "w") as file:
        file.write(secret + "\n")
    os.rename(path + ".new", path)


# The policy

def test_the_documented_rules_suffice(world, consul):
    assert len(RULES) == 3
    token = token_for(consul, RULES)[1]
    one = start(world, consul, "--register", "6379", token=token)
    one.wait_for_line("leading", 10)
    until(lambda: consul.tags("redis-6379") == ["primary"], 5)
    world.events.wait("start", 5)
    two = start(world, consul, "--tag-service", "none", token=token, name="two")
    two.wait_for_line("follower of", 10)
    assert one.stop() == 0
    two.wait_for_line("leading", 1)
    world.events.wait("start", 5, name="two")
    assert two.stop() == 0
    assert not consul.holder(KEY)
    for instance in (one, two):
        assert not re.search(" (warn|error) ", instance.text), instance.text
        assert token not in instance.text


@pytest.mark.parametrize("lacking, named", [("session_prefix", r"session:write"), ("key_prefix", "key.*" + KEY),
                                            ("service ", 'service:write on "redis"')])
def test_each_of_them_is_needed_and_named_where_it_is_missing(world, consul, lacking, named):
    rules = [rule for rule in RULES if not rule.startswith(lacking)]
    assert len(rules) == 2
    one = start(world, consul, "--register", "6379", token=token_for(consul, rules)[1])
    one.wait_for_line(named, 10)
    if lacking == "service ":
        world.events.wait("start", 5)
    else:
        assert not world.events.all("start")
    holds(lambda: len(one.matching(named)) == 1, 2, "it says so once")


@pytest.mark.parametrize("allowed", [True, False])
def test_the_proxy_of_a_connect_sidecar_in_nomad_needs_a_rule_of_its_own(world, consul, allowed):
    allocation = "3b2a7d1c-8f0e-4c5d-9e61-0123456789ab"
    service = f"_nomad-task-{allocation}-group-g-redis-db"
    secret = token_for(consul, [*RULES, PROXY_RULE if allowed else PROXY_RULE.replace("write", "read")])[1]
    assert consul.request("PUT", "/v1/agent/service/register", {
        "ID": service, "Name": "redis", "Port": 3, "EnableTagOverride": True, "Connect": {"SidecarService": {"Port": 4}},
    }).status == 200
    one = world.start("one", *FAST, "--mode", "leader-only", "--service", "redis", "--", *program(), agent=consul,
                      environment={"NOMAD_ALLOC_ID": allocation, "NOMAD_ALLOC_DIR": world.folder,
                                   "CONSUL_HTTP_TOKEN": secret})
    one.wait_for_line(f"tagged id={service} ", 10)
    if allowed:
        one.wait_for_line(f"tagged id={service}-sidecar-proxy ", 5)
    else:
        one.wait_for_line('service:write on "redis-sidecar-proxy"', 5)
        holds(lambda: len(one.matching("redis-sidecar-proxy")) == 1, 2, "it says so once")
    world.events.wait("start", 5)
    begun = now()
    assert one.stop() == 0
    assert now() - begun < 3, "its end does not wait for a right that it has not"


# The token

@pytest.mark.parametrize("how", ["CONSUL_HTTP_TOKEN", "CONSUL_TOKEN", "--token-file"])
def test_where_it_comes_from(world, consul, how):
    secret = token_for(consul, RULES)[1]
    path = world.path("token")
    write_token(path, secret)
    options, environment = ["--tag-service", "none"], {how: secret}
    if how == "--token-file":
        options, environment = [*options, "--token-file", path], {"CONSUL_HTTP_TOKEN": "wrong"}
    one = world.start("one", *FAST, "--service", "redis", *options, "--", *program(), agent=consul, environment=environment)
    one.wait_for_line("leading", 10)
    for process in one.all:
        assert secret not in open(f"/proc/{process.pid}/cmdline").read()


def test_a_file_that_is_replaced_loses_nothing(world, consul):
    path = world.path("token")
    first, secret = token_for(consul, RULES)
    write_token(path, secret)
    one = start(world, consul, "--register", "6379", "--token-file", path)
    one.wait_for_line("leading", 10)
    world.events.wait("start", 5)
    held = consul.holder(KEY)
    second, secret = token_for(consul, RULES)
    write_token(path, secret)
    revoke(consul, first)
    holds(lambda: consul.holder(KEY) == held and not one.matching("demoting"), 2 * LEASE, every=0.1)
    assert one.stop() == 0
    assert not consul.holder(KEY), "the new one releases"


def test_a_token_that_is_revoked_costs_the_lead_at_the_deadline_and_not_before(world, consul):
    accessor, secret = token_for(consul, RULES)
    one = start(world, consul, "--tag-service", "none", token=secret)
    one.wait_for_line("leading", 10)
    start_event = world.events.wait("start", 5)
    revoke(consul, accessor)
    revoked = now()
    one.wait_for_line("ACL not found|rejected|403", 5)
    one.wait_for_line("demoting .*lease-expired", LEASE + 1)
    demoted = world.events.wait("signal-15", 2, pid=start_event.pid).at
    assert demoted - revoked > LEASE - 2, "the lease that was granted is used"
    holds(lambda: one.process.poll() is None, 1, "it keeps trying")
    assert secret not in one.text
