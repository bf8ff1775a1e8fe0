"""Whether what is claimed may run: asked of the owners at the claim, kept for seconds, and judged at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog
from django.contrib.auth import get_user_model

from jobruns.models import JobRun
from jobruns.runner import Assignment, Ending
from schedules import authority
from schedules.models import Schedule

log = structlog.get_logger(__name__)

REMEMBERED = 5.0  # seconds for which an owner is not asked for again
MOST = 10_000  # answers that a process remembers

Right = tuple[int, str]  # the id of an owner, and an environment
_known: dict[Right, tuple[float, str]] = {}


def asked(claimed: Sequence[tuple[Assignment, int | None, str]]) -> list[Assignment]:
    """Return claimed runs, given with owner and environment of their schedules; a refusal is written on each that
    may not run.

    One statement or two at most, and none where nothing has to be asked anew.
    """
    wanted = {(owner, place) for _, owner, place in claimed if owner is not None}
    if not wanted:
        return [found for found, _, _ in claimed]
    said = _refusals(wanted)
    return [
        replace(found, refusal=said[owner, place]) if owner is not None and said[owner, place] else found
        for found, owner, place in claimed
    ]


def judged(endings: Sequence[Ending]) -> tuple[list[Ending], dict[int, str]]:
    """Return the endings, and run id → why its schedule is to be suspended.

    A run that was refused for parameters of its own, which its schedule does not have, is a failure like others.
    """
    doubted = [one.run_id for one in endings if one.reason == JobRun.Reason.SUSPENDED]
    if not doubted:
        return list(endings), {}
    runs = JobRun.objects.select_related("schedule__owner").in_bulk(doubted)
    found, why = [], {}
    for one in endings:
        run = runs.get(one.run_id)
        if run is not None and (sentence := _doubt(run, one)):
            why[one.run_id] = sentence
        elif run is not None:
            one = replace(one, reason=JobRun.Reason.EXPECTED)
        found.append(one)
    return found, why


def suspend(reasons: Iterable[tuple[int, str]]) -> None:
    """Suspend schedules, given by id with the reason, under the locks that the recorder holds."""
    for schedule in Schedule.objects.filter(pk__in=dict(reasons := list(reasons)), status__in=["active", "paused"]):
        reason = dict(reasons)[schedule.pk]
        log.error("schedule suspended, it may not run any more", schedule_id=schedule.pk, error=reason)
        schedule.suspend(reason=reason[:500])


def forget() -> None:
    """Ask for every owner again from now on."""
    _known.clear()


def _doubt(run: JobRun, ending: Ending) -> str:
    schedule = run.schedule
    if sentence := authority.refusal(schedule.owner, schedule.environment):
        return sentence
    own = run.params == schedule.params and run.job_type == schedule.job_type
    return ending.error if own else ""


def _refusals(wanted: set[Right]) -> dict[Right, str]:
    now = time.monotonic()
    said = {right: kept[1] for right in wanted if (kept := _known.get(right)) is not None and kept[0] > now}
    missing = wanted - said.keys()
    if not missing:
        return said
    if len(_known) > MOST:
        forget()
    owners = get_user_model()._default_manager.in_bulk({owner for owner, _ in missing})
    for owner, place in missing:
        said[owner, place] = authority.refusal(owners.get(owner), place)
        _known[owner, place] = now + REMEMBERED, said[owner, place]
    return said
