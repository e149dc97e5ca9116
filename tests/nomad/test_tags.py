"""Nomad's sync takes tags off and brings them back; ours are right again before anybody looks."""
import contextlib
import os
import threading

import pytest

from life import new_name, tagged, text
from waiting import holds, now, until

# A workload with a service: whatever happens to it makes its client sync all services of the node.
NOISE = """
job "%(name)s" {
  group "g" {
    constraint {
      attribute = "${node.unique.name}"
      value     = "%(client)s"
    }

    network {
      port "p" {}
    }

    task "t" {
      driver = "raw_exec"

      config {
        command = "sleep"
        args    = ["1000"]
      }

      service {
        name = "noise"
        port = "p"
      }

      resources {
        cpu    = 10
        memory = 16
      }
    }
  }
}
"""


class Looks:
    """Looks at one service again and again, in its agent and in the catalog, and keeps what changes."""

    def __init__(self, life, allocation, name, identifier):
        agent, server = allocation.client.consul, life.job.datacenter.cluster.servers[0]
        self.seen = {"agent": [], "catalog": []}
        self.over = False
        self.threads = [threading.Thread(target=self._look, args=(self.seen["agent"], lambda: agent.tags(identifier))),
                        threading.Thread(target=self._look, args=(self.seen["catalog"], lambda: (
                            server.catalog(name).get(identifier) or {}).get("ServiceTags")))]
        for thread in self.threads:
            thread.start()

    def _look(self, seen, look):
        while not self.over:
            tags = look()
            if not seen or seen[-1][1] != tags:
                seen.append((now(), tags))

    def close(self):
        self.over = True
        for thread in self.threads:
            thread.join()

    def last(self, where):
        return self.seen[where][-1][1] if self.seen[where] else None

    def stayed(self, tags, since):
        """Whether it is `tags` everywhere, and has been for half a second of the time since then."""
        return all(self.last(where) == tags and now() - max(since, seen[-1][0]) > 0.5 for where, seen in self.seen.items())

    def wrong(self, where, tags):
        """How long what is to be `tags` was something else, at most; in seconds."""
        seen = self.seen[where]
        return max((after - at for (at, found), (after, _) in zip(seen, seen[1:] + [(now(), None)]) if found != tags),
                   default=0.0)


@contextlib.contextmanager
def looking(life, allocation):
    """Looks at all services of an allocation that show the role."""
    looks = [Looks(life, allocation, name, identifier) for name, identifier in life.services(allocation).items()]
    try:
        yield looks
    finally:
        for one in looks:
            one.close()


def make_noise(jobs, client):
    """Returns when the client's sync has come to the new job's service."""
    job = jobs(NOISE % {"name": new_name(), "client": client.name})
    one, = job.runs(1)
    until(lambda: client.consul.service(f"_nomad-task-{one.id}-t-noise-p"), 10)


class Mended:
    """What somebody does to the tags of an allocation's services, time and again, is mended in a moment."""

    def __init__(self, life, tags):
        self.life, self.tags = life, tags
        self.wrong = {"agent": [], "catalog": []}
        self.changed = []

    def after(self, what, allocation):
        """Runs `what`; the services have the tags soon after its end."""
        with looking(self.life, allocation) as looks:
            what()
            done = now()  # but a sync may still be on its way through the services
            until(lambda: all(one.stayed(self.tags, done) for one in looks), 5)
        for where, times in self.wrong.items():
            times.append(max(one.wrong(where, self.tags) for one in looks))
        self.changed.append(all(len(one.seen["agent"]) > 1 for one in looks))

    def judge(self, name, figures):
        """The quickest counts, on a machine that others share."""
        assert any(self.changed), "Nomad did change them"
        for where, goal in (("agent", 0.1), ("catalog", 1.0)):
            figures(f"{self.life.level}, {name}: wrong in the {where}", self.wrong[where])
            assert min(self.wrong[where]) < goal, self.wrong


levels = pytest.mark.parametrize("level", ["task", "group", "connect"])


