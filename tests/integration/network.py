"""Network namespaces of our own: machines on one switch, whose cables can be cut.

Each is held by a process that ends when we do, so that nothing stays. A plain user gets them in a user namespace.
"""
import functools
import os
import subprocess

from processes import kill


@functools.cache
def own_mounts():
    """The options of unshare(1) for mounts of one's own. In a chroot the root is no mount whose propagation could be
    changed."""
    plain = ["--mount"]
    works = subprocess.run(["unshare", *plain, "true"], stderr=subprocess.DEVNULL).returncode == 0
    return plain if works else [*plain, "--propagation", "unchanged"]


def own_pids():
    """A command that runs another as PID 1 of a PID namespace, which ends with it."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--pid", "--fork", "--kill-child", *own_mounts(), "--mount-proc"]


class Namespace:
    def __init__(self, address=None):
        self.address = address  # on the switch; None: only loopback
        unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
        self.holder = subprocess.Popen(unshare + ["sh", "-c", "ip link set lo up && echo up && exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "up\n", "cannot make a network namespace (root, or user namespaces)"

    def enter(self):
        """What to put in front of a command that runs here."""
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self.holder.pid), *user, "--net", "--"]

    def run(self, *command, **more):
        subprocess.run(self.enter() + list(command), check=True, **more)

    def drop(self, *matches):
        """From now on packets that come in here and match one of these, in nft's words, are lost; nobody is told."""
        rules = "\n".join(f"{match} drop" for match in matches)
        self.run("nft", "-f", "-", text=True, input=f"""
            table inet lost {{
                chain input {{
                    type filter hook input priority 0
                    {rules}
                }}
            }}""")

    def admit(self):
        """Everything comes in again."""
        self.run("nft", "flush", "ruleset")

    def peers(self, port):
        """The ports of those who have a connection to this port, over IPv4."""
        with open(f"/proc/{self.holder.pid}/net/tcp") as file:
            connections = [line.split()[1:4] for line in file.readlines()[1:]]
        return [int(remote.split(":")[1], 16) for local, remote, state in connections
                if int(local.split(":")[1], 16) == port and state == "01"]

    def close(self):
        self.holder.stdin.close()
        self.holder.stdout.close()
        kill(self.holder.pid)
        self.holder.wait()


class Switch:
    """10.77.0.0/24: machines that reach each other until they are cut off."""

    def __init__(self):
        self.hub = Namespace()
        self.hub.run("ip", "link", "add", "switch", "type", "bridge")
        self.hub.run("ip", "link", "set", "switch", "up")
        self.machines = []

    def machine(self):
        number = len(self.machines) + 1
        machine = Namespace(f"10.77.0.{number}")
        machine.port = f"port{number}"
        self.machines.append(machine)
        self.hub.run("ip", "link", "add", machine.port, "type", "veth", "peer", "name", "eth0",
                     "netns", str(machine.holder.pid))
        self.hub.run("ip", "link", "set", machine.port, "master", "switch", "up")
        machine.run("sh", "-c", f"ip address add {machine.address}/24 dev eth0 && ip link set eth0 up")
        return machine

    def cut(self, machine):
        """From now on nothing that it sends arrives, and nothing reaches it; nobody is told."""
        self.hub.run("ip", "link", "set", machine.port, "nomaster")

    def mend(self, machine):
        self.hub.run("ip", "link", "set", machine.port, "master", "switch")

    def close(self):
        for machine in self.machines:
            machine.close()
        self.hub.close()
