"""Put the sample data into the database: what is there already stays as a person left it."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction

from integrations.models import Connection
from jobruns.demo import business, controls, exports, history, sample
from jobruns.demo.stories import tellers
from jobtypes.models import ImportProject
from schedules.models import Schedule

OWNER = "demo"
ADMIN = "admin"
AGE = timedelta(days=21)  # how long the schedules seem to exist
PAUSED_FOR = timedelta(hours=30)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was new, and a sentence on each schedule that the settings do not allow."""

    schedules: int
    runs: int
    left_out: list[str]


def load(now: datetime, *, address: str) -> Loaded:
    """Add the shop, its connection, the sample schedules and their past, as far as the settings allow.

    `address` is where the demo's web server listens; the schedule that calls it follows. Empty: it stays as it is.
    """
    root = Path(settings.LOCAL_FILES_ROOT)
    shop = root / sample.SHOP_FILE
    business.fill(shop, now)
    exports.write(root, shop, now)
    with transaction.atomic():
        if not Connection.objects.filter(name=sample.SHOP).exists():
            Connection(
                name=sample.SHOP,
                kind=Connection.Kind.SQL,
                description="The sample shop's orders, payments, calls and prices.",
                address=f"sqlite:///{sample.SHOP_FILE}",
            ).store(by=OWNER)
        _projects()
        controls.load(now, by=OWNER)
        fresh, left_out = _schedules(address, now)
        with closing(sqlite3.connect(f"{shop.as_uri()}?mode=ro", uri=True, timeout=10)) as database:
            told = tellers(database)
            runs = history.write([one for one in fresh if one.job_type in told], told, now)
    if address and (sentence := _point_at(address)):
        left_out.append(sentence)
    return Loaded(len(fresh), runs, left_out)


def admin(given: str, keep: Path) -> None:
    """Make the user `admin` with every right: the password is `given`, or random and kept in the file `keep`.

    One who exists already gets a given password, and otherwise keeps his.
    """
    User = get_user_model()
    user = User.objects.filter(username=ADMIN).first()
    if user is not None and not given:
        return
    if user is None:
        user = User(username=ADMIN, is_staff=True, is_superuser=True)
    password = given or secrets.token_urlsafe(9)
    user.set_password(password)
    user.save()
    if given:
        keep.unlink(missing_ok=True)
        return
    keep.touch(mode=0o600)
    keep.write_text(f"{password}\n")


def _projects() -> None:
    """Add what the imports need, where there is a database that they can fill."""
    if not os.environ.get(sample.WAREHOUSE_URL):
        return
    if not Connection.objects.filter(name=sample.WAREHOUSE).exists():
        Connection(
            name=sample.WAREHOUSE,
            kind=Connection.Kind.SQL,
            description="A PostgreSQL of the demo's own, which imports fill.",
            address=f"${{{sample.WAREHOUSE_URL}}}",
        ).store(by=OWNER)
    for wanted in sample.PROJECTS:
        if not ImportProject.objects.filter(name=wanted["name"]).exists():
            ImportProject(**wanted, connection=sample.WAREHOUSE).store(by=OWNER)


def _schedules(address: str, now: datetime) -> tuple[list[Schedule], list[str]]:
    """Return the schedules that were made, and why others could not be; one that is there already is neither."""
    fresh, left_out = [], []
    for wanted in (*sample.SCHEDULES, controls.schedule()):
        schedule = Schedule(**wanted)
        if Schedule.objects.filter(name=schedule.name, environment=schedule.environment).exists():
            continue
        if "project" in schedule.params and not os.environ.get(sample.WAREHOUSE_URL):
            left_out.append(
                f"{schedule.name}: there is no {sample.WAREHOUSE_URL}, a PostgreSQL that imports may fill."
            )
            continue
        try:
            _make(schedule, address, now)
        except ValidationError as refused:
            left_out.append(f"{schedule.name}: {' '.join(refused.messages)}")
        else:
            fresh.append(schedule)
    return fresh, left_out


def _make(schedule: Schedule, address: str, now: datetime) -> None:
    if schedule.name == sample.HEALTH and address:
        schedule.params = {**schedule.params, "url": f"{address}/health"}
    made = (now - AGE).replace(second=0, microsecond=0)
    if schedule.schedule_type == Schedule.Kind.INTERVAL:
        soon = {**sample.SOON, controls.BASELINE: controls.FIRST_AFTER}
        first = now + timedelta(seconds=soon.get(schedule.name, 0) - (schedule.interval_seconds or 0))
        schedule.anchor_at = first.replace(microsecond=0) if schedule.name in soon else made
    schedule.store(by=OWNER)
    Schedule.objects.filter(pk=schedule.pk).update(created_at=made)
    if schedule.name == sample.PAUSED:
        schedule.pause(by=ADMIN, reason=sample.PAUSE_REASON)
        schedule.pause_started_at = schedule.status_changed_at = now - PAUSED_FOR
        schedule.save(update_fields=["pause_started_at", "status_changed_at"])


def _point_at(address: str) -> str:
    """Let the schedule that calls the demo's web server call it where it listens now; return why that is refused."""
    schedule = Schedule.objects.existing().filter(name=sample.HEALTH, created_by=OWNER).first()
    url = f"{address}/health"
    if schedule is None or schedule.params.get("url") == url:
        return ""
    schedule.params = {**schedule.params, "url": url}
    try:
        schedule.store(by=OWNER)
    except ValidationError as refused:
        return f"{schedule.name}: {' '.join(refused.messages)}"
    return ""
