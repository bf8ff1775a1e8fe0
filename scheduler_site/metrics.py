"""Metrics for Prometheus, read from the database at scrape time, so that any number of processes agree.

All come from counters that the schedules carry, from small indexes, and from the sums over all time with the few runs
that are not in them yet; no history is read, whatever its length, and pruning takes nothing away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from integrations.models import Delivery
from integrations.rest.permissions import OverAll
from jobruns import stats
from jobruns.models import JobRun, SchedulerProcess
from jobruns.sums import middle
from jobtypes.models import AlertState
from schedules.models import Schedule

LIMITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200)  # seconds
SHOWN = {"new": -1, "ok": 0, "alert": 1, "error": 2}
MOST_ALERTS = 10_000


class PlainText(BaseRenderer):
    """What Prometheus asks for."""

    media_type = "text/plain"
    format = "txt"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        """Return a problem's sentence; metrics are rendered already."""
        return str(data.get("detail", data)) if isinstance(data, dict) else str(data)


class Metrics(APIView):
    """The metrics page."""

    permission_classes = [OverAll]
    rights = {"*": "jobruns.view_schedulerprocess"}
    renderer_classes = [PlainText]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Answer plain text, whatever is asked for."""
        return PlainText(), PlainText.media_type

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        registry = CollectorRegistry()
        registry.register(Ledger())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class Ledger(Collector):
    """The metrics that counters and indexes tell."""

    def collect(self) -> Iterator[Metric]:
        """Yield every family; none of the statements goes over the history."""
        yield _schedules()
        yield _executions()
        yield from _over_all_time()
        yield GaugeMetricFamily(
            "schedule_runs_pending", "Runs that wait.", JobRun.objects.filter(status="pending").count()
        )
        yield GaugeMetricFamily("schedule_runs_running", "Runs that run now.", JobRun.objects.running().count())
        yield GaugeMetricFamily(
            "schedules_overdue", "Schedules with an instant to settle.", Schedule.objects.due(timezone.now()).count()
        )
        yield _deliveries()
        yield _heartbeats()
        yield _alerts()


def _schedules() -> Metric:
    family = GaugeMetricFamily("schedules_total", "Schedules, deleted ones left out.", labels=["type", "status"])
    rows = Schedule.objects.existing().order_by().values_list("schedule_type", "status").annotate(Count("pk"))
    for kind, status, number in rows:
        family.add_metric([kind, status], number)
    return family


def _executions() -> Metric:
    family = CounterMetricFamily(
        "schedule_executions", "Runs that ended as success or failed.", labels=["schedule_type", "status"]
    )
    rows = Schedule.objects.order_by().values_list("schedule_type")
    for kind, succeeded, failed in rows.annotate(Sum("successful_runs"), Sum("failed_runs")):
        family.add_metric([kind, "success"], succeeded)
        family.add_metric([kind, "failed"], failed)
    return family


def _over_all_time() -> Iterator[Metric]:
    sums = stats.ever()
    durations, lags = sums.durations, sums.lags
    yield _histogram(
        "schedule_execution_duration_seconds", "How long successes took.", durations, sums.duration_total
    )
    yield _histogram("schedule_start_lag_seconds", "From when a fire was ready to its start.", lags, sums.lag_total)
    family = CounterMetricFamily("schedule_misfires", "Instants that did not run, by reason.", labels=["reason"])
    misfires = Counter[str]()
    for key, count in sums.reasons.items():
        status, _, reason = key.partition(":")
        if status in {"skipped", "missed"}:
            misfires[reason] += count
    for reason, count in sorted(misfires.items()):
        family.add_metric([reason], count)
    yield family
    yield CounterMetricFamily("schedule_claims", "Fires that were claimed and started.", sum(lags.values()))


def _histogram(name: str, text: str, places: Mapping[int, int], microseconds: int) -> Metric:
    below = [
        (str(float(limit)), sum(count for place, count in places.items() if middle(place) <= limit * 1e6))
        for limit in LIMITS
    ]
    family = HistogramMetricFamily(name, text)
    family.add_metric([], [*below, ("+Inf", sum(places.values()))], microseconds / 1e6)
    return family


def _deliveries() -> Metric:
    family = GaugeMetricFamily(
        "notification_deliveries_total", "Deliveries that are kept, by state.", labels=["channel", "status"]
    )
    rows = Delivery.objects.order_by().values_list("channel_name", "status").annotate(Count("pk"))
    for channel, status, number in rows[:1_000]:
        family.add_metric([channel or "callback", status], number)
    return family


def _alerts() -> Metric:
    family = GaugeMetricFamily("alert_state", "0 ok, 1 alert, 2 error, -1 not known yet.", labels=["alert"])
    found: dict[str, int] = {}
    for one in AlertState.objects.watched().order_by("name")[:MOST_ALERTS]:
        found[one.name] = max(found.get(one.name, -1), SHOWN[one.shown])  # the worst of all environments
    for name, number in found.items():
        family.add_metric([name], number)
    return family


def _heartbeats() -> Metric:
    family = GaugeMetricFamily(
        "scheduler_heartbeat_age_seconds", "Since a scheduler's last sign of life.", labels=["process"]
    )
    now = timezone.now()
    for name, at in SchedulerProcess.objects.filter(stopped_at=None).values_list("name", "heartbeat_at")[:100]:
        family.add_metric([name], (now - at).total_seconds())
    return family
