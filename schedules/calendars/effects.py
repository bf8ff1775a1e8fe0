"""What a change of a calendar does to the schedules on it, said before it is saved. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from schedules.calendars.models import Calendar
from schedules.models import Schedule
from schedules.timing import Difference, TimingError, diff

DAYS = 366
MOST_SCHEDULES = 100
MOST_RUNS = 1_000  # of one schedule that are compared


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of one schedule's runs."""

    schedule: Schedule
    difference: Difference


@dataclass(frozen=True, slots=True)
class Effects:
    """The schedules whose runs change, out of `schedules` on the calendar, of which `compared` were looked at."""

    start: datetime
    until: datetime
    schedules: int
    compared: int
    changed: tuple[Effect, ...]

    @property
    def added(self) -> int:
        """Return how many runs there would be more."""
        return sum(len(one.difference.added) for one in self.changed)

    @property
    def removed(self) -> int:
        """Return how many runs there would be less."""
        return sum(len(one.difference.removed) for one in self.changed)

    def sentence(self) -> str:
        """Say the numbers in a sentence or two."""
        if not self.schedules:
            return "No schedule is on this calendar yet, so nothing changes."
        days = "in the year ahead"
        if not self.changed:
            said = f"It changes no run {days}: {_schedules(self.compared)} compared."
        else:
            names = ", ".join(one.schedule.name for one in self.changed[:5])
            more = f" and {len(self.changed) - 5} more" if len(self.changed) > 5 else ""
            said = f"It takes away {_runs(self.removed)} and adds {_runs(self.added)} {days}, of {names}{more}."
        if self.compared < self.schedules:
            said += f" Of {self.schedules} schedules the first {self.compared} were compared."
        return said


def of_change(stored: Calendar, draft: Calendar, now: datetime) -> Effects:
    """Compare the runs ahead of the schedules on `stored` with those by `draft`; raises InvalidDefinition."""
    before, after = stored.closures, draft.draft()
    users = stored.users().exclude(status__in=["completed", "suspended"])
    until = now + timedelta(days=DAYS)
    changed, compared = [], list(users[:MOST_SCHEDULES])
    for schedule in compared:
        schedule.calendar = None  # it is put in its place below, without asking for it again
        bare = schedule.timing
        try:
            found = diff(replace(bare, calendar=before), replace(bare, calendar=after), now, until, limit=MOST_RUNS)
        except TimingError:
            continue  # the engine suspends it
        if found.added or found.removed:
            changed.append(Effect(schedule, found))
    return Effects(now, until, users.count(), len(compared), tuple(changed))


def _schedules(number: int) -> str:
    return "1 schedule" if number == 1 else f"{number} schedules"


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number:,} runs"
