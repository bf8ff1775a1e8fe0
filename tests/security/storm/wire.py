"""A client that sends the bytes it is told to, well-formed or not, and times the answer."""

import http.client
import socket
import time
from dataclasses import dataclass, field

PATIENCE = 15.0  # seconds


@dataclass
class Attempt:
    """One request; header values and the target are Latin-1 text, sent as they are."""

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    caller: str = ""
    token: str = ""

    @property
    def told(self) -> str:
        """Return what identifies it in a report."""
        headers = {name: value[:80] for name, value in self.headers if name not in {"Cookie", "Authorization"}}
        return f"{self.method} {self.target[:200]} as {self.caller} {headers} {self.body[:200]!r}"

    @property
    def raw(self) -> bytes:
        names = {name.lower() for name, _ in self.headers}
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [] if "host" in names else ["Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(self.body)}"] if self.body or self.method in {"POST", "PUT", "PATCH"} else []
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + self.body


@dataclass
class Answer:
    """`status` 0: the server closed the connection without a word."""

    status: int
    seconds: float
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Wire:
    """One connection, kept alive while the server allows it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def send(self, attempt: Attempt) -> Answer:
        """Send and return the answer; a kept connection that the server had closed is opened anew."""
        fresh = self.socket is None
        answer = self._once(attempt)
        return self._once(attempt) if answer.status == 0 and not fresh else answer

    def _once(self, attempt: Attempt) -> Answer:
        began = time.monotonic()
        try:
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._push(attempt.raw)
            response = http.client.HTTPResponse(self.socket, method=attempt.method)
            response.begin()
            body = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(0, time.monotonic() - began)
        answer = Answer(
            response.status, time.monotonic() - began, {n.lower(): v for n, v in response.getheaders()}, body
        )
        if response.will_close:
            self.close()
        return answer

    def _push(self, raw: bytes) -> None:
        """Send all; a server that refuses half-way has an answer to read all the same."""
        try:
            self.socket.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            return

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None
