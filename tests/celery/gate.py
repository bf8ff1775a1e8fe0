"""A port that leads to a service of this machine only while it is open: how a broker looks that comes and goes."""

import socket
import threading
from contextlib import suppress


class Gate:
    """Shut at first; while it is shut, whoever comes is turned away at once."""

    def __init__(self, service):
        self.service = service
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_open = False
        self.streams = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shut()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def open(self):
        self.is_open = True

    def shut(self):
        """Turn everybody away, those too that are inside."""
        self.is_open = False
        while self.streams:
            _end(self.streams.pop())

    def _accept(self):
        with suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                if not self.is_open:
                    here.close()
                    continue
                there = socket.create_connection(("127.0.0.1", self.service))
                self.streams += [here, there]
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(source, target):
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    _end(source)
    _end(target)


def _end(stream):
    with suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)
    stream.close()
