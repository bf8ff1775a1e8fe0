"""The message that carries a command, and the replies to it. Pure."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from jobtypes.base import Context, JSONObject

VERSION = "1.0"
KEPT = 65_536  # bytes of a reply
FAILURES = {"error", "failed"}


def envelope(command: str, payload: JSONObject, context: Context, *, sent_at: datetime) -> JSONObject:
    """Return the body: event_id, event_type, correlation_id, idempotency_key, timestamp, metadata, payload.

    The event id is made of the idempotency key and the attempt, so that sending the same attempt twice repeats it.
    """
    return {
        "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{context.idempotency_key}:{context.attempt}")),
        "event_type": command,
        "correlation_id": context.correlation_id,
        "idempotency_key": context.idempotency_key,
        "timestamp": sent_at.isoformat(),
        "metadata": {
            "source_service": "carillon",
            "version": VERSION,
            "schedule_id": context.schedule_id,
            "execution_id": context.run_id,
            "schedule_name": context.schedule_name,
            "scheduled_for": context.scheduled_for.isoformat(),
            "attempt_number": context.attempt,
        },
        "payload": payload,
    }


def read_reply(data: bytes) -> Any:
    """Return the JSON of a reply, or its text, at most 64 KiB of it, where it is none."""
    try:
        return json.loads(data) if len(data) <= KEPT else data[:KEPT].decode(errors="replace")
    except (ValueError, RecursionError):
        return data.decode(errors="replace")


def reply_failure(reply: Any) -> str:
    """Return what a reply says went wrong; empty unless its `status` is error or failed."""
    if not isinstance(reply, dict) or str(reply.get("status", "")).lower() not in FAILURES:
        return ""
    said = next((reply[name] for name in ("error", "message", "detail") if reply.get(name)), reply["status"])
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return text[:1_000]
