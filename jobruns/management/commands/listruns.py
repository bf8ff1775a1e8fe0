from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from jobruns.models import JobRun
from jobruns.serializers import RunSerializer
from jobtypes import registry
from jobtypes.base import InvalidParams
from schedules.models import Schedule
from schedules.tables import array, first_line, moment, table

HEAD = ("ID", "Env", "Schedule", "Status", "Reason", "Started", "Finished", "Error")


class Command(BaseCommand):
    help = "List runs, the newest first. Filters apply before the limit."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--schedule", default="", metavar="N", help="Of the schedule of that name or number.")
        parser.add_argument("--environment", default="", metavar="E")
        parser.add_argument("--status", default="", choices=JobRun.Status.values)
        parser.add_argument("--job-type", type=_job_type, metavar="T", help="Its name or an alias of it.")
        parser.add_argument(
            "--since", type=_moment, metavar="ISO", help="Scheduled for then or later; UTC if unsaid."
        )
        parser.add_argument("--limit", type=_number, default=20)
        parser.add_argument("--json", action="store_true", help="Print one JSON array with the API's fields.")

    def handle(self, *args: Any, **options: Any) -> None:
        runs = JobRun.objects.order_by("-pk")
        if options["schedule"]:
            runs = runs.filter(schedule__in=_schedules(options["schedule"], options["environment"]))
        for option, field in (("environment", "environment"), ("status", "status"), ("job_type", "job_type")):
            if options[option]:
                runs = runs.filter(**{field: options[option]})
        if options["since"]:
            runs = runs.filter(scheduled_for__gte=options["since"])
        found = runs[: options["limit"]]
        if options["json"]:
            self.stdout.write(array(RunSerializer(found, many=True).data))
        else:
            self.stdout.write(table(HEAD, map(_row, found)))


def _row(run: JobRun) -> tuple[str, ...]:
    return (
        str(run.pk),
        run.environment,
        run.schedule_name,
        run.status,
        run.reason or "–",
        moment(run.started_at),
        moment(run.finished_at),
        first_line(run.error),
    )


def _schedules(name: str, environment: str) -> list[int]:
    """Return the ids of the schedules of that name, deleted ones included: their runs stay."""
    every = Schedule.objects.filter(environment=environment) if environment else Schedule.objects.all()
    ids = list(every.filter(name=name).values_list("pk", flat=True))
    if ids:
        return ids
    try:
        return [Schedule.objects.named(name, environment).pk]
    except Schedule.DoesNotExist as unknown:
        raise CommandError(str(unknown), returncode=2) from None


def _job_type(text: str) -> str:
    try:
        return registry.job_type(text).name
    except InvalidParams as unknown:
        raise ArgumentTypeError(" ".join(unknown.sentences())) from None


def _moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no date and time; write one such as 2026-11-27T06:00.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:10]) <= 10_000_000:
        raise ArgumentTypeError(f"{text!r} is no limit; write a whole number from 1 to 10000000.")
    return int(text)
