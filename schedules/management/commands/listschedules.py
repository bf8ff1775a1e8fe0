from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from schedules.models import RefusedFile, Schedule
from schedules.serializers import ScheduleSerializer
from schedules.tables import array, moment, table
from schedules.timing import TimingError, sentence


class Command(BaseCommand):
    help = "List the schedules that were not deleted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON array with the API's fields.")

    def handle(self, *args: Any, **options: Any) -> None:
        schedules = Schedule.objects.existing().order_by("environment", "name")
        if options["json"]:
            self.stdout.write(array(ScheduleSerializer(schedules, many=True).data))
            return
        head = ("ID", "Env", "Name", "Job type", "Status", "Timing", "Next run", "Last")
        self.stdout.write(table(head, map(_row, schedules.iterator())))
        for refused in RefusedFile.objects.all():
            self.stderr.write(f"Warning: {refused.sentence}")


def _row(schedule: Schedule) -> tuple[str, ...]:
    try:
        fires = sentence(schedule.timing)
    except TimingError as refused:
        fires = str(refused)
    return (
        str(schedule.pk),
        schedule.environment,
        schedule.name,
        schedule.job_type,
        schedule.status,
        fires,
        moment(schedule.upcoming_at, schedule.timezone),
        schedule.last_status or "–",
    )
