"""A job whose program tells what befalls it, and the gaps between its leaders."""
import itertools
import os

from waiting import until

TEST_PROGRAM = os.path.join(os.environ["BUILD"], "test-program")

JOB = """
job "%(name)s" {
  group "g" {
    count = %(count)s

    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    network {
      mode = "%(network)s"

      port "db" {}
    }

    restart {
      attempts = 100
      interval = "10m"
      delay    = "1s"
      mode     = "delay"
    }

    reschedule {
      delay          = "5s"
      delay_function = "constant"
      unlimited      = true
    }

    update {
      max_parallel     = 1
      canary           = %(canaries)s
      min_healthy_time = "2s"
      health_check     = "task_states"
    }

    %(disconnect)s

    migrate {
      min_healthy_time = "1s"
      health_check     = "task_states"
    }

    %(group_service)s

    volume "consul" {
      type   = "host"
      source = "consul"
    }

    task "app" {
      %(driver)s
      %(kill_timeout)s

      env {
        TEST_EVENTS  = "%(events)s"
        TEST_WITNESS = "%(witness)s"
        TEST_NAME    = "${NOMAD_ALLOC_ID}"
        VERSION      = "%(version)s"
      }

      %(task_service)s

      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}
"""

RAW_EXEC = """driver = "raw_exec"

      config {
        command = "consul-leader"
        args    = [%(args)s, "--", "%(program)s", "run"%(traits)s]
      }
"""

# The group has a network of its own: Consul's agent is reached through its socket.
BRIDGED = RAW_EXEC.replace('"--",', '"--http-addr", "unix://${meta.consul}", "--",')

# A container's localhost is not the machine's: Consul's agent is reached through its socket.
DOCKER = """driver = "docker"

      config {
        image           = "%(image)s"
        entrypoint      = ["/opt/consul-leader/bin/consul-leader"]
        args            = [%(args)s, "--http-addr", "unix:///run/consul/http", "--", "/program", "run", "--contained"%(traits)s]
        volumes         = ["%(folder)s:%(folder)s"]
        cap_drop        = ["all"]
        readonly_rootfs = true
      }

      volume_mount {
        volume      = "consul"
        destination = "/run/consul"
      }
"""

SERVICE = """service {
        name                = "%s"
        port                = "db"
        enable_tag_override = true
        canary_tags         = ["canary"]
        %s
      }"""

# A real sidecar is Envoy; what counts to Consul is the service that Nomad registers for it.
CONNECT = """connect {
          sidecar_service {}

          sidecar_task {
            driver = "raw_exec"

            config {
              command = "sleep"
              args    = ["10000"]
            }
          }
        }"""


numbers = itertools.count(1)


def new_name():
    """Of a job that no other test has."""
    return f"life-{next(numbers)}"


def words(of):
    return "".join(f', "{word}"' for word in of)


def text(said, name, options=(), traits=(), kill_timeout='kill_timeout = "10s"', version=1, level="task", count=3,
         canaries=0, disconnect="", image=None, driver=None):
    """The job. level: whose service it is, the task's or the group's; "connect": the group's with a Connect sidecar. image: a
    container's, with ours and the test program; None: it runs without. driver: what runs the program, where it is not
    ours."""
    connect = level == "connect"
    service = SERVICE % (name, CONNECT if connect else "")
    fields = {"task_service": service if level == "task" else "", "group_service": service if level != "task" else "",
              "network": "bridge" if connect else "host",
              "name": name, "program": TEST_PROGRAM, "events": said.events.path, "witness": said.witness,
              "folder": said.folder, "version": version, "kill_timeout": kill_timeout, "count": count,
              "canaries": canaries, "disconnect": disconnect, "image": image, "traits": words(traits),
              "args": words(["--service", name, "--mode", "leader-only", *options])[2:]}
    return JOB % (fields | {"driver": (driver or (BRIDGED if connect else DOCKER if image else RAW_EXEC)) % fields})


class Life:
    """The job, settled, and its leader."""

    def __init__(self, jobs, said, name, **how):
        self.jobs, self.said, self.name, self.how = jobs, said, name, {"count": 3, "version": 1} | how
        self.driver = "docker" if how.get("image") else "raw_exec"
        self.level = how.get("level", "task")
        self.events = said.events
        self.submit()
        self.settle()
        self.start = self.events.wait("start", 30)
        until(lambda: self.tagged() == {self.leader}, 5)

    def submit(self):
        self.job = self.jobs(text(self.said, self.name, **self.how))

    def settle(self):
        """Until all of it run."""
        self.job.runs(self.how["count"])

    def update(self):
        """Submits the next version."""
        self.how["version"] += 1
        self.submit()

    def wait_for_update(self, timeout=90):
        """Waits until nothing of an earlier version runs, and who leads is tagged."""
        def updated():  # Nomad counts from 0
            found = self.job.allocations.values()
            return len(found) == self.how["count"] and all(
                one.status == "running" and one.job_version == self.how["version"] - 1 for one in found)
        until(updated, timeout, every=0.1)
        until(lambda: self.tagged() == {self.leader}, 5)

    @property
    def program(self):
        """The process that leads."""
        found, = [one for one in self.allocation.processes if one.name in ("test-program", "program")]
        return found.pid

    def services(self, allocation):
        """Those of an allocation that show the role, by name: their IDs."""
        found = {self.name: allocation.service_id(self.name, level=self.level)}
        if self.level == "connect":
            found[self.name + "-sidecar-proxy"] = found[self.name] + "-sidecar-proxy"
        return found

    @property
    def leader(self):
        """The allocation that has the last start."""
        return self.events.all("start")[-1].name

    @property
    def allocation(self):
        return self.job.allocations[self.leader]

    def tagged(self):
        """The allocations whose service shows that they lead, by the catalog."""
        return tagged(self.job.datacenter, self.name)

    def next_leads(self, within, after):
        """The gap to the next leader after an instant, in seconds: from the last act of the one before."""
        start = self.events.wait("start", within, after=after)
        before = [event for event in self.events.all("start") if event.at < start.at][-1]
        gap = start.at - self.events.last_alive(before.pid)
        assert gap > 0, f"two acted at once:\n{self.events}"
        return gap

    def close(self):
        self.events.nobody_saw_two()
        self.events.judge(self.events.leading())


def tagged(datacenter, service):
    found = datacenter.cluster.servers[0].catalog(service)
    return {identifier[len("_nomad-task-"):][:36] for identifier, entry in found.items()
            if "primary" in (entry["ServiceTags"] or [])}
