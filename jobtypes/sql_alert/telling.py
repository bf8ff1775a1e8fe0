"""Write an alert's notices into the outbox, and learn from it who took them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from integrations.models import Channel, Delivery
from jobtypes.sql_alert.config import SqlAlertConfig
from jobtypes.sql_alert.models import AlertIncident
from jobtypes.sql_alert.notices import OPENING, OVER, Stretch, Subject, message


def post(
    notice: str,
    incident: AlertIncident,
    config: SqlAlertConfig,
    now: datetime,
    *,
    instant: datetime | None = None,
    channels: Sequence[str] | None = None,
) -> list[Delivery]:
    """Write one delivery of a notice for each channel, and note on the incident, unsaved, that it was posted.

    Without `channels` they are those of the alert, or of the step that an escalation has reached. `instant` is the
    one it tells of, the alert's last one if None. Returns the deliveries; none where nobody is to be told.
    """
    state = incident.state
    told_of = instant or state.last_instant or now
    if channels is None:
        escalates = notice == "escalation"
        channels = config.escalate[incident.escalations].notify if escalates else config.channels
    if notice == "escalation":
        incident.escalations += 1
    if not channels:
        return []
    if notice == "reminder":
        incident.reminders += 1
    text = message(notice, subject(incident, config, told_of), stretch(incident))
    incident.posts += 1
    known = {one.name: one for one in Channel.objects.filter(name__in=channels)}
    rows = [
        Delivery.of(
            text,
            known.get(name),
            key=f"incident {incident.pk} {incident.posts} {notice}",
            channel_name=name,
            topic=incident.topic,
            schedule_id=state.schedule_id,
            run_id=incident.last_run_id,
            environment=state.environment,
        )
        for name in channels
    ]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    if notice not in OVER:
        incident.posted_at = now
    if notice in OPENING:
        incident.rounds += 1
        state.last_opening_at = now
    if notice in OPENING or notice == "reminder":
        incident.posted_for = told_of
    return rows


def note_taken(incident: AlertIncident, deliveries: Iterable[Delivery]) -> None:
    """Note on the incident, unsaved, when it was first and last told, and the instant of the last notice taken."""
    taken = [one for one in deliveries if one.was_taken and one.event.removeprefix("alert.") not in OVER]
    for one in taken:
        at = one.finished_at or one.created_at
        incident.first_notified_at = min(incident.first_notified_at or at, at)
        incident.last_notified_at = max(incident.last_notified_at or at, at)
        if one.event != "alert.escalation":
            told_for = datetime.fromisoformat(one.message["body"]["scheduled_for"])
            incident.told_for = max(incident.told_for or told_for, told_for)


def subject(incident: AlertIncident, config: SqlAlertConfig, instant: datetime) -> Subject:
    """Return the alert as a message tells of it, with its last answer."""
    state = incident.state
    good = [at for at in (state.last_ok_at, state.last_alert_at) if at is not None]
    return Subject(
        schedule_id=state.schedule_id,
        name=state.name,
        description=state.description,
        environment=state.environment,
        severity=config.severity,
        runbook_url=config.runbook_url,
        labels=config.labels,
        actual_value=state.actual_value,
        threshold=state.threshold,
        context=state.context,
        error=state.last_error,
        errors=state.consecutive_errors,
        last_answer="ALERT" if state.last_alert_at is not None and state.last_alert_at == max(good) else "OK",
        last_answer_at=max(good, default=None),
        executed_at=state.last_executed_at or instant,
        instant=instant,
    )


def stretch(incident: AlertIncident) -> Stretch:
    """Return the incident as a message tells of it; one that is not stored has the numbers 0."""
    return Stretch(incident.pk or 0, incident.last_run_id or 0, incident.opened_at, incident.reminders)
