"""Somebody who takes the demo's commands where the machine has no NATS server. Knows no Django.

It speaks as much of NATS as a sender of commands needs, and acknowledges each as a stream would: once for each
`Nats-Msg-Id`. It keeps nothing and listens on this machine only.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections import OrderedDict

INFO = {
    "server_id": "CARILLONDEMO",
    "server_name": "demo",
    "version": "2.9.0",
    "proto": 1,
    "headers": True,
    "jetstream": True,
    "max_payload": 1_048_576,
}
STREAM = "DEMO"
REMEMBERED = 10_000  # ids


class Receiver(socketserver.ThreadingTCPServer):
    """Listens on a free port from its making on; `start` answers in threads that end with the process."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.lock = threading.Lock()
        self.taken: OrderedDict[str, int] = OrderedDict()  # message id → its place in the stream
        self.last = 0

    @property
    def address(self) -> str:
        """Return where it listens, as NATS_URL says it."""
        return f"nats://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self.serve_forever, name="receiver", daemon=True).start()

    def take(self, message_id: str) -> dict[str, object]:
        """Return the acknowledgement of a message; one that was taken before keeps its place."""
        with self.lock:
            known = self.taken.get(message_id) if message_id else None
            if known is not None:
                return {"stream": STREAM, "seq": known, "duplicate": True}
            self.last += 1
            self.taken[message_id] = self.last
            if len(self.taken) > REMEMBERED:
                self.taken.popitem(last=False)
            return {"stream": STREAM, "seq": self.last}


class Conversation(socketserver.StreamRequestHandler):
    """One client, line by line, until it leaves or says what nobody understands."""

    server: Receiver

    def handle(self) -> None:
        self.wishes: list[tuple[str, str]] = []  # what was subscribed to, and under which number
        self.wfile.write(f"INFO {json.dumps(INFO)}\r\n".encode())
        while line := self.rfile.readline(65_536):
            verb, *words = line.decode(errors="replace").split() or [""]
            if verb == "PING":
                self.wfile.write(b"PONG\r\n")
            elif verb == "SUB" and len(words) >= 2:
                self.wishes.append((words[0], words[-1]))
            elif verb in {"PUB", "HPUB"} and len(words) >= 2 and words[-1].isdecimal():
                self.take(verb, words)
            elif verb not in {"CONNECT", "UNSUB", "PONG"}:
                self.wfile.write(b"-ERR 'Unknown Protocol Operation'\r\n")
                return

    def take(self, verb: str, words: list[str]) -> None:
        """Take a message, and acknowledge it to who wants to hear."""
        content = self.rfile.read(min(int(words[-1]), 1_048_576) + 2)
        counted = 2 if verb == "HPUB" else 1  # lengths at the end of the line
        reply = words[1] if len(words) > counted + 1 else ""
        headers = content[: int(words[-2])].decode(errors="replace") if verb == "HPUB" else ""
        found = next((one for one in headers.splitlines() if one.lower().startswith("nats-msg-id:")), "")
        told = json.dumps(self.server.take(found.partition(":")[2].strip())).encode()
        number = next((number for subject, number in self.wishes if _matches(subject, reply)), None)
        if reply and number is not None:
            self.wfile.write(f"MSG {reply} {number} {len(told)}\r\n".encode() + told + b"\r\n")


def _matches(pattern: str, subject: str) -> bool:
    """Tell whether a subject is one that a pattern, which may end in a wildcard, asks for."""
    if pattern.endswith((".*", ".>")):
        return subject.startswith(pattern[:-1])
    return pattern == subject
