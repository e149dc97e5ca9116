"""Real Nomad: agents that tests start, break and ask, each on a machine of a Consul cluster."""
import contextlib
import ctypes
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import urllib.parse

from consul import PROGRAM as CONSUL
from consul import Cluster
from processes import descendants, environment, everything, kill
from waiting import until

PROGRAM = os.environ.get("NOMAD") or subprocess.run(
    [os.path.join(os.path.dirname(__file__), "fetch-nomad")], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
BUILD = os.environ["BUILD"]
CLONE_NEWNET = 0x40000000

# One client must not take the containers of another for its own that it has lost.
PLUGINS = """
plugin "raw_exec" {
  config {
    enabled = true
  }
}
plugin "docker" {
  config {
    gc {
      image = false
      dangling_containers {
        enabled = false
      }
    }
    volumes {
      enabled = true
    }
  }
}
"""


def connected(pid, address, port, timeout):
    """A connection made in the network namespace of a process, by a thread that enters it: a socket stays where it was made."""
    result = []

    def make():
        with open(f"/proc/{pid}/ns/net") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
                result.append(OSError(ctypes.get_errno(), "setns"))
                return
        try:
            result.append(socket.create_connection((address, port), timeout))
        except OSError as error:
            result.append(error)
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


class NamespaceConnection(http.client.HTTPConnection):
    """Made in another network namespace."""

    def __init__(self, pid, address, port, timeout):
        super().__init__(address, port, timeout=timeout)
        self.pid = pid

    def connect(self):
        self.sock = connected(self.pid, self.host, self.port, self.timeout)


class Refused(AssertionError):
    pass


class Agent:
    """One Nomad agent, server or client."""

    def __init__(self, name, directory, consul, config, more):
        """more: settings as HCL."""
        self.name, self.directory, self.consul = name, directory, consul
        self.namespace = consul.namespace
        self.address = self.namespace.address
        self.log = os.path.join(directory, "log")
        self.process = None
        os.makedirs(directory)
        settings = {
            "name": name, "data_dir": os.path.join(directory, "data"), "bind_addr": self.address,
            "disable_update_check": True, "log_level": "INFO",
            "advertise": {"http": self.address, "rpc": self.address, "serf": self.address},
            "consul": [{"address": "127.0.0.1:8500"}], "leave_on_terminate": False, "leave_on_interrupt": False,
        } | config
        self.server = self
        self.config = os.path.join(directory, "config.json")
        with open(self.config, "w") as file:
            json.dump(settings, file)
        self.more = os.path.join(directory, "more.hcl")
        with open(self.more, "w") as file:
            file.write(more)

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                self.namespace.enter() + ["setpriv", "--pdeathsig", "KILL", "--", PROGRAM, "agent", "-config", self.config,
                                          "-config", self.more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": ":".join((BUILD, os.path.dirname(CONSUL), os.environ["PATH"])), "HOME": self.directory,
                     "GOMAXPROCS": "2"})
        return self

    def kill(self, number=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            kill(self.process.pid, number)
            self.process.wait()

    def close(self):
        """Stops it, and takes away what it leaves for its next start: helpers, networks and mounts of allocations."""
        self.kill(signal.SIGTERM)
        mark = f"HOME={self.directory}".encode()
        for process in everything():
            if process.alive and mark in environment(process.pid).split(b"\0"):
                kill(process.pid, signal.SIGKILL)
        allocations = os.path.join(self.directory, "data", "alloc")
        networks = [os.path.join("/run/netns", name) for name in os.listdir(allocations)] if os.path.exists(allocations) else []
        with open("/proc/mounts") as file:
            mounts = [line.split()[1] for line in file]
        for mount in mounts:
            if mount in networks or mount.startswith(self.directory + "/"):
                subprocess.run(["umount", "--lazy", mount], check=True)  # those that were killed may hold it still
        for network in networks:
            if os.path.exists(network):
                os.unlink(network)
        self._forget_addresses([os.path.basename(network) for network in networks])

    @staticmethod
    def _forget_addresses(allocations):
        """Those that the CNI plugins keep note of for networks that are gone."""
        for path in glob.glob("/var/lib/cni/results/nomad-*") + glob.glob("/run/cni/nomad/*.*.*.*"):
            with open(path) as file:
                text = file.read()
            if any(allocation in text for allocation in allocations):
                os.unlink(path)

    def nodes_here(self):
        """The node of a client, as the servers know it; none while nobody can be asked."""
        try:
            return [node for node in self.server.request("GET", "/v1/nodes") if node["Name"] == self.name]
        except (OSError, Refused):
            return []

    def drain(self, on):
        node, = self.nodes_here()
        self.server.request("POST", f"/v1/node/{node['ID']}/drain", {
            "DrainSpec": {"Deadline": 60 * 10**9} if on else None, "MarkEligible": not on})

    def request(self, method, path, body=None, timeout=30.0, **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        connection = NamespaceConnection(self.namespace.holder.pid, self.address, 4646, timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise Refused(f"Nomad answered {response.status} to {method} {path}: {text.decode(errors='replace')}")
        return json.loads(text) if text else None


class Datacenter:
    """A Consul server with a Nomad server, and machines that each have an agent of both."""

    def __init__(self, cluster, directory, settings=""):
        """settings: of all Nomad agents, as HCL."""
        self.cluster = cluster
        server = cluster.servers[0]
        self.server = Agent("server", os.path.join(directory, "server"), server, {
            "server": {"enabled": True, "bootstrap_expect": 1}}, settings)
        self.clients = [Agent(f"client-{i + 1}", os.path.join(directory, f"client-{i + 1}"), agent, {
            "client": {"enabled": True, "network_interface": "eth0", "servers": [self.server.address + ":4647"],
                       "max_kill_timeout": "120s", "host_volume": [{"consul": {"path": agent.directory}}],
                       "meta": {"consul": agent.socket}, "cni_path": "/usr/lib/cni",
                       "options": {"fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean"}},
        }, PLUGINS + settings) for i, agent in enumerate(cluster.agents)]
        for client in self.clients:
            client.server = self.server

    @property
    def agents(self):
        return [self.server, *self.clients]

    def start(self):
        self.server.start()
        # Before the keyring is there a client would be refused, and try again 15 s later.
        until(lambda: self._says(self.server, "initialized keyring"), 60, "a Nomad server", every=0.05)
        for client in self.clients:
            client.start()
        until(lambda: len([node for node in self.nodes() if node["Status"] == "ready"]) == len(self.clients), 60,
              "all Nomad clients ready", every=0.1)
        return self

    @staticmethod
    def _says(agent, words):
        with open(agent.log) as log:
            return words in log.read()

    def nodes(self):
        try:
            return self.server.request("GET", "/v1/nodes")
        except (OSError, Refused):
            return []

    def close(self):
        for agent in reversed(self.agents):
            agent.close()

    # Jobs

    def parse(self, text):
        return self.server.request("POST", "/v1/jobs/parse", {"JobHCL": text, "Canonicalize": True})

    def run(self, text):
        job = Job(self, self.parse(text))
        job.submit()
        return job


@contextlib.contextmanager
def running_datacenter(clients, settings=lambda cluster: "", **consul):
    """A datacenter that lives as long as the block."""
    folder = tempfile.mkdtemp(prefix="nomad-")  # short: Nomad makes unix sockets far below, whose names must be
    cluster = Cluster(os.path.join(folder, "consul"), servers=1, agents=clients, connect={"enabled": True},
                      ports={"dns": -1, "serf_wan": -1, "grpc": 8502}, **consul).start()
    it = Datacenter(cluster.wait(), folder, settings(cluster))
    try:
        yield it.start()
    except BaseException:
        for agent in it.agents:
            print(f"----- {agent.log}\n{open(agent.log).read()[-3000:]}")
        raise
    finally:
        it.close()
        cluster.close()
        shutil.rmtree(folder)


class Job:
    def __init__(self, datacenter, definition):
        self.datacenter, self.definition = datacenter, definition
        self.id = definition["ID"]
        self.server = datacenter.server

    def submit(self):
        self.server.request("POST", "/v1/jobs", {"Job": self.definition})

    @property
    def allocations(self):
        """Those that are to run, by their IDs."""
        return {one["ID"]: Allocation(self, one) for one in self.server.request("GET", f"/v1/job/{self.id}/allocations")
                if one["DesiredStatus"] == "run" and one["ClientStatus"] in ("pending", "running")}

    def runs(self, count, timeout=60):
        """Waits until so many run; returns them."""
        def running():
            found = self.allocations
            return list(found.values()) if len(found) == count and \
                all(one.status == "running" for one in found.values()) else None
        return until(running, timeout, lambda: f"{count} run of {self.id}; there are {self.allocations}", every=0.05)

    def stop(self):
        self.server.request("DELETE", f"/v1/job/{self.id}", purge="true")

    def ends(self, timeout=60):
        """Waits until nothing of it runs."""
        until(lambda: not [one for one in self.server.request("GET", f"/v1/job/{self.id}/allocations")
                           if one["ClientStatus"] in ("pending", "running")], timeout, self.id + " has ended", every=0.1)

    def deployment(self, status, healthy, timeout=60):
        """Waits until the newest one is so, with so many of its allocations healthy; returns its ID."""
        def newest():
            found = self.server.request("GET", f"/v1/job/{self.id}/deployment")
            well = sum(group["HealthyAllocs"] for group in found["TaskGroups"].values())
            return found["ID"] if found["Status"] == status and well == healthy and \
                found["JobVersion"] == self.server.request("GET", f"/v1/job/{self.id}")["Version"] else None
        return until(newest, timeout, f"a deployment of {self.id} that is {status}", every=0.05)

    def promote(self, deployment):
        """Its canaries."""
        self.server.request("PUT", f"/v1/deployment/promote/{deployment}", {"DeploymentID": deployment, "All": True})


class Allocation:
    def __init__(self, job, stub):
        self.job, self.server = job, job.server
        self.group = stub["TaskGroup"]
        self.id, self.status = stub["ID"], stub["ClientStatus"]
        self.client = next(client for client in job.datacenter.clients if client.name == stub["NodeName"])
        self.task = next((name for name in stub["TaskStates"] or {} if not name.startswith("connect-proxy-")), "")
        self.job_version = stub["JobVersion"]

    def __repr__(self):
        return f"{self.id[:8]} {self.status} on {self.client.name}"

    def stop(self):
        self.server.request("POST", f"/v1/allocation/{self.id}/stop")

    def restart(self):
        self.server.request("PUT", f"/v1/client/allocation/{self.id}/restart", {"TaskName": self.task})

    def service_id(self, service, port="db", level="task"):
        """Of a service of its task, or else of its group."""
        return f"_nomad-task-{self.id}-{self.task if level == 'task' else 'group-' + self.group}-{service}-{port}"

    def log(self, which="stdout", task=None):
        path = os.path.join(self.client.directory, "data", "alloc", self.id, "alloc", "logs",
                            f"{task or self.task}.{which}.0")
        return open(path, errors="replace").read() if os.path.exists(path) else ""

    @property
    def processes(self):
        """All that run for it; our network process has next to no environment."""
        mark = b"NOMAD_ALLOC_ID=" + self.id.encode()
        marked = [process for process in everything() if process.alive and mark in environment(process.pid).split(b"\0")]
        below = [process for one in marked for process in descendants(one.pid) if process.alive]
        return sorted({process.pid: process for process in marked + below}.values())
