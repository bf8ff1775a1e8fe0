"""What an edit of a schedule's timing would change, said before it is saved. Nothing is written."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules import changes, rules, timing
from schedules.models import Schedule
from schedules.tables import moment
from schedules.timing import Difference, Timing, TimingError

DAYS = 30
LISTED = 1_000  # instants of each kind that an answer lists


@dataclass(frozen=True, slots=True)
class Consequences:
    """The fires that an edit adds, removes and keeps up to `difference.until`, and what else it does.

    `before` and `after` say in words when it fires; `notes` tell what becomes of an instant that is due, and why
    nothing fires where that is so. `difference.until` lies before `end` where there are too many fires to compare.
    """

    schedule: Schedule
    edited: Schedule
    before: str
    after: str
    start: datetime
    end: datetime
    difference: Difference
    notes: tuple[str, ...]

    @property
    def summary(self) -> str:
        """Return the numbers in one sentence."""
        return said(self.difference, self.start)


def of_edit(schedule: Schedule, values: Mapping[str, Any], now: datetime, *, days: int = DAYS) -> Consequences:
    """Say what storing `values`, a schedule's timing fields, would change in the `days` ahead.

    Raises ValidationError by field where the edit would be refused, and with code "conflict" where the present timing
    cannot be read.
    """
    edited = copy.copy(schedule)
    changes.apply(edited, values)
    errors: rules.Errors = {}
    rules.check_timing(edited, errors)
    if errors:
        raise ValidationError(errors)
    end = now + timedelta(days=days)
    try:
        before = timing.sentence(schedule.timing)
        found = timing.diff(schedule.timing, edited.timing, now, end)
    except TimingError as broken:
        raise ValidationError(f"Its timing cannot be read: {broken}", code="conflict") from None
    edited.plan_next(now)
    after = timing.sentence(edited.timing)
    return Consequences(schedule, edited, before, after, now, end, found, tuple(_notes(schedule, edited, now)))


def said(found: Difference, now: datetime) -> str:
    """Say how many fire times an edit removes, adds and keeps, and over which days."""
    days = max(1, round((found.until - now) / timedelta(days=1)))
    span = ngettext("the next day", "the next %(days)d days", days) % {"days": days}
    if not found.added and not found.removed:
        return _("Saving this changes no fire time in %(span)s.") % {"span": span}
    parts = []
    if found.removed:
        parts.append(_("removes %(n)s") % {"n": f"{len(found.removed):,}"})
    if found.added:
        parts.append(_("adds %(n)s") % {"n": f"{len(found.added):,}"})
    done = _(" and ").join(parts)
    times = ngettext("fire time", "fire times", max(len(found.removed), len(found.added)))
    return _("Saving this %(done)s %(times)s in %(span)s; %(kept)s stay.") % {
        "done": done,
        "times": times,
        "span": span,
        "kept": f"{len(found.kept):,}",
    }


def difference(before: Timing, after: Timing, now: datetime) -> str:
    """Return the sentence of `said` for two timings; "" if they fire at the same times or one cannot be read."""
    try:
        found = timing.diff(before, after, now, now + timedelta(days=DAYS))
    except TimingError:
        return ""
    return said(found, now) if found.added or found.removed else ""


def due(schedule: Schedule, now: datetime) -> str:
    """Say what an edit does to an instant that is already due; "" if none is."""
    if schedule.next_run_at is None or schedule.next_run_at > now:
        return ""
    return _("The instant of %(at)s is due already: it is settled first, then the new timing counts.") % {
        "at": moment(schedule.next_run_at, schedule.timezone)
    }


def _notes(schedule: Schedule, edited: Schedule, now: datetime) -> list[str]:
    notes = [due(schedule, now)]
    status = Schedule.Status(schedule.status)
    if status != edited.status and edited.status == Schedule.Status.COMPLETED:
        notes.append(_("It would be completed: no instant lies ahead."))
    elif status != edited.status:
        notes.append(_("It is completed now and would fire again."))
    elif status != Schedule.Status.ACTIVE:
        notes.append(
            _("It is %(status)s: none of these times fires until that changes.") % {"status": status.label.lower()}
        )
    return [note for note in notes if note]
