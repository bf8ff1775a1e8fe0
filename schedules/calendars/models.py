"""Business calendars: when work does not run, every version kept; and what binds a schedule to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.utils import timezone

from integrations import audit
from integrations.access import OfEnvironments
from integrations.naming import has_control_characters
from schedules.calendars.closures import Closures, closures
from schedules.calendars.definition import Definition, InvalidDefinition, NamedDate, read, with_closed
from schedules.clock import TimingError
from schedules.wakeup import wake_schedulers

if TYPE_CHECKING:
    from schedules.queries import ScheduleQuerySet

# Ready for asking, by number: (version, when it was stored), so that a process reads each version once.
_ready: dict[int, tuple[tuple[int, datetime], Closures]] = {}


class CalendarQuerySet(OfEnvironments, models.QuerySet["Calendar"]):
    has_common = True

    def ready(self, numbers: Iterable[int]) -> dict[int, Closures]:
        """Return the calendars of these numbers, ready for asking; one query unless one was changed.

        One that can no longer be read is left out.
        """
        found: dict[int, Closures] = {}
        changed = []
        for number, version, updated_at in self.filter(pk__in=set(numbers)).values_list(
            "pk", "version", "updated_at"
        ):
            kept = _ready.get(number)
            if kept is not None and kept[0] == (version, updated_at):
                found[number] = kept[1]
            else:
                changed.append(number)
        for calendar in self.filter(pk__in=changed) if changed else ():
            with suppress(InvalidDefinition):
                found[calendar.pk] = calendar.closures
        return found

    def ready_all(self) -> dict[int, Closures]:
        """Return all of these calendars, ready for asking, by number."""
        return self.ready(self.values_list("pk", flat=True))

    def stopping(self) -> CalendarQuerySet:
        """Return the calendars that have a window which stops what runs."""
        return self.filter(stops_running=True)

    def named(self, name: str) -> Calendar:
        """Return the calendar of that name; raises DoesNotExist with a sentence that lists what there is."""
        found = self.filter(name=name).first()
        if found is None:
            known = ", ".join(self.order_by("name").values_list("name", flat=True)[:20]) or "none yet"
            raise self.model.DoesNotExist(f"There is no calendar {name!r}. Calendars: {known}.")
        return found


class Calendar(models.Model):
    """A named calendar of open days and maintenance windows. Set it up with `define`, then `store` it."""

    name = models.CharField(max_length=100, unique=True, help_text="Schedules refer to it by this name.")
    description = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)], blank=True, default="")
    environment = models.CharField(
        max_length=50,
        blank=True,
        default="",
        help_text="Only schedules of this environment may use it; all if empty.",
    )
    definition = models.JSONField(default=dict, blank=True, editable=False)
    stops_running = models.BooleanField(default=False, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    if TYPE_CHECKING:
        schedules: Any
        versions: Any

    def __str__(self) -> str:
        return self.name

    @property
    def read(self) -> Definition:
        """Return the definition as it was read; raises InvalidDefinition."""
        return read(self.definition)

    @property
    def closures(self) -> Closures:
        """Return the stored calendar ready for asking; kept by this process until it is changed."""
        key = (self.version, self.updated_at)
        kept = _ready.get(self.pk)
        if kept is None or kept[0] != key:
            kept = _ready[self.pk] = key, self.draft()
        return kept[1]

    def draft(self) -> Closures:
        """Return the calendar as it stands here, stored or not; raises InvalidDefinition."""
        return closures(self.name, self.version, self.read)

    def define(self, values: Mapping[str, Any]) -> None:
        """Put these fields of a definition over what it has; `store` checks them."""
        self.definition = {**self.definition, **values}

    def close(self, dates: Iterable[NamedDate]) -> int:
        """Close these dates as well and return how many are new; raises InvalidDefinition."""
        before = self.read
        after = with_closed(before, dates)
        self.definition = after.as_json()
        return len(after.closed_dates) - len(before.closed_dates)

    def clean(self) -> None:
        """Refuse what is no calendar and write the definition in its one form; raises ValidationError by field."""
        if self.name != self.name.strip() or has_control_characters(self.name):
            raise ValidationError({"name": ["Control characters and blanks at the ends are not allowed."]})
        if self.pk and self.environment and self.schedules.exclude(environment=self.environment).exists():
            raise ValidationError(
                {"environment": [f"Schedules of other environments than {self.environment} use it."]}
            )
        try:
            found = self.read
        except InvalidDefinition as refused:
            raise ValidationError(refused.errors) from None
        self.definition = found.as_json()
        self.stops_running = any(window.stop_running for window in found.windows)

    def store(self, *, by: str, why: str = "") -> None:
        """Check and save it as a new version, and plan its schedules anew, each under the lock that firing takes.

        Nothing fires by it: an instant that is due already is left to the engine. Raises ValidationError by field.
        """
        with transaction.atomic():
            new, before = self._state.adding, dict[str, Any]()
            if new:
                self.created_by = self.created_by or by
            else:
                stored = Calendar.objects.select_for_update().get(pk=self.pk)
                self.version, before = stored.version + 1, stored.recorded()
            self.updated_by = by
            self.full_clean()
            bound = list(self.schedules.select_for_update().order_by("pk")) if self.pk else []
            self.save()
            self.versions.create(
                number=self.version,
                definition=self.definition,
                created_by=by,
                reason=why[:500],
            )
            now = timezone.now()
            for schedule in bound:
                schedule.calendar = self
                schedule.replan(now)
            told = self.recorded()
            audit.record("create" if new else "update", self, by=by, reason=why, before=before, after=told)
            wake_schedulers()

    def remove(self, *, by: str) -> None:
        """Delete it with its versions; raises ValidationError, code "conflict", while schedules are on it."""
        with transaction.atomic():
            if held := self.held_by():
                raise ValidationError(held, code="conflict")
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        named = {name: getattr(self, name) for name in ("name", "description", "environment")}
        return {**named, **self.definition}

    def roll_back(self, number: int, *, by: str) -> None:
        """Store an earlier version's definition as a new version; raises CalendarVersion.DoesNotExist."""
        self.definition = self.versions.get(number=number).definition
        self.store(by=by, why=f"Back to version {number}.")

    def users(self) -> ScheduleQuerySet:
        """Return the schedules on it that were not deleted."""
        found: ScheduleQuerySet = self.schedules.existing().order_by("name", "pk")
        return found

    def held_by(self) -> str:
        """Say which schedules keep it from being deleted; empty if none does."""
        names = [
            f"{name} (deleted)" if status == "deleted" else name
            for name, status in self.schedules.order_by("name").values_list("name", "status")[:21]
        ]
        if not names:
            return ""
        more = " and others" if len(names) > 20 else ""
        return f"{self.name} is in use by {', '.join(names[:20])}{more}. Take it off these schedules first."


