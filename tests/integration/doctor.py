"""What probes ask: an HTTP or TCP server on a port of its own, whose answers a test chooses."""
import http.server
import socket
import ssl
import subprocess
import threading


class Doctor:
    """Answers each GET with `status`; None: never."""

    def __init__(self, status=200, tls=None):
        self.status, self.asked, self.paths = status, 0, []
        self.quiet = threading.Event()
        doctor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                doctor.asked += 1
                doctor.paths.append(self.path)
                if doctor.status is None:
                    doctor.quiet.wait()
                    return
                self.send_response(doctor.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.quiet.set()
        self.server.shutdown()
        self.server.server_close()


class Silence:
    """Accepts connections and says nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()


class Authority:
    """A CA of its own, with a server's and a client's certificate."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test-ca", "-keyout",
                      "ca.key", "-out", "ca.pem")
        for who in ("server", "client"):
            self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + who, "-keyout", who + ".key", "-out",
                          who + ".csr")
            with open(self.path("extensions"), "w") as file:
                file.write(f"subjectAltName=DNS:{name}\n")
            self._openssl("x509", "-req", "-in", who + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                          "-days", "2", "-extfile", "extensions", "-out", who + ".pem")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def path(self, name):
        return f"{self.folder}/{name}"

    def server(self, asks_client=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("server.pem"), self.path("server.key"))
        if asks_client:
            context.load_verify_locations(self.path("ca.pem"))
            context.verify_mode = ssl.CERT_REQUIRED
        return context
