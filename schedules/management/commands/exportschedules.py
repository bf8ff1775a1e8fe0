"""`manage.py exportschedules`: what is stored, as a file that `syncschedules` reads."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.secrets import Undecryptable
from schedules.files import writing
from schedules.files.exporting import Export, export
from schedules.models import Schedule

HEAD = (
    "Schedules of Carillon and what they use, as they are stored. To take them over, here or elsewhere:",
    "    manage.py syncschedules FILE --dry-run    says what would change",
    "    manage.py syncschedules FILE              does it, all or nothing",
    "What is left out has its default. *** stands for a secret: where it is stored, it stays; elsewhere write the",
    "secret, or ${NAME}, which is read from the environment when it is used.",
)


class Command(BaseCommand):
    help = "Print schedules, connections, channels, calendars and limits of tags as a file for syncschedules."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME_OR_ID", help="Only these schedules, and what they use.")
        parser.add_argument("--format", choices=["yaml", "json"], default="yaml")
        parser.add_argument("--environment", default="", help="Only schedules of this environment.")
        parser.add_argument(
            "--tag", action="append", default=[], help="Only schedules with this tag. May be repeated."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        whole = not (options["names"] or options["environment"] or options["tag"])
        try:
            found = export(self._chosen(options), whole=whole)
        except Undecryptable as closed:
            raise CommandError(str(closed), returncode=1) from None
        self.stdout.write(self._text(found, options["format"]), ending="")

    def _chosen(self, options: dict[str, Any]) -> list[Schedule]:
        wanted = Schedule.objects.existing().select_related("calendar").with_parents()
        if options["environment"]:
            wanted = wanted.filter(environment=options["environment"])
        if options["tag"]:
            wanted = wanted.tagged(*options["tag"])
        if not options["names"]:
            return list(wanted)
        try:
            named = [Schedule.objects.named(name, options["environment"]).pk for name in options["names"]]
        except (Schedule.DoesNotExist, Schedule.MultipleObjectsReturned) as unclear:
            raise CommandError(str(unclear), returncode=2) from None
        return list(wanted.filter(pk__in=named))

    def _text(self, found: Export, form: str) -> str:
        if form == "yaml":
            return writing.as_yaml(found.sections, [*HEAD, *found.remarks])
        for remark in found.remarks:
            self.stderr.write(remark)
        return writing.as_json(found.sections)
