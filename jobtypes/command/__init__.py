"""Send a command to another service through NATS, at least once and under one key for every attempt."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from integrations import messaging
from integrations.kinds import nats
from integrations.kinds.base import Refused, Unusable
from integrations.secrets import scrub
from integrations.watchdog import Stopped, TookTooLong
from jobtypes import connections
from jobtypes.base import Context, InvalidParams, JobCancelled, JobFailed, JobTimedOut, JobType, Outcome
from jobtypes.command.config import CommandConfig, grammar_refusal
from jobtypes.command.message import envelope, read_reply, reply_failure

if TYPE_CHECKING:
    from integrations.models import Connection

MARGIN_SECONDS = 1.0  # between giving up and the run's deadline
UNTRIED = {"rejected", "payload_too_large", "not_allowed"}  # trying again would change nothing


class Command(JobType[CommandConfig]):
    name = "command"
    label = "Command"
    description = "Sends a command to another service through NATS."
    icon = "play"
    Config = CommandConfig
    timeout_seconds = 60
    stop_grace_seconds = 3.0
    shorthand = {"target_command": "target_command", "command_payload": "command_payload"}

    def check(self, config: CommandConfig) -> None:
        """Refuse a command that COMMAND_WHITELIST does not name, and a connection that is not there."""
        if sentence := not_allowed(config.target_command):
            raise InvalidParams({"target_command": [sentence]})
        if config.connection:
            connections.find(config.connection, kind="nats")

    def setting_errors(self) -> list[str]:
        found = [
            f"COMMAND_WHITELIST: {command!r} is no command. {sentence}"
            for command in settings.COMMAND_WHITELIST
            if (sentence := grammar_refusal(command))
        ]
        try:
            if settings.NATS_URL:
                nats.accept(settings.NATS_URL, None, None)
        except Refused as refused:
            found.append(f"NATS_URL: {refused}")
        return found

    def summarise(self, config: CommandConfig) -> str:
        return f"Sends {config.target_command}"

    def run(self, config: CommandConfig, context: Context) -> Outcome:
        if sentence := not_allowed(config.target_command):
            raise _failure("not_allowed", f"{sentence} Nothing was sent.", config)
        connection = connections.use(config.connection, kind="nats") if config.connection else None
        seconds = max(0.1, context.seconds_left() - MARGIN_SECONDS)
        began = time.monotonic()
        try:
            server = _server(connection)
            said = _send(server, _message(config, context), config, context, seconds)
        except Unusable as wrong:
            raise _failure("unreachable", f"{_scrub(connection, str(wrong))} Nothing was sent.", config) from None
        except messaging.NotSent as wrong:
            raise _failure(wrong.problem, _scrub(connection, str(wrong)), config) from None
        except TookTooLong:
            sentence = f"{config.target_command} had no answer within {seconds:.0f} s; it may have been received."
            raise JobTimedOut(sentence, result={**_sent(config), "error_type": "timeout"}) from None
        except Stopped:
            raise JobCancelled("Stopped waiting for the answer, as asked. It may have been received.") from None
        return _judge(config, said, time.monotonic() - began)


def not_allowed(command: str) -> str:
    """Return why this command may not be sent; empty if COMMAND_WHITELIST names it."""
    if command in settings.COMMAND_WHITELIST:
        return ""
    known = ", ".join(settings.COMMAND_WHITELIST) or "none"
    return f"{command!r} is not in COMMAND_WHITELIST. Allowed: {known}."


def _send(
    server: messaging.Server, message: messaging.Message, config: CommandConfig, context: Context, seconds: float
) -> messaging.Kept | bytes | None:
    """Return where a stream keeps the message, or the reply, or None where the server just has it."""
    if config.complete_on == "reply":
        return messaging.ask(server, message, seconds=seconds, stopped=context.cancelled)
    if config.require_ack:
        return messaging.publish(server, message, seconds=seconds, stopped=context.cancelled)
    messaging.flush(server, message, seconds=seconds, stopped=context.cancelled)
    return None


def _judge(config: CommandConfig, said: messaging.Kept | bytes | None, seconds: float) -> Outcome:
    """Return the outcome; raises JobFailed for a reply that says that the work failed."""
    metrics: dict[str, Any] = {"seconds": round(seconds, 3)}
    sent = _sent(config)
    command = config.target_command
    if isinstance(said, bytes):
        reply = read_reply(said)
        metrics["bytes"] = len(said)
        if sentence := reply_failure(reply):
            raise JobFailed(f"{command} was answered: {sentence}", metrics=metrics, result={**sent, "reply": reply})
        return Outcome(f"{command} was answered in {seconds:.2f} s.", metrics, {**sent, "reply": reply})
    if said is None:
        summary = f"{command} was handed to the server, which keeps nothing; nobody may have heard it."
        return Outcome(summary, metrics, sent)
    again = ", which had it already" if said.duplicate else ""
    summary = (
        f"{command} was sent: the stream {said.stream} keeps it as {said.sequence}{again}. Its work is not awaited."
    )
    kept = {"stream": said.stream, "sequence": said.sequence, "duplicate": said.duplicate}
    return Outcome(summary, metrics, {**sent, **kept})


def _message(config: CommandConfig, context: Context) -> messaging.Message:
    body = envelope(config.target_command, config.command_payload, context, sent_at=timezone.now())
    headers = {"Nats-Msg-Id": context.idempotency_key, "X-Correlation-ID": context.correlation_id}
    return messaging.Message(config.target_command, json.dumps(body, ensure_ascii=False).encode(), headers)


def _server(connection: Connection | None) -> messaging.Server:
    if connection is not None:
        return connection.nats_server()
    if not settings.NATS_URL:
        raise Unusable("No NATS server is known: set NATS_URL, or choose a connection of kind nats.")
    return nats.server(settings.NATS_URL, {})


def _failure(problem: str, sentence: str, config: CommandConfig) -> JobFailed:
    return JobFailed(sentence, retry=problem not in UNTRIED, result={**_sent(config), "error_type": problem})


def _sent(config: CommandConfig) -> dict[str, Any]:
    return {"command_sent": config.target_command, "complete_on": config.complete_on}


def _scrub(connection: Connection | None, text: str) -> str:
    if connection is not None:
        return connection.scrub(text)
    return scrub(text, nats.secret_values(settings.NATS_URL, {}) if settings.NATS_URL else [])
