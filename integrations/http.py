"""The guarded HTTP client: every request that a person's settings cause goes through `send`.

A name is resolved once, every address it has is checked, and the connection goes to a checked address, while TLS
still proves the name. Redirects are checked the same way, at most three. Proxies of the environment are not used.
Time and size are capped. `OUTBOUND_ALLOWLIST` opens what would be refused.
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import urllib3
from django.conf import settings

from integrations import watchdog
from integrations.addresses import (
    Address,
    Target,
    check_address,
    literal,
    parse_target,
    read_allowlist,
)

MAX_REDIRECTS = 3
MAX_BYTES = 1_048_576
CONNECT_SECONDS = 10.0
SAVE_SECONDS = 1.0
BLOCK = 16_384
LONGEST_WAIT = 3_600.0  # seconds that Retry-After may ask for
WITHOUT_BODY = {"GET", "HEAD"}
GONE_WITH_BODY = {"content-type", "content-encoding", "content-language"}


class Unreachable(Exception):
    """No answer came: no such name, nobody listens, TLS failed, or the line broke."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. `secret_headers` stay with the first origin; `seconds` bounds the whole exchange."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    seconds: float = 30.0
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case; `cut` tells that the body was longer than `max_bytes`."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool
    url: str
    seconds: float

    @property
    def text(self) -> str:
        """Return the body as text: in the charset that the answer names, else UTF-8; odd bytes are marked."""
        _, _, charset = self.headers.get("content-type", "").partition("charset=")
        try:
            return self.body.decode(charset.partition(";")[0].strip("\"' ") or "utf-8", errors="replace")
        except (LookupError, ValueError):  # no such encoding, or one that cannot mark odd bytes
            return self.body.decode("utf-8", errors="replace")

    @property
    def retry_after(self) -> float | None:
        """Return the seconds that Retry-After asks for, an hour at most; it is a number or a date."""
        text = self.headers.get("retry-after", "").strip()
        if text.isdecimal():
            return min(float(text[:9]), LONGEST_WAIT)
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return min(max(0.0, (at - datetime.now(UTC)).total_seconds()), LONGEST_WAIT)


def check_url(url: str) -> None:
    """Refuse an address that may not be called, as far as can be told now; raises Forbidden.

    A name that does not resolve, or not within a second, passes: it is checked again when it is called.
    """
    target = parse_target(url)
    try:
        watchdog.watched(
            lambda: _addresses(target),
            seconds=SAVE_SECONDS,
            stopped=lambda: False,
            interrupt=lambda: None,
            sever=lambda: None,
            grace_seconds=0,
        )
    except (Unreachable, watchdog.TookTooLong):
        return


def send(request: Request, *, stopped: Callable[[], bool] = lambda: False) -> Answer:
    """Send `request`, follow redirects, and return the last answer, whatever its status.

    Raises Forbidden for an address that may not be called, Unreachable when no answer came, watchdog.TookTooLong at
    the end of its seconds, and watchdog.Stopped when `stopped()` answers True.
    """
    line = _Line()
    return watchdog.watched(
        lambda: _follow(request, line),
        seconds=request.seconds,
        stopped=stopped,
        interrupt=line.cut,
        sever=lambda: None,
        grace_seconds=1.0,
    )


