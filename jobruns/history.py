"""What pages ask of the ledger. Every question looks at a bounded number of rows, however long the history is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Left, NullIf

from integrations.access import OfEnvironments

if TYPE_CHECKING:
    from jobruns.models import JobRun

LATE = timedelta(seconds=60)
COUNTED = 10_000
LOOK_BACK = 100_000
SCANNED = 20_000
OUTLINE = (
    "schedule_id",
    "status",
    "reason",
    "trigger",
    "available_at",
    "scheduled_for",
    "started_at",
    "finished_at",
)
HEAVY = ("params", "error", "traceback", "metrics", "attributes", "result", "summary")


class HistoryQuerySet(OfEnvironments, models.QuerySet["JobRun"]):
    def light(self) -> Self:
        """Leave out what a list does not show; add `verdict`, the status in its result, and `said`."""
        text = models.TextField()
        filled = NullIf("summary", models.Value(""), output_field=text)
        said = Coalesce(filled, Left("error", 300, output_field=text), output_field=text)
        return self.defer(*HEAVY).annotate(verdict=KT("result__status"), said=said)

    def outline(self) -> Self:
        """Leave out all that a strip or a timeline does not draw; add `verdict`."""
        return self.only(*OUTLINE).annotate(verdict=KT("result__status"))

    def late(self) -> Self:
        """Return fires that started more than a minute after they could have."""
        return self.filter(trigger="schedule", started_at__gt=F("available_at") + LATE)

    def troubled(self) -> Self:
        """Return what a person should look at: failed, missed, skipped or late, but not what a pause or a calendar
        held back."""
        trouble = Q(status__in=["failed", "missed", "skipped"]) | Q(
            trigger="schedule", status="success", started_at__gt=F("available_at") + LATE
        )
        return self.filter(trouble).exclude(reason__in=["paused", "coalesced", "holiday", "blackout"])

    def since(self, moment: datetime) -> Self:
        """Return runs written at or after `moment`."""
        return self.filter(pk__gte=self.first_id_since(moment))

    def first_id_since(self, moment: datetime) -> int:
        """Return an id from which on all runs were written at or after `moment`, and none before it was.

        No index on time is needed: ids grow with time, so they are bisected, in some twenty steps.
        """
        rows = self.model._default_manager.order_by("pk")
        ends = rows.aggregate(low=models.Min("pk"), high=models.Max("pk"))
        if ends["high"] is None:
            return 0
        low, high = int(ends["low"]), int(ends["high"]) + 1
        while low < high:
            middle = (low + high) // 2
            found = rows.filter(pk__gte=middle).values_list("pk", "queued_at").first()
            if found is None or found[1] >= moment:
                high = middle
            else:
                low = found[0] + 1
        return low

    def tally(self) -> dict[str, int]:
        """Count the newest runs by status, at most COUNTED and one more; also `late`, `alert`, `fires`, `started`."""
        late = Q(trigger="schedule", started_at__gt=F("available_at") + LATE)
        fire = Q(trigger="schedule", attempt=1)
        counts = {status: Count("pk", filter=Q(status=status)) for status in self.model.Status.values}
        return self.order_by("-pk")[: COUNTED + 1].aggregate(
            total=Count("pk"),
            late=Count("pk", filter=late),
            alert=Count("pk", filter=Q(status="success", result__status="ALERT")),
            fires=Count("pk", filter=fire & ~Q(status="pending")),
            on_time=Count("pk", filter=fire & Q(started_at__lte=F("available_at") + LATE)),
            **counts,
        )

    def newest_of(self, schedules: Iterable[int], count: int) -> dict[int, list[JobRun]]:
        """Return the newest `count` runs of each schedule, oldest first; two queries along the history index."""
        ids = list(schedules)
        found: dict[int, list[JobRun]] = defaultdict(list)
        if not ids:
            return found
        history = self.filter(schedule=OuterRef("pk")).order_by("-pk").values("pk")
        floors = (
            self.model._meta.get_field("schedule")
            .related_model._default_manager.filter(pk__in=ids)
            .annotate(floor=Subquery(history[count - 1 : count]))
            .values_list("pk", "floor")
        )
        wanted = Q(pk__in=[])
        whole = [pk for pk, floor in floors if floor is None]
        for pk, floor in floors:
            if floor is not None:
                wanted |= Q(schedule=pk, pk__gte=floor)
        for run in self.filter(wanted | Q(schedule__in=whole)).order_by("pk"):
            found[run.schedule_id].append(run)
        return found

    def older_than(self, pk: int | None, count: int) -> tuple[list[JobRun], int | None]:
        """Return up to `count` runs below `pk`, newest first, and from where to go on; None when there is no more.

        Looks at no more than LOOK_BACK ids, so a rare filter may give few rows, or none, and still go on.
        """
        top = pk or (self.model._default_manager.aggregate(top=models.Max("pk"))["top"] or 0) + 1
        floor = top - LOOK_BACK
        rows = list(self.filter(pk__lt=top, pk__gte=floor).order_by("-pk")[: count + 1])
        if len(rows) > count:
            return rows[:count], rows[count - 1].pk
        more = self.model._default_manager.filter(pk__lt=floor).exists()
        return rows, floor if more else None

    def last_success(self, run: JobRun, within: int = 1_000) -> JobRun | None:
        """Return the newest success of the same schedule before `run`, among its last `within` runs."""
        recent = self.filter(schedule=run.schedule_id, pk__lt=run.pk).order_by("-pk").values("pk")[:within]
        return self.filter(pk__in=list(recent.values_list("pk", flat=True)), status="success").order_by("-pk").first()

    def alerting(self, limit: int) -> list[JobRun]:
        """Return the last runs of schedules whose result says ALERT, among the newest SCANNED, at most `limit`."""
        newest = self.model._default_manager.aggregate(top=models.Max("pk"))["top"] or 0
        alerts = self.filter(pk__gt=newest - SCANNED, status="success", result__status="ALERT")
        return list(alerts.filter(schedule__last_run_id=F("pk")).light().order_by("-pk")[:limit])
