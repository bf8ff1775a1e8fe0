"""An alert under test: what it says at which minute, who takes the notices, and what was told."""

from datetime import UTC, datetime, timedelta
from itertools import count

from integrations.models import Channel, Connection, Delivery
from jobtypes import registry
from jobtypes.base import Finished
from jobtypes.models import AlertIncident, AlertState
from schedules.models import Schedule

START = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
RUNS = count(1000)


def a_channel(name, **fields):
    channel = Channel(name=name, kind="email", **fields)
    channel.offer({"recipients": [f"{name}@example.test"]})
    channel.store(by="test")
    return channel


class Alert:
    """`say` takes a result at a minute after START; `taken` lets channels accept what waits for them."""

    def __init__(self, **params):
        for name in ("ops", "boss"):
            if not Channel.objects.filter(name=name).exists():
                a_channel(name)
        if not Connection.objects.filter(name="shop").exists():
            Connection(name="shop", kind="sql", address="sqlite:///shop.sqlite3").store(by="test")
        name = params.pop("name", "stuck orders")
        self.schedule = Schedule(
            name=name,
            job_type="sql_alert",
            schedule_type="cron",
            cron_expression="* * * * *",
            params={"connection": "shop", "query": "SELECT 'OK' AS status", "notify": ["ops"], **params},
        )
        self.schedule.store(by="test")

    @property
    def state(self):
        return AlertState.objects.get(schedule_id=self.schedule.pk)

    @property
    def incidents(self):
        return list(AlertIncident.objects.filter(state=self.state).order_by("pk"))

    def say(self, *statuses, minute=0.0, value=7, **columns):
        """Take results one minute after the other; return the events."""
        kind, events = registry.job_type("sql_alert"), []
        for number, status in enumerate(statuses):
            at = START + timedelta(minutes=minute + number)
            failed = status == "ERROR"
            run = {
                "run_id": next(RUNS),
                "schedule_id": self.schedule.pk,
                "schedule_name": self.schedule.name,
                "environment": self.schedule.environment,
                "params": self.schedule.params,
                "trigger": "schedule",
                "status": "failed" if failed else "success",
                "reason": "expected" if failed else "",
                "error": "The database is away." if failed else "",
                "result": {"status": status, "actual_value": value, "threshold": 5, "context": {"oldest": "x"}},
                "scheduled_for": at,
                "finished_at": at + timedelta(seconds=2),
                "is_final": True,
                "correlation_id": "c" * 32,
                **columns,
            }
            added = kind.settle([Finished(**run)])
            events.append(added.get(run["run_id"], {}).get("event", ""))
        return events

    def tend(self, minute):
        registry.job_type("sql_alert").tend(START + timedelta(minutes=minute))

    def taken(self, *channels, minute=0.0):
        """Let channels take what waits for them, all channels if none is named."""
        waiting = Delivery.objects.filter(status="pending", schedule_id=self.schedule.pk)
        if channels:
            waiting = waiting.filter(channel_name__in=channels)
        return waiting.update(status="delivered", finished_at=START + timedelta(minutes=minute, seconds=3))

    def given_up(self):
        return Delivery.objects.filter(status="pending").update(status="failed", finished_at=START)

    def told(self):
        """Return (notice, channel) of every delivery that was not called off, the oldest first."""
        rows = Delivery.objects.filter(schedule_id=self.schedule.pk).exclude(status="discarded").order_by("pk")
        return [(one.event.removeprefix("alert."), one.channel_name) for one in rows]
