"""The list of schedules: how each does, what comes next, and what one may do about it."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString

from jobruns.models import JobRun
from jobruns.states import State, schedule_state, state_of
from jobruns.strips import SLOTS, sparkline, strip
from jobtypes import registry
from schedules.models import Schedule
from schedules.pages import page
from schedules.search import find, read
from schedules.timing import TimingError, sentence

PAGE = 25
CHIPS = (("is:failing", "failed", "Failing"), ("is:paused", "paused", "Paused"), ("is:active", "success", "Active"))


@dataclass(frozen=True, slots=True)
class Line:
    """One schedule of the list with what its last runs tell."""

    schedule: Schedule
    state: State
    last: JobRun | None
    when: str
    strip: SafeString
    spark: SafeString
    rate: float | None


@page("schedules.view_schedule", "jobruns.view_jobrun")
def schedules(request: HttpRequest) -> HttpResponse:
    """Show one page of the schedules that the search line means."""
    query = request.GET.get("q", "")
    shown = Paginator(find(query, Schedule.objects.visible_to(request.user)), PAGE).get_page(request.GET.get("page"))
    recent = JobRun.objects.visible_to(request.user).outline().newest_of([one.pk for one in shown], SLOTS)
    return render(
        request,
        "schedules.html",
        {
            "lines": [line(one, recent.get(one.pk, [])) for one in shown],
            "shown": shown,
            "query": query,
            "problem": read(query).problem,
            "chips": CHIPS,
            "kinds": dict(registry.choices()),
        },
    )


def line(schedule: Schedule, runs: list[JobRun]) -> Line:
    """Put together what the list shows of one schedule; `runs` are its newest, oldest first."""
    took = [run.duration_seconds for run in runs if run.duration_seconds is not None]
    last = runs[-1] if runs else None
    return Line(
        schedule=schedule,
        state=schedule_state(schedule, last),
        last=last,
        when=when(schedule),
        strip=outcomes(runs),
        spark=sparkline(took, schedule.usual_seconds),
        rate=schedule.successful_runs / schedule.total_runs if schedule.total_runs else None,
    )


def outcomes(runs: list[JobRun]) -> SafeString:
    """Draw the strip of the runs; instants that a pause held back are hatched."""
    states = [state_of(run) for run in runs]
    return strip(
        [
            ("paused", "Paused") if run.reason == JobRun.Reason.PAUSED else (state.key, state.word)
            for run, state in zip(runs, states, strict=True)
        ]
    )


def when(schedule: Schedule) -> str:
    """Say in a sentence when it fires; what cannot be read is said as it is."""
    try:
        return sentence(schedule.timing)
    except TimingError as broken:
        return str(broken)
