"""A store that a late leader cannot harm: it remembers the highest fencing token and refuses lower ones.

    token_store.py SOCKET FILE

A request is a line `TOKEN VALUE` on the unix socket. The answer is `ok` when both are on the disk, or `stale HIGHEST`
when somebody with a higher token was here before. FILE has a line for each value that was taken.
"""
import os
import socketserver
import sys
import threading


class Store:
    def __init__(self, path):
        self.file = open(path, "ab+")
        self.file.seek(0)
        taken = self.file.read()
        whole = taken.rfind(b"\n") + 1  # what was being written at a crash was not answered
        self.file.truncate(whole)
        self.highest = max((int(line.split()[0]) for line in taken[:whole].splitlines()), default=0)
        self.lock = threading.Lock()
        self.sync()
        folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def sync(self):
        self.file.flush()
        os.fsync(self.file.fileno())

    def take(self, token, value):
        """Comparing, writing and remembering are one step: nobody gets in between."""
        with self.lock:
            if token < self.highest:
                return b"stale %d\n" % self.highest
            self.highest = token
            self.file.write(b"%d %s\n" % (token, value))
            self.sync()
            return b"ok\n"


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            token, _, value = line.rstrip(b"\n").partition(b" ")
            if not line.endswith(b"\n") or not token.isdigit():
                return
            self.wfile.write(self.server.store.take(int(token), value))


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


if __name__ == "__main__":
    with Server(sys.argv[1], Connection) as server:
        server.store = Store(sys.argv[2])
        server.serve_forever()
