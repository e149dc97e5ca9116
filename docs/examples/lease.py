"""A worker that acts only while its instance leads, and gives the lead's token to the store with each write.

    consul-leader --service worker -- python3 lease.py SOCKET      (of token_store.py)
"""
import errno
import mmap
import os
import socket
import struct
import sys
import time

WRITE_TAKES_NS = 100_000_000


class Lease:
    """The lease page, as consul_leader/lease.h describes it. On x86-64, where a processor keeps the order of its reads;
    elsewhere read it from C."""

    def __init__(self, path=None):
        with open(path or os.environ["CONSUL_LEADER_LEASE_FILE"], "rb") as file:
            page = mmap.mmap(file.fileno(), 192, prot=mmap.PROT_READ)
        magic, version, _, *clock = struct.unpack_from("=8sIIQQ36s", page)
        if magic != b"CLLEASE\0" or version != 1:
            raise OSError(errno.EPROTONOSUPPORT, "not a lease page that this program knows")
        namespace = os.stat("/proc/self/ns/time")
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            if clock != [namespace.st_dev, namespace.st_ino, file.read(36)]:
                raise OSError(errno.ESTALE, "a lease page of another boot or time namespace")
        # Items of a cast view are read as one word each; struct.unpack() may read byte by byte.
        self.words = memoryview(page)[128:144].cast("Q")

    def remaining_ns(self):
        """How long an action may still take that begins now, and its token. 0, 0: this instance does not lead."""
        for _ in range(3):
            deadline, token = self.words[0], self.words[1]
            if deadline == self.words[0]:
                remaining = deadline - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
                return (remaining, token) if remaining > 0 else (0, 0)
        return 0, 0


def work(lease, store):
    number = 0
    while True:
        remaining, token = lease.remaining_ns()
        if remaining < WRITE_TAKES_NS:
            time.sleep(0.01)
            continue
        number += 1
        store.write(f"{token} {number} of {os.getpid()}\n")
        store.flush()
        answer = store.readline().strip()
        if answer != "ok":
            sys.exit(f"the store says: {answer or 'nothing'}")


if __name__ == "__main__":
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    work(Lease(), connection.makefile("rw"))
