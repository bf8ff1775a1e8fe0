"""Keep what alerts said, open and close their incidents, and write what is to be told.

`settle` runs in the transaction that records how runs ended, `follow` in the one that changes their schedule, `tend`
by itself every few seconds for what falls due without a run: after silences, for escalations, for recoveries. All
hold the alert's row, so that no two of them act on one incident at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from django.db import transaction
from django.utils import timezone
from pydantic import ValidationError

from integrations.models import Delivery
from jobtypes.base import Finished, JSONObject, Standing
from jobtypes.sql_alert import incidents, telling
from jobtypes.sql_alert.config import SqlAlertConfig
from jobtypes.sql_alert.models import AlertIncident, AlertState

log = structlog.get_logger(__name__)

TELLING = {"active", "completed"}  # in any other status results are kept and nothing is told
OVER_ALREADY = "It was over before it could be told."


def follow(standing: Standing) -> None:
    """Let an alert's row follow its schedule; a deleted one closes its incidents, an erased one leaves nothing."""
    if standing.status == "erased":
        AlertState.objects.filter(schedule_id=standing.schedule_id).delete()
        return
    if standing.status == "deleted" and not AlertState.objects.filter(schedule_id=standing.schedule_id).exists():
        return
    row = {"name": standing.name, "environment": standing.environment}
    AlertState.objects.bulk_create([AlertState(schedule_id=standing.schedule_id, **row)], ignore_conflicts=True)
    state = AlertState.objects.locked([standing.schedule_id])[standing.schedule_id]
    state.name, state.description, state.environment = standing.name, standing.description, standing.environment
    state.params, state.is_active = standing.params, standing.status in TELLING
    state.is_deleted = standing.status == "deleted"
    if state.is_deleted:
        _remove(state)
    state.save()


def settle(finished: Sequence[Finished]) -> Mapping[int, JSONObject]:
    """Take the results of runs that count, in the order in which they ended; return run id → {"event": what it was}.

    Attempts that are tried again and backfills do not count; results of paused alerts are kept without any telling.
    """
    counted = [one for one in finished if one.is_final and one.trigger != "backfill" and one.status in COUNTED]
    if not counted:
        return {}
    desk = _Desk(AlertState.objects.locked({one.schedule_id for one in counted}).values())
    events: dict[int, JSONObject] = {}
    for one in sorted(counted, key=lambda run: (run.finished_at, run.run_id)):
        state = desk.states.get(one.schedule_id)
        if state is None or (state.last_instant is not None and one.scheduled_for < state.last_instant):
            continue
        if event := _take(desk, state, one):
            events[one.run_id] = {"event": event}
    desk.save()
    return events


def tend(now: datetime) -> None:
    """Tell what has fallen due without a run, and note what was taken."""
    waiting = {one.state_id for one in AlertIncident.objects.unsettled() if _may_owe(one)}
    for state_id in sorted(waiting):
        with transaction.atomic():
            state = AlertState.objects.select_for_update().filter(pk=state_id, is_deleted=False).first()
            if state is None:
                continue
            desk = _Desk([state])
            config = _config(state)
            for incident in AlertIncident.objects.unsettled().filter(state=state):
                incident.state = state
                desk.hear(incident)
                if not incident.is_open:
                    _tell_recovery(desk, incident, config, now)
                elif state.is_active and config is not None:
                    _tell(desk, incident, config, now)
                desk.touched[incident.pk] = incident
            desk.save()


COUNTED = {"success", "failed"}
SUSPENDED = "suspended"
NOTICE_OF_CLOSING = {"alert": "recovery", "error": "error_recovery"}


