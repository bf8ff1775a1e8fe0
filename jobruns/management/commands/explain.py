"""`manage.py explain`: why a schedule did, or did not, or will run at a moment."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from integrations.rest.fields import NoMoment, moment
from jobruns.explain import explain
from jobruns.explain_api import ExplanationSerializer
from schedules import naming
from schedules.changes import localise
from schedules.models import Schedule
from schedules.tables import moment as shown


class Command(BaseCommand):
    help = "Say what became, or will become, of any instant of a schedule, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        naming.add_arguments(parser)
        parser.add_argument(
            "--at", required=True, metavar="ISO", help="The moment; without an offset in the schedule's time zone."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object with the API's fields.")

    def handle(self, *args: Any, **options: Any) -> None:
        schedule = _named(options)
        try:
            asked = moment(options["at"])
        except NoMoment as refused:
            raise CommandError(f"--at: {refused}", returncode=2) from None
        now = timezone.now()
        found = explain(schedule, localise(asked, schedule.timezone) or now, now)
        if options["json"]:
            answer = ExplanationSerializer(found).data
            self.stdout.write(DjangoJSONEncoder(indent=2, ensure_ascii=False).encode(answer))
            return
        self.stdout.write(f"{schedule.name}, {shown(found.at, schedule.timezone)}: {found.outcome.replace('_', ' ')}")
        for number, sentence in enumerate(found.sentences, 1):
            self.stdout.write(f"{number}. {sentence}")


def _named(options: dict[str, Any]) -> Schedule:
    """Return the schedule that was named; a deleted one by its number."""
    text = options["schedule"]
    if text.isascii() and text.isdecimal() and len(text) < 19:
        gone = Schedule.objects.filter(pk=int(text), status=Schedule.Status.DELETED).first()
        if gone is not None:
            return gone
    return naming.named(options)
