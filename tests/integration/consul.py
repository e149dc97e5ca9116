"""Real Consul: agents that tests start, break and ask."""
import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import urllib.parse

from network import Namespace, Switch
from processes import alive, kill
from waiting import until

PROGRAM = os.environ.get("CONSUL") or subprocess.run(
    [os.path.join(os.path.dirname(__file__), "..", "fetch-consul")], check=True, stdout=subprocess.PIPE,
    text=True).stdout.strip()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.body = response.read()
        self.index = int(response.headers.get("X-Consul-Index") or 0)

    @property
    def json(self):
        assert self.status == 200, f"Consul answered {self.status}: {self.body.decode(errors='replace')}"
        return json.loads(self.body)


class Agent:
    """One Consul agent. What we ask goes through a unix socket, so that no cut cable is in the way."""

    def __init__(self, name, directory, namespace, config):
        self.name = name
        self.namespace = namespace
        self.directory = directory
        self.socket = os.path.join(directory, "http")
        self.log = os.path.join(directory, "log")
        self.process = None
        os.makedirs(os.path.join(directory, "data"))
        address = namespace.address or "127.0.0.1"
        settings = {
            "node_name": name, "data_dir": os.path.join(directory, "data"), "bind_addr": address,
            "addresses": {"http": "127.0.0.1 unix://" + self.socket}, "disable_update_check": True, "log_level": "info",
            "ports": {"dns": -1, "grpc": -1, "serf_wan": -1}, "retry_interval": "1s", "disable_host_node_id": True,
            "enable_local_script_checks": True,
        }
        settings.update(config)
        self.token = settings.get("acl", {}).get("tokens", {}).get("master", "")  # what we ask with
        self.config = os.path.join(directory, "config.json")
        with open(self.config, "w") as file:
            json.dump(settings, file)

    def start(self, *arguments):
        assert not self.running
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                self.namespace.enter() + ["setpriv", "--pdeathsig", "KILL", "--", PROGRAM, "agent", "-config-file",
                                          self.config, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"], "GOMAXPROCS": "2", "HOME": self.directory})

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, number=signal.SIGKILL):
        """Kills it, or with another signal tells it to stop, and waits for its end."""
        if self.running:
            kill(self.pid, signal.SIGCONT)
            kill(self.pid, number)
            self.process.wait()

    def pause(self):
        kill(self.pid, signal.SIGSTOP)

    def resume(self):
        kill(self.pid, signal.SIGCONT)

    def answers(self):
        try:
            return self.request("GET", "/v1/status/leader", timeout=2).status == 200
        except OSError:
            return False

    def request(self, method, path, body=None, timeout=15.0, **query):
        if query:
            path += "?" + urllib.parse.urlencode({name.rstrip("_"): value for name, value in query.items()})
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        connection = UnixConnection(self.socket, timeout)
        try:
            connection.request(method, path, body, {"X-Consul-Token": self.token})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def leader(self):
        """The address of the Consul leader that this agent knows; empty when it knows none."""
        try:
            answer = self.request("GET", "/v1/status/leader", timeout=2)
            return answer.json if answer.status == 200 else ""
        except OSError:
            return ""

    def nodes(self):
        answer = self.request("GET", "/v1/health/state/passing", timeout=2)
        return {check["Node"] for check in answer.json if check["CheckID"] == "serfHealth"} \
            if answer.status == 200 else set()

    # Keys

    def get(self, key, **query):
        """The entry of a key with its value as text, or None."""
        answer = self.request("GET", "/v1/kv/" + key, **({"consistent": ""} | query))
        if answer.status == 404:
            return None
        entry = answer.json[0]
        entry["Value"] = base64.b64decode(entry["Value"]).decode() if entry["Value"] else ""
        return entry

    def put(self, key, value="", **query):
        return self.request("PUT", "/v1/kv/" + key, value, **query).json

    def delete(self, key, **query):
        return self.request("DELETE", "/v1/kv/" + key, **query).json

    def keys(self, prefix):
        answer = self.request("GET", "/v1/kv/" + prefix, keys="")
        return [] if answer.status == 404 else answer.json

    def holder(self, key):
        """The session that holds a key, or ''."""
        entry = self.get(key)
        return entry.get("Session", "") if entry else ""

    # Sessions

    def create_session(self, **fields):
        return self.request("PUT", "/v1/session/create", fields).json["ID"]

    def destroy_session(self, session):
        return self.request("PUT", "/v1/session/destroy/" + session).json

    def sessions(self):
        return self.request("GET", "/v1/session/list").json

    def session(self, identifier):
        found = self.request("GET", "/v1/session/info/" + identifier).json
        return found[0] if found else None

    # Services

    def register(self, **service):
        answer = self.request("PUT", "/v1/agent/service/register", service)
        assert answer.status == 200, answer.body

    def deregister(self, identifier):
        self.request("PUT", "/v1/agent/service/deregister/" + identifier)

    def service(self, identifier):
        """The service as this agent has it, or None."""
        answer = self.request("GET", "/v1/agent/service/" + identifier)
        return None if answer.status == 404 else answer.json

    def tags(self, identifier):
        service = self.service(identifier)
        return service["Tags"] or [] if service else None

    def catalog(self, name):
        """The service's instances as everybody sees them, by their IDs."""
        return {entry["ServiceID"]: entry for entry in self.request("GET", "/v1/catalog/service/" + name).json}