class _Line:
    """The one connection that is open at a time; another thread may cut it for good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cut = False
        self._connection: urllib3.connection.HTTPConnection | None = None
        self._wire: socket.socket | None = None

    def hold(self, connection: urllib3.connection.HTTPConnection) -> None:
        """Remember the connection, and its socket once it has one: http.client forgets that before the body ends."""
        with self._lock:
            self._connection, self._wire = connection, connection.sock
            if self._cut:
                raise Unreachable("The request was given up.")

    def cut(self) -> None:
        with self._lock:
            self._cut = True
            wire = self._wire or (self._connection and self._connection.sock)
        if wire:
            with suppress(OSError):
                # The plain socket's method: the TLS one would change state under the thread that reads.
                socket.socket.shutdown(wire, socket.SHUT_RDWR)


def _follow(request: Request, line: _Line) -> Answer:
    began = time.monotonic()
    target = parse_target(request.url)
    method, body, secret = request.method, request.body, request.secret_headers
    headers = dict(request.headers)
    for _ in range(MAX_REDIRECTS + 1):
        answer = _exchange(target, method, {**headers, **secret}, body, request.max_bytes, line, began)
        where = answer.headers.get("location", "")
        if answer.status not in {301, 302, 303, 307, 308} or not where:
            return answer
        here, target = target, parse_target(urljoin(target.url, where))
        if target.origin != here.origin:
            secret = {}
        if answer.status in {301, 302, 303} and method not in WITHOUT_BODY:
            method, body = "GET", None
            headers = {name: value for name, value in headers.items() if name.lower() not in GONE_WITH_BODY}
    raise Unreachable(f"The address redirects more than {MAX_REDIRECTS} times.")


def _exchange(
    target: Target,
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
    max_bytes: int,
    line: _Line,
    began: float,
) -> Answer:
    connection = _connect(target, line)
    try:
        connection.request(
            method,
            target.path,
            body=body,
            headers={
                "Host": target.authority,
                "User-Agent": "Carillon",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "Connection": "close",
                **headers,
            },
            preload_content=False,
            decode_content=False,
        )
        response = connection.getresponse()
        content = b""
        while len(content) <= max_bytes and (block := response.read(min(BLOCK, max_bytes + 1 - len(content)))):
            content += block
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as broken:
        raise Unreachable(f"{target.authority} broke off: {_plain(broken)}.") from broken
    finally:
        connection.close()
    return Answer(
        status=response.status,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=content[:max_bytes],
        cut=len(content) > max_bytes,
        url=target.url,
        seconds=time.monotonic() - began,
    )


def _connect(target: Target, line: _Line) -> urllib3.connection.HTTPConnection:
    """Return an open connection to the first checked address that answers."""
    problem: Exception | None = None
    for address in _addresses(target):
        connection = _prepare(target, address)
        line.hold(connection)
        try:
            connection.connect()
        except (urllib3.exceptions.HTTPError, OSError) as refused:
            connection.close()
            problem = refused
            continue
        if connection.sock is not None:
            connection.sock.settimeout(None)  # the watchdog bounds the rest
        line.hold(connection)
        return connection
    raise Unreachable(f"{target.authority} cannot be reached: {_plain(problem)}.") from problem


def _prepare(target: Target, address: Address) -> urllib3.connection.HTTPConnection:
    if target.scheme == "http":
        return urllib3.connection.HTTPConnection(str(address), target.port, timeout=CONNECT_SECONDS)
    return urllib3.connection.HTTPSConnection(
        str(address),
        target.port,
        timeout=CONNECT_SECONDS,
        server_hostname=target.host,
        cert_reqs="CERT_REQUIRED",
    )


def _addresses(target: Target) -> list[Address]:
    """Return every address of the target, each of them checked; raises Forbidden if one may not be called."""
    spelled = literal(target.host)
    found = [spelled] if spelled else _resolve(target.host, target.port)
    allowed = read_allowlist(settings.OUTBOUND_ALLOWLIST)
    for address in found:
        check_address(target.host, address, target.port, allowed)
    return found


def _resolve(host: str, port: int) -> list[Address]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as unknown:
        raise Unreachable(f"The name {host} cannot be resolved: {_plain(unknown)}.") from unknown
    texts = dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers)
    return [address for text in texts if (address := literal(text))]


def _plain(problem: Exception | None) -> str:
    """Return the innermost cause in a few words, without the addresses of Python objects."""
    while isinstance(cause := getattr(problem, "__cause__", None), Exception):
        problem = cause
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem) or type(problem).__name__
