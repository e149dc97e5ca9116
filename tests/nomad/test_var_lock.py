"""The same job with `nomad var lock` in our place: what its users live with, measured in the same run."""
import time

import nomad
from life import new_name, text
from waiting import now, until

WATCHED = 20.0
NEXT = 180.0  # seconds for its next leader: 40 to 50 are usual, and once 60 were not enough

VAR_LOCK = """driver = "raw_exec"

      config {
        command = "%(nomad)s"
        args    = ["var", "lock", "-address=http://%(server)s:4646", "%(path)s", "%%(program)s", "run"]
      }
"""


def overlap(events, old):
    """How long it acted beside another, in seconds, as far as it was watched."""
    new = events.all("start")[-1]
    return max(0.0, events.last_alive(old.pid) - new.at)


def test_nomad_var_lock(datacenter, jobs, said, figure, figures):
    name, events, server = new_name(), said.events, datacenter.server
    path = f"nomad/jobs/{name}/leader"
    job = jobs(text(said, name, driver=VAR_LOCK % {"nomad": nomad.PROGRAM, "server": server.address, "path": path}))
    job.runs(3)
    events.wait("start", NEXT)

    gaps = []
    for _ in range(3):
        old, at = events.all("start")[-1], now()
        job.allocations[old.name].stop()
        gaps.append(events.wait("start", NEXT, after=at).at - events.last_alive(old.pid))
        job.runs(3)
    figures("alloc stop, nomad var lock: gap", gaps)

    old, at = events.all("start")[-1], now()
    lock = server.request("GET", "/v1/var/" + path)["Lock"]
    server.request("PUT", f"/v1/var/{path}?lock-release", {"Path": path, "Lock": lock})
    events.wait("start", NEXT, after=at)
    time.sleep(WATCHED)
    figure(f"lock taken away, nomad var lock: two at once, of {WATCHED:g} s watched", overlap(events, old))


def test_ours(live, figure):
    """Whose lock is taken away ends first; the next waits for the lease that it might have been in."""
    life = live()
    old, server, at = life.start, life.job.datacenter.cluster.servers[0], now()
    key = f"consul-leader/{life.name}/lock"
    server.put(key, "", release=server.holder(key))
    life.next_leads(30, at)
    until(lambda: life.tagged() == {life.leader}, 2)
    figure("lock taken away, ours: two at once", overlap(life.events, old))
