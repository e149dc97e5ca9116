"""A pair whose leader is PID 1 of a docker container."""
import os

from container import Container
from pair import Pair


class ContainedPair(Pair):
    """The program's own pid says nothing out here: what acts or is left beside the next one is seen by the witness alone.
    Consul's socket is in the folder that the container shares, as the place is that outlives it.
    """

    beside = 0.0

    def __init__(self, world, case, agent, image, restart):
        self.image, self.restart = image, restart
        super().__init__(world, case, agent)

    def start_leader(self):
        state = self.world.path("state-" + self.lock)
        os.mkdir(state)
        environment = self.environment | {"TEST_NAME": "leader", "CONSUL_HTTP_ADDR": "unix://" + self.agent.socket,
                                          "CONSUL_LEADER_STATE_DIR": state}
        return Container(self.image, ["--restart", self.restart, "--hostname", self.lock], self.world.folder, environment,
                         self.case.kind.arguments(self.lock))

    def pid_to_watch(self):
        return self.leader.pid

    def remains(self):
        return []
