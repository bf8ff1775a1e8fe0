"""Rehearse the days ahead: read the schedules and run them forward, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.core.exceptions import ValidationError

from jobruns.engine.due import view_of
from jobruns.simulate import Report, Work, fires_ahead, simulate
from schedules.models import Schedule

MOST_DAYS = 31
MOST_SLOTS = 10_000
MOST_FIRES = 20_000_000
UNKNOWN_SECONDS = 1.0  # what a run is taken to last where none has ended yet


def rehearse(
    start: datetime,
    *,
    days: int,
    slots: int,
    environment: str = "",
    within: Iterable[str] | None = None,
    tags: Sequence[str] = (),
    most_fires: int = MOST_FIRES,
    most_schedules: int | None = None,
    progress: Callable[[int, int], None] = lambda done, days: None,
) -> Report:
    """Return the load of `days` from `start` on `slots`, of the schedules of `environment` that carry all `tags`.

    With `within` it leaves out what lies outside these environments.

    Raises ValidationError: by field for a number out of bounds, and with code "conflict" where more than `most_fires`
    instants or `most_schedules` schedules lie ahead, which would take too long.
    """
    for name, value, most in (("days", days, MOST_DAYS), ("slots", slots, MOST_SLOTS)):
        if not 1 <= value <= most:
            raise ValidationError({name: [f"Between 1 and {most:,}."]})
    found = Schedule.objects.upcoming().within(within)
    if environment:
        found = found.filter(environment=environment)
    if tags:
        found = found.tagged(*tags)
    if most_schedules is not None and (count := found.count()) > most_schedules:
        raise _too_much(f"{count:,} schedules fire; at most {most_schedules:,} are followed.")
    works = [
        Work(
            name=schedule.name,
            view=view_of(schedule),
            seconds=UNKNOWN_SECONDS if schedule.usual_seconds is None else schedule.usual_seconds,
            priority=schedule.priority,
        )
        for schedule in found
    ]
    if (fires := fires_ahead(works, start=start, days=days)) > most_fires:
        raise _too_much(f"{fires:,} fires lie ahead; at most {most_fires:,} are followed.")
    return simulate(works, start=start, days=days, slots=slots, progress=progress)


def _too_much(sentence: str) -> ValidationError:
    return ValidationError(f"{sentence} Name fewer days, an environment or a tag.", code="conflict")
