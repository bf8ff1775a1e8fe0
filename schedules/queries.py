"""What one may ask of schedules; views, API and commands ask here and filter nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ValidationError
from django.db import connections, models

from integrations.access import OfEnvironments
from schedules.timing import TimingError

if TYPE_CHECKING:
    from schedules.models import Schedule


ACTIVE_RUNS = ["pending", "running"]


class ScheduleQuerySet(OfEnvironments, models.QuerySet["Schedule"]):
    def existing(self) -> ScheduleQuerySet:
        """Return schedules that were not deleted."""
        return self.exclude(status="deleted")

    def declared_in(self, sources: Iterable[str]) -> ScheduleQuerySet:
        """Return schedules that come from these files or folders."""
        return self.filter(source__in=sources)

    def lock(self, pks: Iterable[int]) -> None:
        """Lock these rows until the transaction ends, in an order of their own, so that nobody waits in a circle."""
        if connections[self.db].features.has_select_for_update:
            list(self.filter(pk__in=list(pks)).select_for_update(no_key=True).order_by("pk").values_list("pk"))

    def with_parents(self) -> ScheduleQuerySet:
        """Return schedules with their calendar, their template and, in one more query, what they depend on."""
        return self.select_related("calendar", "origin__template").prefetch_related("dependencies__parent")

    def named(self, name_or_id: str, environment: str = "") -> Schedule:
        """Return the one existing schedule of that name, or else of that number, in `environment` or in any.

        Raises Schedule.DoesNotExist or Schedule.MultipleObjectsReturned with a sentence that lists candidates.
        """
        here = self.existing().filter(environment=environment) if environment else self.existing()
        found = list(here.filter(name=name_or_id).order_by("environment")[:20])
        if not found and name_or_id.isascii() and name_or_id.isdecimal() and len(name_or_id) < 19:
            found = list(here.filter(pk=int(name_or_id)))
        if len(found) == 1:
            return found[0]
        place = f" in {environment}" if environment else ""
        if found:
            where = ", ".join(f"{one.environment} (number {one.pk})" for one in found)
            raise self.model.MultipleObjectsReturned(
                f"{name_or_id!r} names {len(found)} schedules: in {where}. Name the environment or write the number."
            )
        names = list(here.order_by("name").values_list("name", flat=True)[:2000])
        near = get_close_matches(name_or_id, names, n=5, cutoff=0.5) or names[:5]
        hint = f"Candidates: {', '.join(near)}." if near else "There are none yet."
        raise self.model.DoesNotExist(f"There is no schedule {name_or_id!r}{place}. {hint}")

    def tagged(self, *tags: str) -> ScheduleQuerySet:
        """Return schedules that carry every one of `tags`."""
        if connections[self.db].vendor == "postgresql":
            return self.filter(tags__contains=list(tags))
        where = ["EXISTS (SELECT 1 FROM json_each(schedules_schedule.tags) WHERE value = %s)"] * len(tags)
        found: Any = self.extra(where=where, params=list(tags))  # noqa: S610 - fixed SQL, the words are parameters
        return cast(ScheduleQuerySet, found)

    def running_tagged(self, tag: str) -> int:
        """Return how many runs of schedules that carry `tag` go on."""
        return self.tagged(tag).filter(runs__status="running").count()

    def due(self, now: datetime) -> ScheduleQuerySet:
        """Return active schedules with an instant at or before `now`, the longest overdue first."""
        return self.filter(next_run_at__lte=now).order_by("next_run_at", "id")

    def upcoming(self) -> ScheduleQuerySet:
        """Return schedules with an instant ahead, the next first, their calendars with them."""
        return self.select_related("calendar").filter(next_run_at__isnull=False).order_by("next_run_at", "id")

    def failing(self) -> ScheduleQuerySet:
        """Return schedules whose last run failed, those that failed most often in a row first."""
        return self.existing().filter(consecutive_failures__gt=0).order_by("-consecutive_failures", "id")

    def held(self) -> ScheduleQuerySet:
        """Return schedules that do not fire because they are paused or suspended, the latest first."""
        return self.filter(status__in=["paused", "suspended"]).order_by("-status_changed_at", "id")

    def to_resume(self, now: datetime) -> ScheduleQuerySet:
        """Return paused schedules whose pause has run out at `now`."""
        return self.filter(status="paused", paused_until__lte=now)

    def resume_ended_pauses(self, now: datetime) -> int:
        """Resume schedules whose pause has run out at `now`, from that moment on; return how many."""
        ended = list(self.to_resume(now)[:500])
        for schedule in ended:
            try:
                schedule.resume(by="", missed=schedule.pause_catchup, at=schedule.paused_until)
            except TimingError as broken:
                schedule.suspend(reason=f"Its timing cannot be read: {broken}"[:500])
            except ValidationError:
                continue  # somebody deleted it meanwhile
        return len(ended)

    def complete_exhausted(self, ids: Iterable[int]) -> int:
        """Complete those of `ids` that will not fire again and have no run left; return how many."""
        exhausted = self.filter(pk__in=list(ids), status="active", next_run_at=None)
        return (
            exhausted.exclude(schedule_type="manual").exclude(runs__status__in=ACTIVE_RUNS).update(status="completed")
        )
