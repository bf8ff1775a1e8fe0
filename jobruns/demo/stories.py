"""How the sample's past runs went: what each schedule's job would have said at an instant."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jobtypes.sql_alert.verdict import BrokenContract, is_number, judge
from schedules.models import Schedule


@dataclass(frozen=True, slots=True)
class Story:
    """How one attempt ended, after how many seconds, and what it left behind. `then` is the next attempt."""

    seconds: float
    status: str = "success"
    reason: str = ""
    summary: str = ""
    error: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    lines: tuple[tuple[str, str], ...] = ()  # level, text
    by: str = ""  # who cancelled it
    then: Story | None = None


Teller = Callable[[Schedule, datetime, random.Random], Story]


def tellers(shop: sqlite3.Connection) -> dict[str, Teller]:
    """Return, by job type, what tells a run's story; alerts ask the shop's database as it was at the instant."""

    def alert(schedule: Schedule, at: datetime, chance: random.Random) -> Story:
        return _alert(shop, schedule, at, chance)

    return {
        "sql_alert": alert,
        "http_request": _request,
        "management_command": _command,
        "command": _sent,
        "noop": _noop,
    }


def _alert(shop: sqlite3.Connection, schedule: Schedule, at: datetime, chance: random.Random) -> Story:
    query = str(schedule.params["query"]).replace("'now'", ":now")
    cursor = shop.execute(query, {"now": f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"})
    columns, rows = [column[0] for column in cursor.description], cursor.fetchmany(2)
    milliseconds = round(chance.uniform(1.5, 9), 1)
    try:
        found = judge(columns, rows, no_rows="error", null_value="error")
    except BrokenContract as broken:
        result = {"status": "ERROR", "error": str(broken), "duration_ms": milliseconds}
        return Story(milliseconds / 1000, "failed", "expected", error=str(broken), result=result)
    values = {"actual_value": found.actual_value, "threshold": found.threshold}
    return Story(
        milliseconds / 1000,
        summary=found.sentence,
        metrics={name: value for name, value in values.items() if is_number(value)} | {"duration_ms": milliseconds},
        result={"status": found.status, **values, "context": found.context, "duration_ms": milliseconds},
    )


def _request(schedule: Schedule, at: datetime, chance: random.Random) -> Story:
    url = schedule.params["url"]
    seconds = round(chance.uniform(0.008, 0.06), 3)
    well = Story(
        seconds,
        summary=f"GET {url} answered 200 in {seconds:.2f} s.",
        metrics={"status_code": 200, "seconds": seconds},
    )
    if chance.random() > 0.006:
        return well
    return Story(
        10.0,
        "failed",
        "expected",
        error=f"{url} did not answer within 10 s; nothing is known of what it did.",
        lines=(("warning", "No answer yet after 5 s."),),
        then=well,
    )


def _command(schedule: Schedule, at: datetime, chance: random.Random) -> Story:
    command = schedule.params["command"]
    seconds = round(chance.uniform(0.45, 0.95), 3)
    orders = chance.choice([0, 1, 1, 2, 2, 3])
    output = f"{orders} new {'order' if orders == 1 else 'orders'}." if command == "demoorders" else ""
    return Story(
        seconds,
        summary=f"{command} ended well in {seconds:.1f} s.",
        metrics={"exit_code": 0, "seconds": seconds, "output_bytes": len(output)},
        result={"command": command, "exit_code": 0, "output": output},
        lines=(("info", output),) if output else (),
    )


def _sent(schedule: Schedule, at: datetime, chance: random.Random) -> Story:
    command = schedule.params["target_command"]
    seconds, place = round(chance.uniform(0.003, 0.02), 3), int(at.timestamp()) // 60 % 100_000
    sent = {"command_sent": command, "complete_on": "published"}
    return Story(
        seconds,
        summary=f"{command} was sent: the stream DEMO keeps it as {place}. Its work is not awaited.",
        metrics={"seconds": seconds},
        result={**sent, "stream": "DEMO", "sequence": place, "duplicate": False},
    )


def _noop(schedule: Schedule, at: datetime, chance: random.Random) -> Story:
    message = schedule.params.get("message", "")
    usual = float(schedule.params.get("sleep_seconds", 0))
    lines = (("info", message),) if message else ()
    well = Story(usual + chance.uniform(0.001, 0.02), summary=message or "Did nothing, as asked.", lines=lines)
    if schedule.name == "courier-manifest":
        return _courier(well, chance)
    if schedule.name == "stock-count" and chance.random() < 0.2:
        sentence = f"Stopped after {schedule.timeout_seconds} s, the most it may take."
        return Story(schedule.timeout_seconds, "failed", "timeout", error=sentence, lines=lines, then=well)
    return well


def _courier(well: Story, chance: random.Random) -> Story:
    """Now and then the courier keeps us waiting past the next instant, and once somebody lost patience."""
    if chance.random() > 0.05:
        return well
    lines = (("warning", "The courier's desk is busy, waiting."), *well.lines)
    if chance.random() > 0.3:
        return Story(chance.uniform(640, 1100), summary=well.summary, lines=lines)
    return Story(
        chance.uniform(200, 500), "cancelled", "requested", error="Cancelled by admin.", lines=lines[:1], by="admin"
    )
