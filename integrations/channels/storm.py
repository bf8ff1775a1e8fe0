"""Many messages at once, told as one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.channels.base import Message

LISTED = 40


def storm(messages: Sequence[Mapping[str, Any]]) -> Message:
    """Return one message that stands for stored ones: what happened how often, and the first of them by name."""
    kinds = Counter(str(one["status"]) for one in messages)
    counts = ", ".join(f"{number} {status}" for status, number in kinds.most_common())
    listed = tuple((str(one["title"]), str(one["status"])) for one in messages[:LISTED])
    text = f"{len(messages)} messages at once: {counts}."
    if (left := len(messages) - len(listed)) > 0:
        text += f" The first {LISTED} are listed, {left} more are under Deliveries."
    return Message(
        event="storm",
        title=f"{len(messages)} messages",
        status="STORM",
        text=text,
        is_bad=any(one["is_bad"] for one in messages),
        context=listed,
        body={"event": "storm", "text": text, "messages": [one["body"] for one in messages]},
    )
