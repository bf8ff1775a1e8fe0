"""`manage.py simulate`: what load the days ahead bring, or whether past days agree with the ledger."""

from __future__ import annotations

import sys
from argparse import SUPPRESS, ArgumentTypeError
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from jobruns.hindsight import Hindsight, compare
from jobruns.rehearsal import MOST_DAYS, rehearse
from jobruns.simulate import Report
from schedules.models import Schedule
from schedules.tables import moment, table


class Command(BaseCommand):
    help = "Say what load the days ahead bring to the slots: waits, skips and the worst minutes. Runs nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=SUPPRESS, help=f"1 to {MOST_DAYS}. Default: 30, 1 with --past."
        )
        parser.add_argument(
            "--slots",
            type=int,
            default=settings.SCHEDULER_EXECUTOR_POOL_SIZE,
            help="Runs at once, over all schedulers. Default: %(default)s.",
        )
        parser.add_argument("--environment", default="", help="Only the schedules of this environment.")
        parser.add_argument("--tag", action="append", default=[], help="Only those with this tag; may be repeated.")
        parser.add_argument(
            "--past",
            type=_day,
            metavar="DAY",
            help="Compare this past day, and those after it if --days says so, with what the ledger recorded.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        tell: Any
        found: Report | Hindsight
        try:
            if options["past"] is None:
                tell, found = self._tell, self._rehearse(options)
            else:
                tell, found = self._tell_past, _compare(options)
        except ValidationError as refused:
            wrong = hasattr(refused, "error_dict")
            said = (
                [f"--{name}: {one}" for name, many in refused.message_dict.items() for one in many] if wrong else []
            )
            raise CommandError(" ".join(said or refused.messages), returncode=2 if wrong else 1) from None
        if options["json"]:
            self.stdout.write(DjangoJSONEncoder(indent=2, ensure_ascii=False).encode(asdict(found)))
        else:
            tell(found)
        if isinstance(found, Hindsight) and found.unexplained:
            raise SystemExit(1)

    def _rehearse(self, options: dict[str, Any]) -> Report:
        return rehearse(
            timezone.now(),
            days=options.get("days", 30),
            slots=options["slots"],
            environment=options["environment"],
            tags=options["tag"],
            progress=self._progress,
        )

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

    def _tell_past(self, found: Hindsight) -> None:
        self.stdout.write(
            f"{found.schedules:,} schedules from {moment(found.start)} to {moment(found.until)}.\n"
            f"{found.expected:,} instants by the present timings, {found.recorded:,} of them in the ledger.\n"
            f"{found.differences:,} differences, {found.unexplained:,} of them unexplained."
        )
        outcomes = [[name, f"{count:,}"] for name, count in found.outcomes.items()]
        if outcomes:
            self.stdout.write(f"\n{table(['Rows', 'Number'], outcomes)}")
        rows = [
            [one.name, moment(first.at), first.what, first.why or "Not explained; run manage.py checkscheduler."]
            for one in found.found
            for first in one.first
        ]
        if rows:
            self.stdout.write(f"\n{table(['Schedule', 'Instant', 'In the ledger', 'Why'], rows)}")


def _skips(report: Report) -> str:
    """Say how many were skipped, and why."""
    said = f"{report.skipped['overlap']:,} skipped as overlapping"
    for why, where in (("holiday", "on closed days"), ("blackout", "in maintenance windows")):
        said += f", {report.skipped[why]:,} {where}" if report.skipped[why] else ""
    return said


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day. Write one such as 2026-11-20.") from None


def _compare(options: dict[str, Any]) -> Hindsight:
    days = options.get("days", 1)
    if not 1 <= days <= MOST_DAYS:
        raise ValidationError({"days": [f"Between 1 and {MOST_DAYS}."]})
    zone, now = ZoneInfo(settings.SCHEDULER_TIMEZONE), timezone.now()
    start = datetime.combine(options["past"], time(), zone)
    if start >= now:
        raise ValidationError({"past": ["Write a day that has begun, such as 2026-11-20."]})
    end = datetime.combine(options["past"] + timedelta(days=days), time(), zone)
    chosen = Schedule.objects.all()
    if options["environment"]:
        chosen = chosen.filter(environment=options["environment"])
    if options["tag"]:
        chosen = chosen.tagged(*options["tag"])
    return compare(start, min(end, now), chosen.order_by("name", "pk").iterator(chunk_size=1000))