def others(service):
    """A service, of an agent or of the catalog, without what a change of its tags changes: indexes and the content's hash."""
    return {name: value for name, value in service.items()
            if name not in ("Tags", "ServiceTags", "ContentHash", "CreateIndex", "ModifyIndex")}


class Cluster:
    """Servers and client agents, each on a machine of its own; with a single server, one machine with loopback."""

    def __init__(self, directory, servers=1, agents=0, raft_multiplier=1, session_ttl_min="1s", **config):
        self.switch = Switch() if servers + agents > 1 else None
        self.single = self.switch is None
        self.key = None
        common = dict(config)
        if session_ttl_min:
            common["session_ttl_min"] = session_ttl_min
        if raft_multiplier:
            common["performance"] = {"raft_multiplier": raft_multiplier}
        machines = [self.switch.machine() if self.switch else Namespace() for _ in range(servers + agents)]
        if self.switch:
            common["retry_join"] = [machine.address for machine in machines[:servers]]
        self.servers = [Agent(f"server-{i + 1}", os.path.join(directory, f"server-{i + 1}"), machines[i],
                              common | {"server": True, "bootstrap_expect": servers}) for i in range(servers)]
        self.agents = [Agent(f"agent-{i + 1}", os.path.join(directory, f"agent-{i + 1}"), machines[servers + i],
                             common) for i in range(agents)]

    @property
    def members(self):
        return self.servers + self.agents

    def start(self):
        for agent in self.members:
            agent.start()
        return self

    def wait(self, timeout=40.0):
        """Until there is a leader, and every member's node is known and healthy, as sessions need it."""
        names = {agent.name for agent in self.members}

        def ready():
            if not all(agent.running for agent in self.members):
                raise AssertionError("a Consul agent ended; see its log")
            try:
                return all(agent.leader() for agent in self.members) and \
                    all(agent.nodes() >= names for agent in self.members)
            except OSError:
                return False
        until(ready, timeout, "a Consul that is ready", every=0.05)
        return self

    def leader(self):
        """The server that leads the others, or None."""
        for server in self.servers:
            if server.running and (address := server.leader()):
                for candidate in self.servers:
                    if candidate.running and address.startswith((candidate.namespace.address or "127.0.0.1") + ":"):
                        return candidate
        return None

    def close(self):
        for agent in self.members:
            agent.kill()
        if self.switch:
            self.switch.close()
        else:
            self.servers[0].namespace.close()