@levels
def test_a_sync_for_another_job_takes_the_tag_off(live, jobs, figures, level):
    life = live(level=level)
    allocation, mended = life.allocation, Mended(life, ["primary"])
    for _ in range(3):
        mended.after(lambda: make_noise(jobs, allocation.client), allocation)
    mended.judge("wiped by a sync", figures)


@levels
def test_a_sync_brings_the_tag_of_a_former_leader_back(live, jobs, said, figures, level):
    ill = os.path.join(said.folder, "ill")
    life = live(level=level, options=["--probe", f"exec:test ! -e {ill}#interval=500ms,fall=1,grace=0s"])
    former = life.allocation
    agent = former.client.consul
    until(lambda: now() > life.start.at + 38, 60, every=0.5)  # a sync of its own has remembered it
    at = now()
    open(ill, "w").close()
    life.next_leads(10, at)
    os.unlink(ill)
    assert life.leader != former.id
    until(lambda: all(agent.tags(identifier) == [] for identifier in life.services(former).values()), 5)
    mended = Mended(life, [])
    for _ in range(3):
        mended.after(lambda: make_noise(jobs, former.client), former)
    mended.judge("brought back by a sync", figures)


def test_a_client_that_is_started_again_registers_everything_anew(live, jobs, figures):
    life = live()
    allocation, mended = life.allocation, Mended(life, ["primary"])

    def restart():
        allocation.client.kill()
        allocation.client.start()
        make_noise(jobs, allocation.client)
    for _ in range(3):
        mended.after(restart, allocation)
    mended.judge("wiped by a client that was restarted", figures)


def test_a_canary_is_tagged_as_it_leads_and_when_it_is_promoted(live, said, figures):
    """Its promotion gives it the job's other tags, without ours. Once: probes move a lead once a minute."""
    ill = os.path.join(said.folder, "ill-")
    probe = f"exec:sh -c 'test ! -e {ill}$VERSION'#interval=500ms,fall=1,grace=0s"
    life = live(count=1, canaries=1, options=["--probe", probe])
    before = life.job.allocations
    life.update()
    canary, = [one for one in life.job.runs(2) if one.id not in before]
    agent, identifier = canary.client.consul, life.services(canary)[life.name]
    deployment = life.job.deployment("running", healthy=1)
    until(lambda: agent.tags(identifier) == ["canary"], 5)
    open(ill + "1", "w").close()
    until(lambda: life.leader == canary.id, 10)
    until(lambda: agent.tags(identifier) == ["canary", "primary"], 2)
    mended = Mended(life, ["primary"])
    mended.after(lambda: life.job.promote(deployment), canary)
    mended.judge("canary promoted", figures)


@pytest.mark.parametrize("level", ["group", "connect"])
def test_a_service_of_the_group_outlives_its_task(live, figure, level):
    """Nobody deregisters it when a task is restarted: the former leader's tag has to be taken off."""
    life = live(level=level)
    former = life.allocation
    at = now()
    former.restart()
    life.next_leads(10, at)
    until(lambda: all(tagged(life.job.datacenter, name) == {life.leader} for name in life.services(former)), 2)
    figure(f"{level}, task restarted: until the tag is on the new leader alone", now() - at)
    assert former.id != life.leader


@levels
def test_a_stop_registers_nothing_again(live, level):
    life = live(level=level)
    allocation = life.allocation
    with looking(life, allocation) as looks:
        allocation.stop()
        until(lambda: all(one.last("agent") is None for one in looks), 10)
        holds(lambda: all(one.last("agent") is None for one in looks), 3)
    for one in looks:
        gone = [tags for _, tags in one.seen["agent"]].index(None)
        assert not [tags for _, tags in one.seen["agent"][gone:] if tags is not None], one.seen


def test_without_override_it_says_what_will_happen(jobs, said):
    name = new_name()
    job = jobs(text(said, name).replace("enable_tag_override = true", "enable_tag_override = false"))
    said.events.wait("start", 30)
    leader = said.events.all("start")[0].name

    def warnings():
        return job.allocations[leader].log("stderr").count("until its job sets enable_tag_override = true")
    until(warnings, 10)
    holds(lambda: warnings() == 1, 3, every=0.5)
