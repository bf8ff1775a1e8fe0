from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from jobtypes.models import AlertState
from jobtypes.sql_alert.serializers import AlertSerializer
from schedules.models import RefusedFile
from schedules.tables import array, first_line, moment, table

HEAD = ("ID", "Env", "Alert", "State", "Since", "Value", "Threshold", "Last run", "Silenced until", "Error")


class Command(BaseCommand):
    help = "List the alerts: how they stand, and what they said last."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--environment", default="", help="Only those of this one.")
        parser.add_argument("--json", action="store_true", help="Print one JSON array with the API's fields.")
        parser.add_argument("--check", action="store_true", help="Exit with 1 unless all that are enabled are OK.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = AlertState.objects.watched().with_incidents().order_by("environment", "name")
        if options["environment"]:
            found = found.filter(environment=options["environment"])
        alerts = list(found)
        if options["json"]:
            self.stdout.write(array(AlertSerializer(alerts, many=True).data))
        elif alerts:
            self.stdout.write(table(HEAD, map(_row, alerts)))
        else:
            self.stdout.write("There are no alerts. A schedule of job type sql_alert is one.")
        for refused in RefusedFile.objects.all():
            self.stderr.write(f"Warning: {refused.sentence}")
        wrong = [one.name for one in alerts if one.is_active and one.shown != "ok"]
        if options["check"] and wrong:
            raise CommandError(f"Not OK: {', '.join(wrong)}.", returncode=1)


def _row(alert: AlertState) -> tuple[str, ...]:
    silenced = alert.silenced_until if alert.is_silenced(timezone.now()) else None
    return (
        str(alert.schedule_id),
        alert.environment,
        alert.name,
        alert.shown if alert.is_active else f"{alert.shown} (paused)",
        moment(alert.since),
        _value(alert.actual_value),
        _value(alert.threshold),
        moment(alert.last_executed_at),
        moment(silenced),
        first_line(alert.last_error, 60) or "–",
    )


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return first_line(value if isinstance(value, str) else json.dumps(value), 30)
