"""Send messages through NATS: one connection for one message, closed whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from integrations.watchdog import TookTooLong, watched

if TYPE_CHECKING:
    from nats.aio.client import Client

T = TypeVar("T")
CLOSE_SECONDS = 2.0
Problem = Literal["unreachable", "no_stream", "no_responder", "rejected", "payload_too_large"]


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect: `nats://host:port` or `tls://host:port`, and a user's password, or a token without a user."""

    address: str
    user: str = ""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """What to send."""

    subject: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """JetStream has it: in which stream, under which number, and whether it had it before."""

    stream: str
    sequence: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server says of itself."""

    version: str
    jetstream: bool
    seconds: float


class NotSent(Exception):
    """The message was not taken; `problem` says in one word why, the text in a sentence without any secret."""

    def __init__(self, problem: Problem, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = problem


def publish(server: Server, message: Message, *, seconds: float, stopped: Callable[[], bool]) -> Kept:
    """Return where JetStream keeps the message. Raises NotSent, TookTooLong and Stopped."""

    async def act(client: Client) -> Kept:
        from nats.js.errors import APIError, NoStreamResponseError

        try:
            told = await client.jetstream().publish(
                message.subject, message.body, timeout=seconds, headers=dict(message.headers)
            )
        except NoStreamResponseError:
            sentence = f"No stream takes the subject {message.subject}; nobody keeps the message."
            raise NotSent("no_stream", sentence) from None
        except APIError as refused:
            raise NotSent("rejected", f"The stream refused it: {refused.description}.") from None
        return Kept(told.stream, told.seq, bool(told.duplicate))

    return _run(_with_client(server, message, act), seconds=seconds, stopped=stopped)


def flush(server: Server, message: Message, *, seconds: float, stopped: Callable[[], bool]) -> None:
    """Hand the message to the server, which keeps nothing. Raises NotSent, TookTooLong and Stopped."""

    async def act(client: Client) -> None:
        await client.publish(message.subject, message.body, headers=dict(message.headers))
        await client.flush(timeout=max(1, round(seconds)))

    _run(_with_client(server, message, act), seconds=seconds, stopped=stopped)


def ask(server: Server, message: Message, *, seconds: float, stopped: Callable[[], bool]) -> bytes:
    """Return what somebody replied. Raises NotSent, TookTooLong and Stopped."""

    async def act(client: Client) -> bytes:
        from nats.errors import NoRespondersError

        try:
            reply = await client.request(
                message.subject, message.body, timeout=seconds, headers=dict(message.headers)
            )
        except NoRespondersError:
            raise NotSent("no_responder", f"Nobody listens on {message.subject}.") from None
        return bytes(reply.data)

    return _run(_with_client(server, message, act), seconds=seconds, stopped=stopped)


def greet(server: Server, *, seconds: float) -> Greeting:
    """Connect and return what the server says of itself. Raises NotSent."""
    began = time.monotonic()

    async def act(client: Client) -> Greeting:
        said: dict[str, Any] = client._server_info
        return Greeting(str(said.get("version", "")), bool(said.get("jetstream")), time.monotonic() - began)

    try:
        return _run(_with_client(server, None, act), seconds=seconds, stopped=lambda: False)
    except TookTooLong:
        raise NotSent("unreachable", f"{server.address} did not answer within {seconds:g} s.") from None


def _run(work: Coroutine[Any, Any, T], *, seconds: float, stopped: Callable[[], bool]) -> T:
    """Return what `work` returns, done in a thread of its own; raises TookTooLong, and Stopped when asked to stop."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)

    def act() -> T:
        try:
            return loop.run_until_complete(task)
        finally:
            loop.close()

    def cancel() -> None:
        with suppress(RuntimeError):  # it has just ended, and its loop is closed
            loop.call_soon_threadsafe(task.cancel)

    return watched(act, seconds=seconds, stopped=stopped, interrupt=cancel, sever=cancel, grace_seconds=CLOSE_SECONDS)


async def _with_client(server: Server, message: Message | None, act: Callable[[Client], Awaitable[T]]) -> T:
    from nats import errors

    client = await _connected(server)
    try:
        if message is not None and len(message.body) > client.max_payload:
            sentence = f"{len(message.body)} bytes are more than the {client.max_payload} that the server takes."
            raise NotSent("payload_too_large", sentence)
        return await act(client)
    except errors.TimeoutError:
        raise TookTooLong from None
    except (errors.Error, OSError) as broken:
        raise NotSent("unreachable", f"{server.address} broke off: {_why(broken)}") from None
    finally:
        await asyncio.wait_for(client.close(), CLOSE_SECONDS)


async def _connected(server: Server) -> Client:
    """Return a client that neither reconnects nor writes to the log by itself; raises NotSent."""
    from nats import errors
    from nats.aio.client import Client

    troubles: list[Exception] = []

    async def note(trouble: Exception) -> None:
        troubles.append(trouble)

    who: dict[str, Any] = {}
    if server.user:
        who = {"user": server.user, "password": server.secret}
    elif server.secret:
        who = {"token": server.secret}
    client = Client()
    try:
        await client.connect(
            server.address,
            name="carillon",
            allow_reconnect=False,
            max_reconnect_attempts=1,  # 0 would try for ever
            reconnect_time_wait=0,
            connect_timeout=10,
            error_cb=note,
            **who,
        )
    except (TimeoutError, errors.Error, OSError) as broken:
        raise NotSent("unreachable", f"{server.address} cannot be reached: {_why([*troubles, broken][0])}") from None
    return client


def _why(broken: BaseException) -> str:
    text = str(broken).removeprefix("nats: ").strip(" .")
    return f"{text or type(broken).__name__}."
