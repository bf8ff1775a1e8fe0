"""Decide what a result means: the state, the incidents that open and close, and what is to be told. Pure.

`decide` takes one result; `notice` says what an incident owes at a moment, with a result or without one. Nothing here
knows a database: whoever calls keeps what these functions return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

Standing = Literal["new", "ok", "alert"]
Kind = Literal["alert", "error"]
Notice = Literal["", "alert", "error", "reminder", "escalation"]
AGAIN = timedelta(minutes=5)  # between rounds of an opening that no channel took


@dataclass(frozen=True, slots=True)
class State:
    """What is known of an alert: how it stands, and how many results of each kind came in a row.

    Errors lie over the standing, they do not change it.
    """

    standing: Standing = "new"
    since: datetime | None = None
    oks: int = 0
    alerts: int = 0
    errors: int = 0
    in_error: bool = False  # an error incident is open


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person has set, of `SqlAlertConfig`."""

    alert_after: int = 1
    recover_after: int = 1
    error_after: int = 3
    renotify: timedelta = timedelta(days=1)  # zero: no reminders
    min_interval: timedelta = timedelta(0)
    escalate_after: Sequence[timedelta] = ()  # from the opening, the shortest first


@dataclass(frozen=True, slots=True)
class Decision:
    """What a result changes: the new state, and the kinds of incident that open or close by it."""

    state: State
    opens: Kind | None = None
    closes: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """An open incident as far as telling goes.

    `rounds` of its opening were posted; `under_way` tells whether one of its last notice may still arrive. Once a
    channel `accepted` it, `told_for` is the instant of the last notice that one took.
    """

    kind: Kind
    opened_at: datetime
    rounds: int = 0
    under_way: bool = False
    posted_at: datetime | None = None
    accepted: bool = False
    told_for: datetime | None = None
    acknowledged: bool = False
    escalations: int = 0


def decide(before: State, status: str, at: datetime, settings: Settings) -> Decision:
    """Return what a result (`status` OK, ALERT or ERROR) changes.

    An incident of kind alert opens after `alert_after` ALERTs in a row and closes after `recover_after` OKs, errors
    between them not counting; one of kind error opens after `error_after` errors and closes by the first answer.
    """
    if status == "ERROR":
        errors = before.errors + 1
        opens = errors >= settings.error_after and not before.in_error
        after = replace(before, errors=errors, in_error=before.in_error or opens)
        return Decision(after, "error" if opens else None)
    closed: tuple[Kind, ...] = ("error",) if before.in_error else ()
    if status == "ALERT":
        after = replace(before, alerts=before.alerts + 1, oks=0, errors=0, in_error=False)
        if before.standing == "alert" or after.alerts < settings.alert_after:
            return Decision(after, None, closed)
        return Decision(replace(after, standing="alert", since=at), "alert", closed)
    after = replace(before, oks=before.oks + 1, alerts=0, errors=0, in_error=False)
    if before.standing == "alert":
        if after.oks < settings.recover_after:
            return Decision(after, None, closed)
        return Decision(replace(after, standing="ok", since=at), None, (*closed, "alert"))
    if before.standing == "new":
        after = replace(after, standing="ok", since=at)
    return Decision(after, None, closed)


def notice(
    told: Told,
    settings: Settings,
    now: datetime,
    *,
    held: bool,
    instant: datetime | None = None,
    last_opening_at: datetime | None = None,
) -> Notice:
    """Return what an open incident has to tell now, "" for nothing.

    `held` while it is silenced or inhibited. `instant` is that of a further result of its kind; None when there was
    no result. `last_opening_at` is when an opening of this alert was last told, for the least time between two.
    """
    if held:
        return ""
    if not told.accepted:
        return told.kind if _opening_is_due(told, settings, now, instant, last_opening_at) else ""
    if told.kind == "error" or told.acknowledged:
        return ""
    ladder = settings.escalate_after
    if told.escalations < len(ladder) and now - told.opened_at >= ladder[told.escalations]:
        return "escalation"
    if instant is None or told.under_way or not settings.renotify or told.told_for is None:
        return ""
    return "reminder" if instant - told.told_for >= settings.renotify else ""


def _opening_is_due(
    told: Told, settings: Settings, now: datetime, instant: datetime | None, last_opening_at: datetime | None
) -> bool:
    """Tell whether the opening is posted now: once, and anew by a further result if every channel gave up."""
    if told.rounds == 0:
        return last_opening_at is None or now - last_opening_at >= settings.min_interval
    return not told.under_way and instant is not None and (told.posted_at is None or now - told.posted_at >= AGAIN)
