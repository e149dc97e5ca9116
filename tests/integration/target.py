"""What probes ask: a little HTTP server on loopback whose answer a test switches, and certificates for it."""
import os
import socket
import ssl
import subprocess
import threading
import time
from typing import NamedTuple

from waiting import now


class Asked(NamedTuple):
    at: float
    head: str  # the request
    name: str  # for which the server was asked by TLS


class Target:
    def __init__(self, context=None, address="127.0.0.1"):
        self.context = context
        self.status, self.headers, self.body = 200, "", b"well"
        self.takes = 0.0  # seconds
        self.silent = False  # accepts, and says nothing
        self.asked = []
        self.most_at_once = self.at_once = 0
        self.lock = threading.Lock()
        self.open = []
        self.name = ""
        if context:
            context.sni_callback = self._named
        self.listener = socket.create_server((address, 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/", host="127.0.0.1"):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}{path}"

    def since(self, at):
        return [asked for asked in list(self.asked) if asked.at > at]

    def _named(self, _socket, name, _context):
        self.name = name or ""

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        if self.silent:
            return
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(4096)
                if not part:
                    return
                head += part
            self._answer(connection, head.decode())
        except OSError:
            pass  # it was cancelled, or does not believe us
        finally:
            connection.close()

    def _answer(self, connection, head):
        with self.lock:
            self.asked.append(Asked(now(), head, self.name))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.takes)
        with self.lock:
            self.at_once -= 1
        if self.silent:
            return
        length = "" if callable(self.body) else f"Content-Length: {len(self.body)}\r\n"
        connection.sendall(f"HTTP/1.1 {self.status} Word\r\n{self.headers}{length}Connection: close\r\n\r\n".encode())
        if callable(self.body):
            self.body(connection)
        else:
            connection.sendall(self.body)

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it was closed before
        self.listener.close()
        for connection in self.open:
            connection.close()


def free_port():
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Authority:
    """Signs certificates."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.path = os.path.join(folder, f"{name}.pem")
        self._make(name, ["-addext", "basicConstraints=critical,CA:TRUE"])

    def _make(self, name, how):
        path = os.path.join(self.folder, name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", path + ".key", "-out", path + ".pem",
                        "-config", "/dev/stdin", *how], input="[req]\ndistinguished_name = dn\n[dn]\n", text=True,
                       check=True, stderr=subprocess.PIPE)
        return path + ".pem", path + ".key"

    def certificate(self, name):
        """Certificate and key of a host; their paths."""
        return self._make(name, ["-CA", self.path, "-CAkey", self.path.replace(".pem", ".key"),
                                 "-addext", f"subjectAltName=DNS:{name}"])

    def server(self, name, clients=None):
        """For a server of that name; clients: the authority whose certificates they have to show."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate(name))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients.path)
        return context
