"""Two environments with the same things in each, and people who are limited to one of them."""

from datetime import date
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from integrations import roles
from integrations.models import Channel, Connection, Delivery
from integrations.rest import throttles
from jobruns.models import JobRun
from jobtypes.models import Evidence, ImportProject, Manifest, ManifestEntry, System, Waiver
from schedules.models import Calendar, Schedule
from schedules.telling import NoticeRule
from tests.api.conftest import Caller, a_schedule, admin, having, nobody
from tests.jobtypes.conftest import makes, shop, sqlite_folder

__all__ = ["a_schedule", "admin", "having", "makes", "nobody", "shop", "sqlite_folder"]


@pytest.fixture(autouse=True)
def no_throttle_is_left_over():
    throttles.forget()
    yield
    throttles.forget()


@pytest.fixture
def person(db):
    """Return a function that makes a user of some role and environments."""

    def make(role, *environments):
        user = User.objects.create_user(f"{role or 'nobody'}-{User.objects.count()}")
        roles.give(user, role, environments)
        return User.objects.get(pk=user.pk)

    return make


@pytest.fixture
def speaking(person):
    """Return a function that makes a program of such a user, speaking with a token."""
    return lambda role, *environments: Caller(person(role, *environments))


@pytest.fixture
def worlds(db):
    """Return environment → what is there, and "" → what is everybody's."""
    return {place: world(place) for place in ("staging", "production", "")}


def world(place):
    name = place or "everybody"
    calendar = Calendar(name=f"{name} days", environment=place)
    calendar.store(by="tester")
    channel = Channel(name=f"{name} mail", kind="email", environment=place)
    channel.offer({"recipients": ["ops@example.com"]})
    channel.store(by="tester")
    connection = Connection(name=f"{name} api", kind="http", address="https://api.example", environment=place)
    connection.store(by="tester")
    warehouse = Connection(name=f"{name} db", kind="sql", address="postgresql://db.example/x", environment=place)
    warehouse.store(by="tester")
    project = ImportProject(name=f"{name} files", connection=warehouse.name, environment=place)
    project.config = {"defaults": {"primary_key": "id"}, "local_dir": "in"}
    project.store(by="tester")
    found = SimpleNamespace(calendar=calendar, channel=channel, connection=connection, project=project)
    if place:
        found.system = System(name=f"{name} quay", environment=place)
        found.system.store(by="tester")
        found.evidence = Evidence(system=found.system, evidence_type="audit-log", key=f"{name} log")
        found.evidence.store(by="tester")
        found.waiver = Waiver(control_id="AC-2", reason=f"{name} accepts it", expires=date(2099, 12, 31))
        found.waiver.store(by="tester", systems=[found.system])
        manifest = Manifest.objects.create(environment=place, sha256="0" * 64)
        found.entry = ManifestEntry.objects.create(manifest=manifest, key=f"{name} log")
        found.schedule = Schedule(
            name=f"{name} nightly",
            job_type="noop",
            schedule_type="cron",
            cron_expression="0 3 * * *",
            environment=place,
            tags=["nightly"],
        )
        found.schedule.store(by="tester")
        found.schedule.runs.request(by="tester", correlation_id="shared")
        found.run = JobRun.objects.get(schedule=found.schedule)
        JobRun.objects.filter(pk=found.run.pk).update(
            status="failed", finished_at=timezone.now(), error=f"{name} broke", started_at=timezone.now()
        )
        found.run.refresh_from_db()
        found.delivery = Delivery.objects.create(
            channel_name=f"{name} mail", event="failure", environment=place, status="failed"
        )
        found.own_rule = NoticeRule.objects.create(
            schedule=found.schedule, event="success", channels=[found.channel.name]
        )
    found.rule = NoticeRule.objects.create(environment=place, event="failure", channels=[channel.name])
    return found
