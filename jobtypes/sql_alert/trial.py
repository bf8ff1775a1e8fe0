"""Ask an alert's query without keeping anything: what it says, what that would mean, and who would be told what."""

from __future__ import annotations

from dataclasses import replace

from django.utils import timezone

from jobtypes.base import JobFailed, JSONObject
from jobtypes.sql_alert import incidents, telling
from jobtypes.sql_alert.config import SqlAlertConfig
from jobtypes.sql_alert.models import AlertIncident, AlertState
from jobtypes.sql_alert.notices import message
from jobtypes.sql_alert.verdict import Verdict


def tried(config: SqlAlertConfig, schedule_id: int, answer: Verdict | JobFailed) -> JSONObject:
    """Return {status, sentence, actual_value, threshold, context, event, notify, message} of an answer, or of none.

    `event` is what a run would have been: alert, recovery, error, error_recovery, or "". `notify` are the channels
    that would hear of it, and `message` what they would be told; silences and distances are left out of account.
    """
    state = AlertState.objects.filter(schedule_id=schedule_id, key="").first() or AlertState(schedule_id=schedule_id)
    status = "ERROR" if isinstance(answer, JobFailed) else answer.status
    now = timezone.now()
    decision = incidents.decide(state.known, status, now, config.settings)
    closed = [{"alert": "recovery", "error": "error_recovery"}[kind] for kind in decision.closes]
    event = decision.opens or (closed[-1] if closed else "")
    said = {"status": status, "sentence": str(answer) if isinstance(answer, JobFailed) else answer.sentence}
    values: JSONObject = {"actual_value": None, "threshold": None, "context": {}}
    if isinstance(answer, Verdict):
        values = {
            "actual_value": answer.actual_value,
            "threshold": answer.threshold,
            "context": answer.context,
        }
    for name, value in values.items():
        setattr(state, name, value)
    state.last_error, state.last_executed_at = said["sentence"] if status == "ERROR" else "", now
    state.consecutive_errors = decision.state.errors
    told: JSONObject = {}
    if event:
        incident = AlertIncident(
            state=state, kind=decision.opens or decision.closes[-1], opened_at=state.since or now
        )
        subject = replace(telling.subject(incident, config, now), name=state.name or "this alert")
        text = message(event, subject, telling.stretch(incident))
        told = {"title": text.title, "status": text.status, "text": text.text, "facts": dict(text.facts)}
    return {**said, **values, "event": event, "notify": config.channels if event else [], "message": told}