class _Desk:
    """The alerts and open incidents of one transaction, read in a few statements and written in two."""

    def __init__(self, states: Iterable[AlertState]) -> None:
        self.states = {one.schedule_id: one for one in states}
        self.open = AlertIncident.objects.by_state({one.pk: one for one in self.states.values()})
        self.touched: dict[int, AlertIncident] = {}
        self.deliveries: dict[str, list[Delivery]] = defaultdict(list)
        if self.open:
            for one in Delivery.objects.about_topics([incident.topic for incident in self.open.values()]):
                self.deliveries[one.topic].append(one)

    def hear(self, incident: AlertIncident) -> list[Delivery]:
        """Return the incident's deliveries, having noted on it what was taken."""
        if incident.topic not in self.deliveries:
            self.deliveries[incident.topic] = list(Delivery.objects.about_topics([incident.topic]))
        found = self.deliveries[incident.topic]
        telling.note_taken(incident, found)
        return found

    def save(self) -> None:
        """Write what changed."""
        if self.touched:
            AlertIncident.objects.bulk_update(self.touched.values(), INCIDENT_COLUMNS, batch_size=500)
        AlertState.objects.bulk_update(self.states.values(), STATE_COLUMNS, batch_size=500)


INCIDENT_COLUMNS = [
    *["closed_at", "close_reason", "last_run_id", "rounds", "posts", "posted_at", "posted_for", "told_for"],
    *["first_notified_at", "last_notified_at", "reminders", "escalations", "recovery_is_owed"],
]
STATE_COLUMNS = [
    *["standing", "since", "consecutive_oks", "consecutive_alerts", "consecutive_errors", "in_error"],
    *["last_status", "last_run_id", "last_executed_at", "last_ok_at", "last_alert_at", "last_error_at"],
    *["last_instant", "last_error", "actual_value", "threshold", "context", "last_opening_at"],
]


def _take(desk: _Desk, state: AlertState, one: Finished) -> str:
    """Take one result; return what it was: alert, recovery, error, error_recovery, reminder, or nothing."""
    status = str(one.result.get("status", "ERROR")) if one.status == "success" else "ERROR"
    _remember(state, one, status)
    config = _config(state)
    if not state.is_active or config is None:
        return ""
    now = one.finished_at
    is_the_last = one.reason == SUSPENDED  # nobody asks any more, so no further error would come to be told
    settings = replace(config.settings, error_after=1) if is_the_last else config.settings
    decision = incidents.decide(state.known, status, now, settings)
    state.enter(decision.state)
    event = ""
    for kind in decision.closes:
        if (incident := desk.open.pop((state.pk, kind), None)) is not None:
            incident.last_run_id = one.run_id
            _close(desk, incident, config, now)
            event = NOTICE_OF_CLOSING[kind]
    if decision.opens is not None:
        incident = AlertIncident.objects.create(
            state=state, kind=decision.opens, opened_at=now, first_run_id=one.run_id, last_run_id=one.run_id
        )
        desk.open[state.pk, decision.opens] = incident
        desk.deliveries[incident.topic] = []
        event = decision.opens
    kind = "error" if status == "ERROR" else "alert"
    if status != "OK" and (lasting := desk.open.get((state.pk, kind))) is not None:
        lasting.last_run_id = one.run_id
        said = _tell(desk, lasting, config, now, instant=one.scheduled_for)
        event = event or (said if said == "reminder" else "")
        desk.touched[lasting.pk] = lasting
    return event


def _remember(state: AlertState, one: Finished, status: str) -> None:
    """Keep what the run said; the values of the last answer stay while there is none."""
    state.last_status, state.last_run_id = status, one.run_id
    state.last_executed_at, state.last_instant = one.finished_at, one.scheduled_for
    if status == "ERROR":
        state.last_error_at, state.last_error = one.finished_at, one.error
        return
    state.actual_value, state.threshold = one.result.get("actual_value"), one.result.get("threshold")
    state.context = one.result.get("context") or {}
    state.last_error = ""
    if status == "OK":
        state.last_ok_at = one.finished_at
    else:
        state.last_alert_at = one.finished_at


