"""How runs went in a window of time: sums of its whole hours (of one schedule: days), rows for what is left."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, Max

from jobruns import rollups
from jobruns.books import EVERY, EVERY_BY_DAY, Bookmark, RunSums
from jobruns.models import JobRun
from jobruns.queries import JobRunQuerySet
from jobruns.sums import RunFacts, Sums
from schedules.models import Schedule

WINDOW = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=366)
HOUR = timedelta(hours=1)
SLACK = timedelta(minutes=5)  # by which ids and times may be out of step
EXACT = 10_000  # successes up to which percentiles are read from the rows themselves
TOOK = ExpressionWrapper(F("finished_at") - F("started_at"), DurationField())
HORIZONS = {"hour": HOUR, "24h": timedelta(hours=24), "7d": timedelta(days=7)}


class NoWindow(ValueError):
    """The text is no window; the message says what to write."""


def window(text: str) -> timedelta:
    """Return the length that `text` names: 90m, 24h, 7d, 4w, at most 366 days; raises NoWindow."""
    match = WINDOW.fullmatch(text)
    length = timedelta(**{UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
    if not timedelta(0) < length <= LONGEST:
        raise NoWindow("Write a number with m, h, d or w, such as 24h; at most 366d.")
    return length


def of(
    length: timedelta, now: datetime, schedule: Schedule | None = None, within: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the statistics of rows written in the last `length` before `now`, of one schedule or of all.

    `within` are environments, all of them if None; what lies elsewhere is left out.

    Skipped and missed instants are rows too and count in the total. A rate or a duration without rows is None. All is
    exact, but for the percentiles of more than 10,000 successes (off by 2 % at most), the commonest of more than
    twenty different errors an hour, and a window that begins in pruned history: it begins with a whole hour or day.
    """
    look = Look(now, schedule, within)
    sums = look.back(length)
    done, failed = sums.counts["success"], sums.counts["failed"]
    return {
        "since": now - length,
        "total_executions": sums.counts.total(),
        "successful_executions": done,
        **{
            f"{status}_executions": sums.counts[status]
            for status in ("failed", "skipped", "missed", "cancelled", "pending", "running")
        },
        "success_rate": done / (done + failed) if done + failed else None,
        "average_duration_ms": sums.duration_total / done / 1000 if done else None,
        "min_duration_ms": _milliseconds(sums.duration_min),
        "max_duration_ms": _milliseconds(sums.duration_max),
        **_percentiles(look, sums, length),
        "last_execution_at": sums.last_started_at,
        **{f"executions_last_{name}": look.back(span).counts.total() for name, span in HORIZONS.items()},
        "most_common_error": min(sums.errors, key=lambda text: (-sums.errors[text], text), default=None),
        **_ahead(schedule, within),
    }


def ever() -> Sums:
    """Return the sums of all runs that ever ended; they only grow, whatever is pruned."""
    sums, bookmark = RunSums.objects.ever().total(), Bookmark.read()
    late = JobRun.objects.filter(pk__in=list(rollups.late_ids()))
    for rows in (JobRun.objects.filter(pk__gt=bookmark.counted_to), late):
        for run in rollups.facts(rows.ended()):
            sums.add(run)
    return sums


