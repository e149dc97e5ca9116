"""A wire between an instance and its Consul agent that tells when something is sent over it."""
import os
import socket
import threading


class Wire:
    def __init__(self, path, agent):
        self.path, self.agent = path, agent
        self.word, self.action = None, None
        self.seen = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def before(self, word, action):
        """The next request in which the word is found is passed on only after the action."""
        self.word, self.action = word.encode(), action

    def close(self):
        self.listener.close()

    def _accept(self):
        try:
            while True:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.agent)
                for one, other, look in ((client, server, self._look), (server, client, lambda data: None)):
                    threading.Thread(target=self._copy, args=(one, other, look), daemon=True).start()
        except OSError:
            pass  # closed

    def _look(self, data):
        if self.word and self.word in data:
            self.word = None
            self.action()
            self.seen = True

    @staticmethod
    def _copy(source, target, look):
        try:
            while data := source.recv(65536):
                look(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
