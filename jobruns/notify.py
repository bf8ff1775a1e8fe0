"""Tell of runs that ended and of instants that were missed, in the transaction that records them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from integrations.channels import Message, link
from integrations.models import Channel, Delivery
from jobruns.finished import finished_run
from jobtypes import registry
from schedules.models import Schedule
from schedules.moments import span
from schedules.tables import first_line, moment
from schedules.telling import NoticeRule, subscribers

if TYPE_CHECKING:
    from jobruns.models import JobRun

COLUMNS = ("pk", "name", "environment", "timezone", "channels", "callback_url", "callback_encrypted")


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that ended, what follows from it, and how many attempts of its schedule had failed in a row before."""

    run_id: int
    schedule_id: int
    status: str
    attempt: int
    failed_before: int
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A schedule of which somebody wants to hear."""

    name: str
    environment: str
    timezone: str
    callback_url: str
    callback_encrypted: str
    told: Mapping[tuple[str, int], set[str]]


def ended(endings: Sequence[Ended], runs_of: Callable[[list[int]], Mapping[int, JobRun]]) -> None:
    """Write the deliveries that the endings ask for: by rules, by the schedules' channels, and to callbacks.

    `runs_of(ids)` gives the runs; it is not asked where nobody wants to hear.
    """
    listeners = _listeners({one.schedule_id for one in endings})
    wanted = [one for one in endings if one.schedule_id in listeners]
    if not wanted:
        return
    runs = runs_of([one.run_id for one in wanted])
    notices = _Notices()
    for one in wanted:
        listener, run = listeners[one.schedule_id], runs[one.run_id]
        if listener.callback_url:
            notices.call_back(listener, run, {**payload(run, one.retry_at), **_own_words(run, one)})
        for event, names in _events(one, run, listener.told):
            notices.add(
                told_of_run(event, run, one, listener.timezone), names, _about(run), key=f"run {run.pk} {event}"
            )
    notices.post()


def missed(instants: Mapping[int, tuple[datetime, int, str]]) -> None:
    """Write the deliveries for instants that were missed: schedule id → (the newest, how many, why)."""
    listeners = _listeners(set(instants))
    notices = _Notices()
    for schedule_id, listener in listeners.items():
        names = listener.told.get(("missed", 0))
        if not names:
            continue
        at, count, why = instants[schedule_id]
        about = {"schedule_id": schedule_id, "environment": listener.environment}
        notices.add(_missed(listener, at, count, why), names, about, key=f"missed {schedule_id} {at.isoformat()}")
    notices.post()


def payload(run: JobRun, retry_at: datetime | None) -> dict[str, Any]:
    """Return what every callback gets of a run that ended."""
    seconds = run.duration_seconds
    return {
        "execution_id": run.pk,
        "schedule_id": run.schedule_id,
        "schedule_name": run.schedule_name,
        "job_type": run.job_type,
        "environment": run.environment,
        "status": run.status,
        "reason": run.reason,
        "attempt_number": run.attempt,
        "will_retry": retry_at is not None,
        "retry_at": _iso(retry_at),
        "scheduled_for": _iso(run.scheduled_for),
        "started_at": _iso(run.started_at),
        "finished_at": _iso(run.finished_at),
        "duration_ms": None if seconds is None else round(seconds * 1000),
        "error": run.error,
        "metrics": run.metrics,
        "summary": run.summary,
        "correlation_id": run.correlation_id,
        "idempotency_key": run.idempotency_key,
    }


def _own_words(run: JobRun, one: Ended) -> dict[str, Any]:
    """Return what the run's kind of work has to say to a callback."""
    kind = registry.job_types().get(run.job_type)
    return {} if kind is None else kind.called_back(finished_run(run, is_final=one.retry_at is None))


