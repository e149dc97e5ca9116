"""What clients of Redis do: they find the primary in Consul, write, and count what a replica has, too."""
import threading
import time

from nomad import connected
from waiting import now, until


class NotDone(Exception):
    """Redis answered with an error."""


class Connection:
    """One to Redis, made on the machine of a namespace."""

    def __init__(self, namespace, address, timeout=3.0):
        self.socket = connected(namespace.holder.pid, *address, timeout)
        self.answers = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answers.close()
        self.socket.close()

    def say(self, *commands):
        """Sends commands at once; returns their answers. Raises what came first: NotDone, or OSError for a dead connection."""
        words = [str(command).split() for command in commands]
        self.socket.sendall("".join(
            f"*{len(command)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in command)
            for command in words).encode())
        return [self._answer() for _ in words]

    def _answer(self):
        line = self.answers.readline().decode()
        if not line.endswith("\r\n"):
            raise ConnectionResetError("Redis has closed the connection")
        kind, rest = line[0], line[1:-2]
        if kind == "-":
            raise NotDone(rest)
        if kind == ":":
            return int(rest)
        if kind == "$":
            return None if rest == "-1" else self.answers.read(int(rest) + 2)[:-2].decode()
        if kind == "*":
            return [self._answer() for _ in range(int(rest))]
        return rest

    def info(self):
        """What it says of its replication."""
        text, = self.say("INFO replication")
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def addresses(consul, **query):
    """Where the service's instances are, by their IDs, that Consul's health API gives to such a question."""
    found = consul.request("GET", "/v1/health/service/redis", **query).json
    return {one["Service"]["ID"]: (one["Service"]["Address"], one["Service"]["Port"]) for one in found}


class Client(threading.Thread):
    """Writes key after key, and keeps those that Redis has acknowledged and `replicas` of its replicas have."""

    def __init__(self, consul, replicas=1):
        super().__init__()
        self.consul, self.replicas = consul, replicas
        self.acknowledged = []
        self.gaps = []  # from the last such write through one connection to the first through the next, in seconds
        self.over = False
        self.start()

    def run(self):
        key, last = 0, None
        while not self.over:
            try:
                # One without the tag, or two, is a moment of its change.
                address, = addresses(self.consul, passing="", tag="primary").values()
                with Connection(self.consul.namespace, address) as redis:
                    first = True
                    while not self.over:
                        key += 1
                        if redis.say(f"SET key:{key} {key}", f"WAIT {self.replicas} 500")[1] >= self.replicas:
                            self.acknowledged.append(key)
                            if first and last:
                                self.gaps.append(now() - last)
                            last, first = now(), False
                        time.sleep(0.002)
            except (ValueError, OSError, NotDone):
                time.sleep(0.005)

    def writes(self):
        """Waits until some more writes are acknowledged."""
        count = len(self.acknowledged)
        until(lambda: len(self.acknowledged) >= count + 20, 30, lambda: f"the client writes again after {count}", every=0.01)

    def close(self):
        self.over = True
        self.join()


def lost(redis, keys):
    """Those of the keys that are not there as they were written."""
    missing = []
    for begin in range(0, len(keys), 500):
        part = keys[begin:begin + 500]
        values, = redis.say("MGET " + " ".join(f"key:{key}" for key in part))
        missing += [key for key, value in zip(part, values) if value != str(key)]
    return missing