class Look:
    """A look back from `now`, at one schedule's runs or at all."""

    def __init__(self, now: datetime, schedule: Schedule | None, within: Collection[str] | None = None) -> None:
        self.now = now
        self.within_places = within
        self.schedule_id = EVERY if schedule is None else schedule.pk
        rows: Any = JobRun.objects.all() if schedule is None else schedule.runs.all()
        self.rows: JobRunQuerySet = rows.within(within)
        self.bookmark = Bookmark.read()

    def back(self, length: timedelta) -> Sums:
        """Return the sums of the rows written in the last `length`."""
        since = self.now - length
        first = self._next_whole(since)
        pruned = self.bookmark.pruned_before
        if pruned is not None and since < pruned:
            since = first = self._whole(since)
        sums = self._counted(first)
        for run in chain(self._beginning(since, first), self._not_counted(since, first)):
            sums.add(run)
        return sums

    def _counted(self, first: datetime) -> Sums:
        """Return the sums that begin at `first` or later: of all, hours up to midnight and days from then on."""
        every = RunSums.objects.within(self.within_places).between
        if self.schedule_id != EVERY:
            return every(first, self.now, schedule_id=self.schedule_id).total()
        midnight = first.replace(hour=0) if first.hour == 0 else first.replace(hour=0) + timedelta(days=1)
        sums = every(first, min(midnight, self.now)).total()
        sums.merge(every(midnight, self.now, schedule_id=EVERY_BY_DAY).total())
        return sums

    def within(self, length: timedelta) -> JobRunQuerySet:
        """Return the rows written in the last `length`."""
        since = self.now - length
        first = JobRun.objects.first_id_since(since - SLACK)
        return self.rows.order_by().filter(pk__gte=first, queued_at__gte=since, queued_at__lte=self.now)

    def _whole(self, moment: datetime) -> datetime:
        hour = moment.replace(minute=0, second=0, microsecond=0)
        return hour if self.schedule_id == EVERY else hour.replace(hour=0)

    def _next_whole(self, moment: datetime) -> datetime:
        begun = self._whole(moment)
        return begun if begun == moment else begun + (HOUR if self.schedule_id == EVERY else timedelta(days=1))

    def _beginning(self, since: datetime, until: datetime) -> Iterable[RunFacts]:
        """Return the rows from `since` to the first whole hour or day, of those that were counted."""
        if since == until:
            return ()
        low, high = (JobRun.objects.first_id_since(at) for at in (since - SLACK, until + SLACK))
        rows = self.rows.order_by().filter(pk__gte=low, pk__lte=min(self.bookmark.counted_to, max(low, high)))
        return rollups.facts(rows.filter(queued_at__gte=since, queued_at__lt=until, queued_at__lte=self.now))

    def _not_counted(self, since: datetime, first: datetime) -> Iterable[RunFacts]:
        """Return the rows that no sum holds yet: the newest ones, and older ones that had not ended."""
        rows, counted_to = self.rows.order_by().filter(queued_at__lte=self.now), self.bookmark.counted_to
        newest = rows.filter(pk__gt=counted_to, queued_at__gte=since)
        late = rows.filter(pk__in=list(rollups.late_ids()), queued_at__gte=first)
        return chain(rollups.facts(newest), rollups.facts(late))


def _percentiles(look: Look, sums: Sums, length: timedelta) -> dict[str, float | None]:
    """Return the nearest ranks: the shortest duration that 50 and 95 of 100 successes do not exceed."""
    count, pruned = sums.counts["success"], look.bookmark.pruned_before
    if count > EXACT or (pruned is not None and look.now - length < pruned):
        return {f"p{percent}_duration_ms": _milliseconds(sums.percentile(percent)) for percent in (50, 95)}
    durations = look.within(length).filter(status="success").order_by(TOOK.asc()).values_list(TOOK, flat=True)
    ranked = list(durations) if count else []
    return {
        f"p{percent}_duration_ms": ranked[-(-len(ranked) * percent // 100) - 1] / timedelta(milliseconds=1)
        if ranked
        else None
        for percent in (50, 95)
    }


def _ahead(schedule: Schedule | None, within: Collection[str] | None) -> dict[str, Any]:
    if schedule is not None:
        return {
            "schedule_id": schedule.pk,
            "next_execution_at": schedule.upcoming_at,
            "consecutive_failures": schedule.consecutive_failures,
        }
    seen = Schedule.objects.within(within)
    following = seen.upcoming().first()
    worst = seen.existing().aggregate(worst=Max("consecutive_failures"))["worst"]
    return {
        "schedule_id": None,
        "next_execution_at": following.upcoming_at if following else None,
        "consecutive_failures": worst or 0,
    }


def _milliseconds(microseconds: float | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
