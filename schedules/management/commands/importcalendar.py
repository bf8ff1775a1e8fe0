"""`manage.py importcalendar`: close the days of an iCalendar file, or the public holidays of a country."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from schedules import naming
from schedules.calendars import countries, effects, ical
from schedules.calendars.countries import UnknownHolidays
from schedules.calendars.definition import InvalidDefinition, NamedDate
from schedules.calendars.ical import UnreadableFile
from schedules.models import Calendar
from schedules.tables import table


class Command(BaseCommand):
    help = "Close the days of an .ics file or the public holidays of a country; makes the calendar if there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="The calendar's name.")
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--ics", metavar="FILE", help="An iCalendar file; its all-day events are closed.")
        source.add_argument("--country", metavar="CC", help="A country's ISO code, such as LV.")
        parser.add_argument("--subdivision", default="", metavar="S", help="A part of the country, such as BY in DE.")
        parser.add_argument("--years", required=True, metavar="YEARS", help="Such as 2026-2028, or one year.")
        parser.add_argument(
            "--timezone", default="UTC", metavar="TZ", help="Of a new calendar. Default: %(default)s."
        )
        parser.add_argument("--dry-run", action="store_true", help="Say what it would close; store nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = self._found(options)
        except (UnknownHolidays, UnreadableFile) as refused:
            raise CommandError(str(refused), returncode=2 if isinstance(refused, UnknownHolidays) else 1) from None
        except (OSError, UnicodeDecodeError) as unreadable:
            raise CommandError(f"{options['ics']} cannot be read: {unreadable}", returncode=2) from None
        try:
            with transaction.atomic():
                self._close(found, options)
        except InvalidDefinition as refused:
            raise CommandError(str(refused)) from None
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages), returncode=2) from None

    def _found(self, options: dict[str, Any]) -> Sequence[NamedDate]:
        years = countries.years(options["years"])
        if options["country"] is not None:
            return countries.dates(options["country"], options["subdivision"], years)
        text = Path(options["ics"]).read_bytes()[: ical.LARGEST * 4].decode("utf-8-sig")
        return ical.dates(text, since=date(years[0], 1, 1), until=date(years[-1], 12, 31))

    def _close(self, found: Sequence[NamedDate], options: dict[str, Any]) -> None:
        calendar = Calendar.objects.select_for_update().filter(name=options["name"]).first()
        calendar = calendar or Calendar(name=options["name"], definition={"timezone": options["timezone"]})
        before = {one.date for one in calendar.read.closed_dates}
        added = calendar.close(found)
        new = [one for one in found if one.date not in before]
        if new:
            self.stdout.write(
                table(["Date", "Day", "Name"], [[str(one.date), f"{one.date:%a}", one.name] for one in new])
            )
        known = len(found) - added
        self.stdout.write(f"{added} dates to close; {known} of those found are closed already.")
        if calendar.pk:
            stored = Calendar.objects.get(pk=calendar.pk)
            self.stdout.write(effects.of_change(stored, calendar, timezone.now()).sentence())
        if options["dry_run"]:
            calendar.full_clean()
            self.stdout.write("Nothing was stored.")
        elif added or not calendar.pk:
            calendar.store(by=naming.ACTOR, why=f"Imported from {options['ics'] or options['country'].upper()}.")
            self.stdout.write(f"{calendar.name} is at version {calendar.version}.")