class CalendarVersion(models.Model):
    """What a calendar said from one change to the next: who changed it, when, and why."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    reason = models.CharField(max_length=500, blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["calendar", "number"], name="one_row_per_version")]

    def __str__(self) -> str:
        return f"{self.calendar} version {self.number}"


class OnCalendar(models.Model):
    """What binds a schedule to a calendar."""

    class Rule(models.TextChoices):
        SKIP = "skip", "Skip it"
        NEXT = "next", "Run on the next open day"
        PREVIOUS = "previous", "Run on the open day before"

    calendar = models.ForeignKey(
        Calendar,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="schedules",
        help_text="Nothing runs while it is closed.",
    )
    calendar_rule = models.CharField("on a closed day", max_length=8, choices=Rule, default=Rule.SKIP)

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        calendar_id: int | None
        status: str

        def plan_next(self, now: datetime) -> None: ...

    @property
    def closures(self) -> Closures | None:
        """Return its calendar ready for asking, None if it has none."""
        return self.calendar.closures if self.calendar is not None else None

    def replan(self, now: datetime) -> None:
        """Compute the next instant anew because the calendar changed, under the lock that the caller holds.

        An instant that is due already is left to the engine, which also sees to a timing that cannot be read.
        """
        if self.status == "active":
            with suppress(TimingError):
                self.plan_next(now)
            self.save(update_fields=["next_run_at", "status", "updated_at"])  # type: ignore[misc]  # Schedule has them

    def _read_calendar(self) -> bool:
        """Read the calendar as it is stored now, under the schedule's lock; tell whether that is another version.

        Its row is locked once the schedule refers to it, so what is read after saving stays true until the commit.
        """
        if self.calendar_id is None:
            return False
        before = self.calendar.version if self.calendar is not None else 0
        self.calendar = Calendar.objects.filter(pk=self.calendar_id).first()
        return self.calendar is not None and self.calendar.version != before