def told_of_run(event: str, run: JobRun, one: Ended, zone: str) -> Message:
    """Return what people are told of a run that ended."""
    failed = run.status == "failed"
    took = f" after {span(run.duration_seconds)}" if run.duration_seconds is not None else ""
    said = first_line(run.error or run.summary, 300)
    texts = {
        "recovery": f"{run.schedule_name} succeeded{took}, after {one.failed_before} failed attempts in a row.",
        "repeated": f"{run.schedule_name} failed {one.failed_before + 1} times in a row. {said}",
        "late": f"{run.schedule_name} started {span(_lag(run))} late.",
        "success": f"{run.schedule_name} succeeded{took}. {said}",
    }
    text = texts.get(event, f"{run.schedule_name} failed{took} and is not tried again. {said}")
    return Message(
        event=f"run.{event}",
        title=run.schedule_name,
        status={"recovery": "RECOVERED", "success": "SUCCEEDED", "late": "LATE"}.get(event, "FAILED"),
        text=text.strip(),
        is_bad=failed or event == "late",
        facts=(
            ("Scheduled for", moment(run.scheduled_for, zone)),
            ("Environment", run.environment),
            ("Attempt", str(run.attempt)),
            ("Why", run.get_reason_display() if run.reason else run.get_status_display()),
        ),
        link=link(f"runs/{run.pk}"),
        body={"event": f"run.{event}", "text": text.strip(), **payload(run, one.retry_at)},
    )


def _listeners(schedule_ids: set[int]) -> dict[int, Listener]:
    """Return the schedules of which somebody wants to hear; two statements, whatever their number."""
    if not schedule_ids:
        return {}
    rules_exist = NoticeRule.objects.exclude(event__in=["daily", "weekly"]).exists()
    found = Schedule.objects.filter(pk__in=schedule_ids)
    if not rules_exist:
        found = found.filter(~Q(channels=[]) | ~Q(callback_url=""))
    rows = {row[0]: row for row in found.values_list(*COLUMNS)}
    rules = NoticeRule.objects.about({pk: row[2] for pk, row in rows.items()}) if rules_exist else {}
    listeners = {}
    for pk, name, environment, zone, channels, url, encrypted in rows.values():
        told = subscribers(channels, rules.get(pk, ()))
        if told or url:
            listeners[pk] = Listener(name, environment, zone, url, encrypted, told)
    return listeners


def _events(one: Ended, run: JobRun, told: Mapping[tuple[str, int], set[str]]) -> Iterator[tuple[str, set[str]]]:
    """Yield the events of a run that somebody wants to hear of, and who."""
    failed = one.status == "failed"
    for (event, threshold), names in told.items():
        happened = {
            "failure": failed and one.retry_at is None,
            "recovery": one.status == "success" and one.failed_before >= one.attempt,
            "repeated": failed and one.failed_before + 1 == threshold,
            "late": one.attempt == 1 and run.trigger == "schedule" and _lag(run) > threshold,
            "success": one.status == "success",
        }
        if happened.get(event):
            yield event, names


def _lag(run: JobRun) -> float:
    return (run.started_at - run.available_at).total_seconds() if run.started_at else 0.0


def _missed(listener: Listener, at: datetime, count: int, why: str) -> Message:
    instants = "an instant was" if count == 1 else f"{count} instants were"
    text = f"{listener.name}: {instants} missed, the newest at {moment(at, listener.timezone)}. {why}"
    return Message(
        event="run.missed",
        title=listener.name,
        status="MISSED",
        text=text,
        facts=(("Environment", listener.environment),),
        body={"event": "run.missed", "text": text, "scheduled_for": _iso(at), "count": count},
    )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


class _Notices:
    """Collects deliveries, to be written in two statements."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Message, str, dict[str, Any], str]] = []
        self.calls: list[Delivery] = []

    def add(self, message: Message, names: Iterable[str], about: dict[str, Any], *, key: str) -> None:
        self.waiting += [(message, name, about, key) for name in sorted(names)]

    def call_back(self, listener: Listener, run: JobRun, body: dict[str, Any]) -> None:
        message = Message("run.ended", run.schedule_name, run.status.upper(), is_bad=False, body=body)
        self.calls.append(
            Delivery.of(
                message,
                key=f"run {run.pk} callback",
                url=listener.callback_url,
                encrypted=listener.callback_encrypted,
                **_about(run),
            )
        )

    def post(self) -> None:
        names = {name for _, name, _, _ in self.waiting}
        channels = {one.name: one for one in Channel.objects.filter(name__in=names)} if names else {}
        rows = [
            Delivery.of(message, channels.get(name), channel_name=name, key=key, **about)
            for message, name, about, key in self.waiting
        ]
        Delivery.objects.bulk_create([*rows, *self.calls], ignore_conflicts=True)


def _about(run: JobRun) -> dict[str, Any]:
    return {
        "schedule_id": run.schedule_id,
        "run_id": run.pk,
        "environment": run.environment,
        "correlation_id": run.correlation_id,
    }
