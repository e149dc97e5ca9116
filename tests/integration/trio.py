"""Three instances of one service, each with a Consul agent of its own, and three Consul servers."""
import processes
from instance import hook, program
from waiting import until

KEY = "consul-leader/redis/lock"

# Quick, where Consul's servers let a TTL be short.
TTL, LEASE = 2.0, 3.0
LOCK_DELAY = LEASE + 3
FAST = ["--ttl", f"{TTL:g}s", "--lease", f"{LEASE:g}s", "--demote-timeout", "500ms"]
# What we ship.
DEFAULT_TTL, DEFAULT_LEASE, DEFAULT_LOCK_DELAY = 10.0, 20.0, 23.0

LEADER_ONLY = ["--mode", "leader-only"]
HOOKS = ["--on-promote", hook("promote"), "--on-demote", hook("demote")]


class Trio:
    def __init__(self, world, *options, cluster=None, command=None, environment=None, names=("one", "two", "three")):
        self.world, self.events = world, world.events
        self.cluster = cluster or world.consul(servers=3, agents=len(names)).start().wait()
        self.options = ["--service", "redis", *options]
        self.command = program("--children", 1) if command is None else command
        self.environment = environment
        self.agents = dict(zip(names, self.cluster.agents))
        self.began = "promote-begin" if "--on-promote" in self.options else "start"
        self.instances = {}
        for name in names:
            self.start(name)

    def start(self, name):
        command = ["--", *self.command] if self.command else []
        self.instances[name] = self.world.start(name, *self.options, *command, agent=self.agents[name],
                                                environment=self.environment)
        return self.instances[name]

    @property
    def consul(self):
        """A server to ask."""
        return next(server for server in self.cluster.servers if server.running)

    def leaders(self):
        """Who leads now: began to, has not ended, and its program lives."""
        found = []
        for event in self.events.all(self.began):
            ended = self.events.all("demote-end" if self.began == "promote-begin" else "stop", name=event.name,
                                    after=event.at)
            pids = [event.pid] if self.began == "start" else \
                [start.pid for start in self.events.all("start", name=event.name)][-1:]
            if not ended and all(map(processes.alive, pids)) and self.instances[event.name].all:
                found.append(event)
        return found

    def leader(self, within=20.0, after=0.0):
        """The event with which one became leader after an instant, and leads alone now."""
        try:
            event = self.events.wait(self.began, within, after=after)
        except AssertionError as error:
            said = "\n".join(f"--- {name}\n{one.text}" for name, one in self.instances.items())
            raise AssertionError(f"{error}\n{said}") from None
        leading = self.leaders()
        assert [one.name for one in leading] == [event.name], f"{leading}\n{self.events}"
        return event

    def settle(self):
        """Until one leads and the others wait for it; the leader's name."""
        name = self.leader().name
        for other, instance in self.instances.items():
            if other != name:
                instance.wait_for_line("follower|waiting", 5)
            if self.command and self.began != "start":
                self.events.wait("start", 5, name=other)
        until(lambda: len(self.consul.keys(KEY + ".candidates/")) == len(self.instances), 5, "every candidate's key")
        return name

    def next_leads(self, fault_at, within, but=None):
        """The next leader came within the bound, alone, and nobody ever led beside another."""
        event = self.leader(within, after=fault_at)
        assert event.at - fault_at <= within
        if but:
            assert event.name != but
        self.judge()
        return event

    def judge(self):
        self.events.judge(self.events.intervals(self.began, {"demote-end"} if self.began == "promote-begin" else
                                                {"stop"}))
        self.events.nobody_saw_two()
