"""`manage.py simulate`: what load the days ahead bring, without running anything."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from jobruns.engine.due import view_of
from jobruns.simulate import Report, Work, fires_ahead, simulate
from schedules.models import Schedule
from schedules.tables import moment, table

MOST_DAYS = 31
MOST_FIRES = 20_000_000
UNKNOWN_SECONDS = 1.0  # what a run is taken to last where none has ended yet


class Command(BaseCommand):
    help = "Say what load the days ahead bring to the slots: waits, skips and the worst minutes. Runs nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=30, help=f"1 to {MOST_DAYS}. Default: %(default)s.")
        parser.add_argument(
            "--slots",
            type=int,
            default=settings.SCHEDULER_EXECUTOR_POOL_SIZE,
            help="Runs at once, over all schedulers. Default: %(default)s.",
        )
        parser.add_argument("--environment", help="Only the schedules of this environment.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        days, slots = options["days"], options["slots"]
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days must lie between 1 and {MOST_DAYS}.", returncode=2)
        if not 1 <= slots <= 10_000:
            raise CommandError("--slots must lie between 1 and 10,000.", returncode=2)
        works, start = _works(options["environment"]), timezone.now()
        if (fires := fires_ahead(works, start=start, days=days)) > MOST_FIRES:
            raise CommandError(
                f"{fires:,} fires lie ahead; at most {MOST_FIRES:,} are followed. Name fewer days or an environment."
            )
        report = simulate(works, start=start, days=days, slots=slots, progress=self._progress)
        if options["json"]:
            self.stdout.write(DjangoJSONEncoder(indent=2, ensure_ascii=False).encode(asdict(report)))
        else:
            self._tell(report)

    def _progress(self, done: int, days: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\rday {done} of {days}", ending="\n" if done == days else "")

    def _tell(self, report: Report) -> None:
        self.stdout.write(
            f"{report.schedules:,} schedules on {report.slots} slots, "
            f"from {moment(report.start)} to {moment(report.until)}.\n"
            f"{report.fires:,} fires: {report.runs:,} run, {_skips(report)}.\n"
            f"{report.waited:,} wait for a slot, {report.longest_wait_seconds:,.1f} s at most. "
            f"The slots are busy {report.busy_percent:.1f} % of the time."
        )
        worst = [
            [
                moment(one.at),
                str(one.started),
                str(one.skipped),
                f"{one.busy_percent:.0f} %",
                ", ".join(one.names[:3]),
            ]
            for one in report.worst_minutes
        ]
        if worst:
            self.stdout.write(f"\n{table(['Worst minutes', 'Started', 'Skipped', 'Busy', 'Due'], worst)}")
        burdened = [
            [one.name, str(one.fires), str(one.skipped), f"{one.longest_wait_seconds:.1f} s"]
            for one in report.burdened
        ]
        if burdened:
            self.stdout.write(f"\n{table(['Schedule', 'Fires', 'Skipped', 'Longest wait'], burdened)}")


def _skips(report: Report) -> str:
    """Say how many were skipped, and why."""
    said = f"{report.skipped['overlap']:,} skipped as overlapping"
    for why, where in (("holiday", "on closed days"), ("blackout", "in maintenance windows")):
        said += f", {report.skipped[why]:,} {where}" if report.skipped[why] else ""
    return said


def _works(environment: str | None) -> list[Work]:
    """Return the schedules that have an instant ahead, as the simulation wants them."""
    found = Schedule.objects.upcoming()
    if environment is not None:
        found = found.filter(environment=environment)
    return [
        Work(
            name=schedule.name,
            view=view_of(schedule),
            seconds=UNKNOWN_SECONDS if schedule.usual_seconds is None else schedule.usual_seconds,
            priority=schedule.priority,
        )
        for schedule in found
    ]
