"""What the pages about alerts show of one: a headline, what was told to whom, and how its values went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models import Delivery
from jobruns.answers import answers, curve, spark
from jobruns.panels import number, text
from jobtypes.models import AlertIncident, AlertState
from jobtypes.sql_alert.notices import OVER
from schedules import moments

POINTS, SPARK_POINTS = 80, 40
HIGH = 66
RANK = {"alert": 0, "error": 1, "silenced": 2}


@dataclass(frozen=True, slots=True)
class Card:
    """An alert in words: `value` and `rest` are its headline, `lines` sentences, `last` the value of its last answer.

    `key` is alert, error, silenced, ok or new.
    """

    alert: AlertState
    key: str
    word: str
    value: str
    rest: str
    last: str
    limit: str
    lines: list[str]
    incident: AlertIncident | None
    chart: SafeString

    @property
    def may_be_acknowledged(self) -> bool:
        """Tell whether it has an open incident that nobody has taken on."""
        return self.incident is not None and self.incident.acknowledged_at is None


@dataclass(frozen=True, slots=True)
class Row:
    """An alert without trouble. `key` is success, pending or paused, for the glyph."""

    alert: AlertState
    key: str
    word: str
    value: str
    limit: str
    spark: SafeString


def board(alerts: Sequence[AlertState], now: datetime) -> tuple[list[Card], list[Row]]:
    """Return cards of the alerts in trouble, the worst first, and rows of all others."""
    cards = [card(one, now) for one in alerts if _is_troubled(one)]
    rows = [_row(one) for one in alerts if not _is_troubled(one)]
    return sorted(cards, key=lambda one: (RANK[one.key], one.alert.name)), rows


def card(alert: AlertState, now: datetime) -> Card:
    """Return how an alert stands, in words and as a curve."""
    found = answers(alert.schedule_id, most=POINTS)
    kind = "error" if alert.shown == "error" else "alert"
    incident = next((one for one in alert.incidents.all() if one.is_open and one.kind == kind), None)
    silenced = alert.is_silenced(now)
    value, rest = _error_headline(alert, incident, now) if kind == "error" else _headline(alert, now)
    words = {"error": _("Error"), "alert": _("Alert"), "ok": _("OK"), "new": _("Not asked yet")}
    word = words[alert.shown]
    return Card(
        alert=alert,
        key="silenced" if silenced else alert.shown,
        word=_("%(state)s, silenced") % {"state": word} if silenced else word,
        value=value,
        rest=rest,
        last=written(alert.actual_value),
        limit=written(alert.threshold),
        lines=[*_silence(alert, silenced), *_errors(alert, kind), *_told(incident, silenced)],
        incident=incident,
        chart=curve(found, high=HIGH, label=_("The last values against the threshold"), key=f"gap-{alert.pk}"),
    )


def written(value: Any) -> str:
    """Write a value of an answer; a dash for none."""
    found = number(value)
    if found is None or isinstance(value, str):
        return text(value)
    return f"{value:,}" if isinstance(value, int) else f"{found:,.6g}"


def _is_troubled(alert: AlertState) -> bool:
    return alert.is_active and alert.shown in {"alert", "error"}


def _row(alert: AlertState) -> Row:
    words = {"alert": _("Alert"), "error": _("Error"), "ok": _("OK"), "new": _("Not asked yet")}
    key = {"ok": "success", "new": "pending", "alert": "alert", "error": "failed"}[alert.shown]
    word = words[alert.shown]
    if not alert.is_active:
        key, word = "paused", _("%(state)s, paused") % {"state": word}
    drawn = spark(answers(alert.schedule_id, most=SPARK_POINTS))
    return Row(alert, key, word, written(alert.actual_value), written(alert.threshold), drawn)


def _headline(alert: AlertState, now: datetime) -> tuple[str, str]:
    """Return the value, and how it lies to the threshold and for how long."""
    value, limit = number(alert.actual_value), number(alert.threshold)
    lasts = moments.span((now - alert.since).total_seconds()) if alert.since else ""
    lasting = _("for %(span)s") % {"span": lasts} if lasts else ""
    if alert.actual_value is None:
        return "", lasting
    if value is None or limit is None:
        return written(alert.actual_value), lasting
    where = _("above") if value > limit else _("below") if value < limit else _("at")
    return written(alert.actual_value), f"{where} {written(alert.threshold)}, {lasting}"


def _error_headline(alert: AlertState, incident: AlertIncident | None, now: datetime) -> tuple[str, str]:
    count = alert.consecutive_errors
    errors = ngettext("%(count)d error in a row", "%(count)d errors in a row", count) % {"count": count}
    if incident is None:
        return _("No answer"), errors
    lasts = moments.span((now - incident.opened_at).total_seconds())
    return _("No answer"), _("for %(span)s, %(errors)s") % {"span": lasts, "errors": errors}


def _silence(alert: AlertState, silenced: bool) -> list[str]:
    if not silenced or alert.silenced_until is None:
        return []
    until = {"until": moments.clock(alert.silenced_until, alert.last_executed_at or alert.silenced_until)}
    said = _("Silenced until %(until)s") % until
    said += _(" by %(name)s") % {"name": alert.silenced_by} if alert.silenced_by else ""
    said += f": {alert.silence_reason.rstrip('.')}" if alert.silence_reason else ""
    return [f"{said}. " + _("The query runs on.")]


def _errors(alert: AlertState, kind: str) -> list[str]:
    if kind != "error":
        return []
    good = [(at, word) for at, word in ((alert.last_ok_at, "OK"), (alert.last_alert_at, "ALERT")) if at is not None]
    if not good:
        return [alert.last_error, _("It has never answered.")]
    at, word = max(good)
    last = {"at": moments.clock(at, alert.last_executed_at or at), "word": word}
    return [alert.last_error, _("Last good answer %(at)s: %(word)s.") % last]


def _told(incident: AlertIncident | None, silenced: bool) -> list[str]:
    """Return since when it lasts, who was told, who has taken it on, or why nobody was told."""
    if incident is None:
        return []
    now = incident.last_notified_at or incident.opened_at
    lines = [_("Opened %(at)s.") % {"at": moments.clock(incident.opened_at, now)}]
    deliveries = list(Delivery.objects.about_topics([incident.topic]))
    taken = _names(one for one in deliveries if one.was_taken and one.event.removeprefix("alert.") not in OVER)
    if taken and incident.last_notified_at:
        lines.append(
            _("Told %(names)s, last at %(at)s.")
            % {"names": taken, "at": moments.clock(incident.last_notified_at, incident.last_notified_at)}
        )
    elif not incident.state.params.get("notify"):
        lines.append(_("It names no channel, so nobody is told."))
    elif waiting := _names(one for one in deliveries if one.is_under_way):
        said = next((one.answer for one in deliveries if one.is_under_way and one.answer), "")
        lines.append(
            _("Nobody has taken it yet: trying %(names)s.") % {"names": waiting} + (f" {said}" if said else "")
        )
    elif not silenced:
        lines.append(_("Nobody has been told yet."))
    if incident.acknowledged_at:
        note = f": {incident.acknowledged_note.rstrip('.')}" if incident.acknowledged_note else ""
        lines.append(_("Acknowledged by %(name)s") % {"name": incident.acknowledged_by} + f"{note}.")
    return lines


def _names(deliveries: Iterable[Delivery]) -> str:
    return ", ".join(dict.fromkeys(one.channel_name for one in deliveries))
