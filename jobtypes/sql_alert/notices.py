"""What people and programs are told of an alert: one message for each thing that happens. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from integrations.channels import Message, link

OPENING = {"alert", "error"}
OVER = {"recovery", "error_recovery"}
STATUS = {"recovery": "OK", "error_recovery": "OK", "error": "ERROR"}


@dataclass(frozen=True, slots=True)
class Subject:
    """The alert that is told of, and the answer that it is told with. Times are aware UTC."""

    schedule_id: int
    name: str
    description: str
    environment: str
    severity: str
    runbook_url: str
    labels: Mapping[str, str]
    actual_value: Any
    threshold: Any
    context: Mapping[str, Any]
    error: str
    errors: int
    last_answer: str
    last_answer_at: datetime | None
    executed_at: datetime
    instant: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """The incident that is told of."""

    incident_id: int
    run_id: int
    opened_at: datetime
    reminders: int


def message(notice: str, subject: Subject, incident: Stretch) -> Message:
    """Return what is told: `notice` is alert, reminder, escalation, recovery, error or error_recovery."""
    status = STATUS.get(notice, "ALERT")
    lasted = span(subject.executed_at - incident.opened_at)
    texts = {
        "reminder": f"Still in alert, for {lasted}.",
        "escalation": f"In alert for {lasted}, and nobody has acknowledged it.",
        "recovery": f"It is over, after {lasted}.",
        "error": _silent(subject),
        "error_recovery": f"The query answers again, after {lasted}.",
    }
    text = " ".join(part for part in (texts.get(notice, ""), subject.description) if part)
    values = {"actual_value": _word(subject.actual_value), "threshold": _word(subject.threshold)}
    facts = [("Status", status), ("Actual value", values["actual_value"]), ("Threshold", values["threshold"])]
    if notice == "error":
        facts = [("Status", status), ("Error", subject.error)]
    facts += [("Severity", subject.severity), ("Environment", subject.environment)]
    facts += [("Runbook", subject.runbook_url)] if subject.runbook_url else []
    facts += [(name, value) for name, value in subject.labels.items()]
    return Message(
        event=f"alert.{notice}",
        title=subject.name,
        status=status,
        text=text,
        is_bad=notice not in OVER,
        facts=tuple((name, value) for name, value in facts if value),
        context=tuple((name, _word(value)) for name, value in subject.context.items()),
        link=link(f"alerts/{subject.schedule_id}"),
        body=_body(notice, status, subject, incident),
        words=values,
    )


def span(time: timedelta) -> str:
    """Return a length of time in its two greatest units: "2 h 5 min"."""
    seconds = max(0, round(time.total_seconds()))
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    first = next((place for place, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def _silent(subject: Subject) -> str:
    """Return that the query gives no answer, and how old the last one is."""
    said = f"No answer {subject.errors} times in a row: {subject.error}"
    if subject.last_answer_at is None:
        return f"{said} It has never answered."
    age = span(subject.executed_at - subject.last_answer_at)
    return f"{said} The last answer, {subject.last_answer}, is {age} old."


def _body(notice: str, status: str, subject: Subject, incident: Stretch) -> dict[str, Any]:
    body = {
        "alert_name": subject.name,
        "status": status,
        "description": subject.description,
        "actual_value": subject.actual_value,
        "threshold": subject.threshold,
        "timestamp": subject.executed_at.isoformat(),
        "context": dict(subject.context),
        "event": notice,
        "severity": subject.severity,
        "environment": subject.environment,
        "schedule_id": subject.schedule_id,
        "incident_id": incident.incident_id,
        "run_id": incident.run_id,
        "scheduled_for": subject.instant.isoformat(),
        "opened_at": incident.opened_at.isoformat(),
        "reminders": incident.reminders,
        "runbook_url": subject.runbook_url,
        "labels": dict(subject.labels),
    }
    return {**body, "error": subject.error} if notice == "error" else body


def _word(value: Any) -> str:
    """Return a value of an answer as text; empty for nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
