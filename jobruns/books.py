"""What is kept of runs beside the ledger: sums of those that ended, and what was pruned of each schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import models

from integrations.access import OfEnvironments
from jobruns.sums import ERRORS_KEPT, Sums

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # where sums over all time begin
EVERY = 0  # stands for the schedule in sums over all schedules by the hour
EVERY_BY_DAY = -1  # and in those by the day


class RunSumsQuerySet(OfEnvironments, models.QuerySet["RunSums"]):
    def between(self, since: datetime, until: datetime, *, schedule_id: int = EVERY) -> RunSumsQuerySet:
        """Return the sums that begin from `since` up to, but not at, `until`: days of a schedule, or hours of all."""
        return self.filter(schedule_id=schedule_id, since__gte=since, since__lt=until)

    def ever(self) -> RunSumsQuerySet:
        """Return the sums over all time, one for each environment."""
        return self.filter(schedule_id=EVERY, since=EVER)

    def total(self) -> Sums:
        """Return what these come to."""
        found = Sums()
        for row in self.iterator():
            found.merge(row.sums)
        return found


class RunSums(models.Model):
    """The sums of the runs queued in one day, of a schedule or a whole environment, or in one hour of the latter."""

    environment = models.CharField(max_length=50)
    schedule_id = models.BigIntegerField(default=EVERY, help_text="0: over all schedules by hour; -1: by day.")
    since = models.DateTimeField(help_text="When the day or hour begins, in UTC; 1970-01-01 for all time.")
    counts = models.JSONField(default=dict)
    reasons = models.JSONField(default=dict)
    durations = models.JSONField(default=dict)
    lags = models.JSONField(default=dict)
    errors = models.JSONField(default=dict)
    duration_total = models.BigIntegerField(default=0, help_text="Of successes, in microseconds.")
    duration_min = models.BigIntegerField(null=True)
    duration_max = models.BigIntegerField(null=True)
    lag_total = models.BigIntegerField(default=0, help_text="Of fires that started, in microseconds.")
    last_started_at = models.DateTimeField(null=True)

    objects = RunSumsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "run sums"
        constraints = [
            models.UniqueConstraint(fields=["schedule_id", "since", "environment"], name="one_row_of_sums"),
        ]

    def __str__(self) -> str:
        return f"{self.environment} {self.schedule_id} {self.since:%Y-%m-%d %H}"

    @property
    def sums(self) -> Sums:
        """Return what it holds, to be added up."""
        return Sums(
            counts=Counter(self.counts),
            reasons=Counter(self.reasons),
            durations=Counter({int(place): count for place, count in self.durations.items()}),
            lags=Counter({int(place): count for place, count in self.lags.items()}),
            errors=Counter(self.errors),
            duration_total=self.duration_total,
            duration_min=self.duration_min,
            duration_max=self.duration_max,
            lag_total=self.lag_total,
            last_started_at=self.last_started_at,
        )

    @sums.setter
    def sums(self, values: Sums) -> None:
        self.counts, self.reasons = dict(values.counts), dict(values.reasons)
        self.durations, self.lags = dict(values.durations), dict(values.lags)
        self.errors = dict(values.errors.most_common(ERRORS_KEPT))
        self.duration_total, self.lag_total = values.duration_total, values.lag_total
        self.duration_min, self.duration_max = values.duration_min, values.duration_max
        self.last_started_at = values.last_started_at


class LateRun(models.Model):
    """A run that had not ended when its id was counted; it is counted when it has."""

    run = models.OneToOneField("JobRun", on_delete=models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return str(self.run_id)


class Bookmark(models.Model):
    """How far the sums have come, and how far back history reaches. There is one row."""

    counted_to = models.BigIntegerField(default=0, help_text="Runs up to this id are in the sums, or late.")
    pruned_before = models.DateTimeField(null=True, help_text="Runs queued before this may be gone.")

    def __str__(self) -> str:
        return f"counted to {self.counted_to}"

    @classmethod
    def read(cls) -> Bookmark:
        """Return the one row as it is now; a fresh one where there is none."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    @classmethod
    def take(cls) -> Bookmark | None:
        """Return the one row under its lock, or None while another process holds it. Needs a transaction."""
        rows = cls.objects.filter(pk=1)
        if not rows.exists():
            Bookmark.objects.bulk_create([Bookmark(pk=1)], ignore_conflicts=True)
        return rows.select_for_update(skip_locked=True).first()


class PrunedRuns(models.Model):
    """What was pruned of one schedule, so that ledger and counters can still be compared."""

    schedule = models.OneToOneField("schedules.Schedule", on_delete=models.CASCADE, related_name="pruned")
    rows = models.PositiveBigIntegerField(default=0)
    successes = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveBigIntegerField(default=0)
    newest = models.DateTimeField(help_text="The newest instant whose row was pruned.")

    def __str__(self) -> str:
        return f"{self.rows} runs of {self.schedule_id}"

    @classmethod
    def note(cls, pruned: Iterable[dict[str, Any]]) -> None:
        """Add what was pruned just now: dictionaries of schedule_id, rows, successes, failures and newest."""
        told = {one["schedule_id"]: one for one in pruned}
        known = {row.schedule_id: row for row in cls.objects.select_for_update().filter(schedule_id__in=told)}
        for schedule_id, row in known.items():
            one = told.pop(schedule_id)
            row.rows += one["rows"]
            row.successes += one["successes"]
            row.failures += one["failures"]
            row.newest = max(row.newest, one["newest"])
        cls.objects.bulk_update(known.values(), ["rows", "successes", "failures", "newest"])
        PrunedRuns.objects.bulk_create([PrunedRuns(**one) for one in told.values()])
