"""Holds the model of Consul against a real one: starts it, runs conformance against it, stops it.

CONSUL: the real one; else tests/fetch-consul finds it. BUILD: where the program conformance is. Arguments: a seed, the
first sequence and how many; without, another seed each time and 10,000 sequences.
"""
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

from consul import Cluster  # noqa: E402

SEQUENCES = 10_000


def main():
    seed, first, count = (sys.argv[1:] + [None] * 3)[:3]
    program = os.path.join(os.environ.get("BUILD", os.path.join(HERE, "..", "..", "build")), "conformance")
    seed = seed or str(random.randrange(1_000_000))
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster(directory, session_ttl_min="200ms")  # as main.c has it
        try:
            cluster.start().wait()
            return subprocess.run([program, cluster.servers[0].socket, seed, first or "0",
                                   count or str(SEQUENCES)]).returncode
        finally:
            cluster.close()


if __name__ == "__main__":
    sys.exit(main())