def _tell(
    desk: _Desk, incident: AlertIncident, config: SqlAlertConfig, now: datetime, *, instant: datetime | None = None
) -> str:
    """Post what an open incident owes now, if anything; return what it was."""
    if incident.kind == "error" and not config.notify_on_error:
        return ""
    state = incident.state
    deliveries = desk.hear(incident)
    under_way = any(one.is_under_way for one in deliveries)
    known = incidents.Told(
        kind=incident.kind,  # type: ignore[arg-type]  # a constraint keeps it to these
        opened_at=incident.opened_at,
        rounds=incident.rounds,
        under_way=under_way,
        posted_at=incident.posted_at,
        accepted=incident.first_notified_at is not None,
        told_for=incident.told_for,
        acknowledged=incident.acknowledged_at is not None,
        escalations=incident.escalations,
    )
    notice = incidents.notice(
        known,
        config.settings,
        now,
        held=state.is_silenced(now) or _is_inhibited(incident, config),
        instant=instant,
        last_opening_at=state.last_opening_at,
    )
    if notice:
        desk.deliveries[incident.topic] += telling.post(notice, incident, config, now, instant=instant)
    return notice


def _close(desk: _Desk, incident: AlertIncident, config: SqlAlertConfig, now: datetime) -> None:
    """End an incident: what waits to be told of it is called off, and those who were told hear that it is over."""
    desk.hear(incident)
    incident.close(now, AlertIncident.Reason.RECOVERED)
    topic = Delivery.objects.filter(topic=incident.topic)
    topic.call_off(now, OVER_ALREADY)
    desk.deliveries.pop(incident.topic, None)  # read anew
    incident.recovery_is_owed = config.notify_on_recovery if incident.kind == "alert" else config.notify_on_error
    _tell_recovery(desk, incident, config, now)
    desk.touched[incident.pk] = incident


def _tell_recovery(desk: _Desk, incident: AlertIncident, config: SqlAlertConfig | None, now: datetime) -> None:
    """Tell those who took a notice of it that the incident is over, unless it is silenced: then afterwards."""
    if not incident.recovery_is_owed or incident.state.is_silenced(now):
        return
    deliveries = desk.hear(incident)
    if any(one.is_under_way for one in deliveries):
        return  # somebody may just be hearing of it
    incident.recovery_is_owed = False
    takers = [one.channel_name for one in deliveries if one.was_taken]
    if takers and config is not None:
        notice = NOTICE_OF_CLOSING[incident.kind]
        telling.post(notice, incident, config, now, channels=list(dict.fromkeys(takers)))


def _is_inhibited(incident: AlertIncident, config: SqlAlertConfig) -> bool:
    """Tell whether another alert that is in alert holds this one back."""
    if incident.kind != "alert" or not config.inhibited_by:
        return False
    others = [name for name in config.inhibited_by if name != incident.state.name]
    return AlertState.objects.in_alert(others, incident.state.environment).exists()


def _may_owe(incident: AlertIncident) -> bool:
    """Tell whether it is worth holding its alert: something waits to be told, or to be noted as taken."""
    if incident.is_open and not incident.state.params.get("notify"):
        return False
    if not incident.is_open or incident.rounds == 0 or incident.told_for != incident.posted_for:
        return True
    steps = incident.state.params.get("escalate") or []
    return incident.acknowledged_at is None and incident.escalations < len(steps)


def _remove(state: AlertState) -> None:
    """Close what is open of a deleted alert, and know nothing of it any more, in case that it comes back."""
    now = timezone.now()
    for incident in AlertIncident.objects.open().filter(state=state):
        Delivery.objects.filter(topic=incident.topic).call_off(now, "The alert was deleted.")
        incident.close(now, AlertIncident.Reason.REMOVED)
        incident.save()
    AlertIncident.objects.filter(state=state).update(recovery_is_owed=False)
    state.enter(incidents.State())
    state.silenced_until, state.silenced_by, state.silence_reason = None, "", ""
    state.last_instant, state.last_status = None, ""


def _config(state: AlertState) -> SqlAlertConfig | None:
    """Return the alert's settings; None, with a line in the log, where they can no longer be read."""
    try:
        return SqlAlertConfig.model_validate(state.params)
    except ValidationError as wrong:
        log.error("an alert's settings cannot be read", schedule_id=state.schedule_id, error=str(wrong))
        return None
