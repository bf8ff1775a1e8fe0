"""A small world to look at: every state of a run, a paused schedule, a scheduler that is alive."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from integrations.channels import Message
from integrations.models import Delivery
from jobruns.models import JobRun, RunLogLine, SchedulerProcess
from schedules.models import Origin, Schedule, Template
from schedules.patterns import instances


@pytest.fixture
def operator(db: None) -> Any:
    return get_user_model().objects.create_superuser("operator", password="a-long-password")


@pytest.fixture
def viewer(db: None) -> Any:
    return get_user_model().objects.create_user("viewer", password="a-long-password")


@pytest.fixture
def pages(client: Client, operator: Any) -> Client:
    """A client that is signed in with every right."""
    client.force_login(operator)
    return client


@pytest.fixture
def world(db: None) -> SimpleNamespace:
    """Seven schedules with runs in every state; named by what is the matter with them."""
    now = timezone.now().replace(microsecond=0)
    SchedulerProcess.objects.create(name="one", host="here", pid=1, version="0", slots=4, heartbeat_at=now)
    calm = schedule("calm_import", tags=["customer"])
    for hours in range(40, 0, -1):
        run_of(calm, now - timedelta(hours=hours), took=40)
    calm.cron_expression = "30 * * * *"
    calm.store(by="somebody")
    failing = schedule("failing_import", params={"message": "hello"}, description="Loads invoices.")
    run_of(failing, now - timedelta(hours=3), took=20)
    failed = run_of(
        failing, now - timedelta(hours=1), status="failed", reason="expected", error="Refused 4,812 of 96,240 rows."
    )
    for number, level in enumerate(("info", "warning", "error"), 1):
        RunLogLine.objects.create(run=failed, number=number, at=now, level=level, text=f"line {number} <b>&</b>")
    ended(failing, failed, consecutive_failures=2, failed_runs=2, total_runs=3, successful_runs=1)
    late = schedule("late_check")
    run_of(late, now - timedelta(hours=2), wait=700)
    run_of(late, now - timedelta(hours=5), status="cancelled", reason="requested", summary="Cancelled by somebody.")
    run_of(late, now - timedelta(hours=4), status="skipped", reason="overlap", started=False)
    run_of(late, now - timedelta(hours=6), status="missed", reason="downtime", started=False, coalesced_count=8)
    alerting = schedule("alerting_query")
    alert = None
    for minutes in range(50, 0, -10):
        result = {"status": "ALERT" if minutes < 30 else "OK", "actual_value": 60 - minutes, "threshold": 20}
        alert = run_of(alerting, now - timedelta(minutes=minutes), result=result, metrics={"actual_value": 7})
    ended(alerting, alert, total_runs=5, successful_runs=5)
    busy = schedule("busy_job")
    running = run_of(
        busy,
        now - timedelta(minutes=2),
        status="running",
        lease_expires_at=now + timedelta(hours=1),
        progress={"done": 58, "total": 323, "text": "controls"},
    )
    run_of(busy, now, status="pending", started=False, trigger="manual", triggered_by="somebody")
    answer = run_of(
        busy,
        now - timedelta(hours=9),
        result={"url": "https://x.example/", "status": 200, "body": "<script>alert(1)</script>"},
    )
    template = Template(
        name="greet somebody",
        definition={
            "job_type": "noop",
            "params": {"message": "{{ word }}"},
            "cron_expression": "{{ minute }} 6 * * *",
        },
        parameters=[{"name": "word", "required": True}, {"name": "minute", "type": "integer", "default": 5}],
    )
    template.store(by="somebody")
    greeting = schedule("greeting", params={"message": "hello"})
    made = instances.state(greeting)
    values = {"word": "hello", "minute": 5}
    Origin.objects.create(schedule=greeting, template=template, version=1, parameters=values, made=made)
    template.definition = {**template.definition, "priority": 7}
    template.store(by="somebody", why="It is urgent.")
    message = Message(event="run.failure", title="failing_import", status="FAILED", text="Refused 4,812 rows.")
    about = {"schedule_id": failing.pk, "run_id": failed.pk, "environment": failing.environment}
    for name, how in (("ops-mail", "delivered"), ("night-watch", "pending"), ("pager", "failed")):
        delivery = Delivery.of(message, channel_name=name, status=how, attempts=3, answer="It hung up.", **about)
        delivery.finished_at = None if how == "pending" else now
        delivery.save()
    paused = schedule("paused_callback")
    paused.pause(by="somebody", reason="Partner moves", until=now + timedelta(hours=8))
    return SimpleNamespace(
        calm=calm,
        failing=failing,
        failed=failed,
        late=late,
        alert=alert,
        running=running,
        answer=answer,
        delivery=delivery,
        paused=paused,
        template=template,
    )


def schedule(name: str, **fields: Any) -> Schedule:
    new = Schedule(
        name=name,
        job_type="noop",
        schedule_type="cron",
        cron_expression="0 * * * *",
        timezone="Europe/Riga",
        **fields,
    )
    new.store(by="somebody")
    return new


def run_of(
    one: Schedule,
    at: Any,
    *,
    status: str = "success",
    took: float = 5,
    wait: float = 0,
    started: bool = True,
    **fields: Any,
) -> JobRun:
    begun = at + timedelta(seconds=wait) if started else None
    over = None if status in {"running", "pending"} else (begun or at) + timedelta(seconds=took if begun else 0)
    return JobRun.objects.create(
        schedule=one,
        schedule_name=one.name,
        job_type=one.job_type,
        environment=one.environment,
        params=one.params,
        scheduled_for=at,
        queued_at=at,
        available_at=at,
        started_at=begun,
        finished_at=over,
        status=status,
        idempotency_key=f"{one.pk}-{at.isoformat()}",
        **fields,
    )


def ended(one: Schedule, last: JobRun, **counters: int) -> None:
    Schedule.objects.filter(pk=one.pk).update(
        last_run_id=last.pk, last_status=last.status, last_run_at=last.started_at, usual_seconds=30, **counters
    )
    one.refresh_from_db()
