"""`manage.py previewschedule`: the next fire times of a cron expression, or of many on stdin.

Needs no database unless a calendar is named.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, NoReturn

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from schedules.calendars.closures import Closures
from schedules.models import Calendar
from schedules.timing import Preview, Timing, TimingError, check, preview, zone

MOST_TIMES = 1000
LONGEST_LINE = 65_536  # bytes
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9900, 1, 1, tzinfo=UTC)
CLOSED_SHOWN = 10
KEYS = {"expr", "tz", "start", "count"}


class Command(BaseCommand):
    help = "Show when a cron expression fires next."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("expr", nargs="?", metavar="EXPR", help="Five fields in quotes, such as '30 2 * * *'.")
        parser.add_argument("--timezone", default="UTC", metavar="TZ", help="An IANA name. Default: %(default)s.")
        parser.add_argument("--after", metavar="ISO", help="A moment, with an offset or else in TZ. Default: now.")
        parser.add_argument(
            "--count", type=int, default=5, help="How many times, at most 1000. Default: %(default)s."
        )
        parser.add_argument("--calendar", metavar="NAME", help="Leave out what this calendar closes.")
        parser.add_argument(
            "--rule", choices=["skip", "next", "previous"], default="skip", help="What becomes of a closed instant."
        )
        parser.add_argument("--json", action="store_true", help="Print the times as one JSON array.")
        parser.add_argument(
            "--batch", action="store_true", help="Answer JSON lines on stdin: expr, tz, start and count in each."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"]:
            if options["expr"] is not None:
                raise CommandError("--batch reads its expressions from stdin; leave EXPR out.", returncode=2)
            for line in lines(sys.stdin.buffer):
                self.stdout.write(json.dumps(answer(line)))
                self.stdout.flush()
            return
        if options["expr"] is None:
            raise CommandError("Write an expression in quotes, such as '30 2 * * *', or --batch.", returncode=2)
        try:
            calendar = _closures(options["calendar"], options["rule"])
            shown = look_ahead(
                options["expr"], options["timezone"], options["after"], options["count"], calendar=calendar
            )
        except TimingError as refused:
            raise CommandError(str(refused), returncode=2) from None
        self._print(shown, options["timezone"], as_json=options["json"])

    def _print(self, shown: Preview, zone_name: str, *, as_json: bool) -> None:
        times = local_times(shown, zone_name)
        if as_json:
            self.stdout.write(json.dumps(times))
            return
        self.stdout.write(f"{shown.sentence} ({zone_name})")
        for instant, local in zip(shown.instants, times, strict=True):
            self.stdout.write(f"{local:25}  {instant.astimezone(zone(zone_name)):%a}  {instant:%Y-%m-%d %H:%M} UTC")
        for one in shown.closed[:CLOSED_SHOWN]:
            self.stdout.write(f"Closed at {one.at.astimezone(zone(zone_name)).isoformat()}: {one.closing.sentence}")
        for effect in shown.effects:
            at = effect.change.at.astimezone(zone(zone_name))
            self.stdout.write(f"Clock change on {at:%Y-%m-%d}: {effect.sentence}")


def _closures(name: str | None, rule: str) -> tuple[Closures | None, str]:
    """Return the calendar of that name, the only thing for which the database is asked; raises CommandError."""
    if name is None:
        return None, rule
    try:
        return Calendar.objects.named(name).closures, rule
    except Calendar.DoesNotExist as unknown:
        raise CommandError(str(unknown), returncode=2) from None


def lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Yield the lines of a stream; None for one that is too long, which is read past without being kept."""
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
        yield None


def answer(line: bytes | None) -> dict[str, Any]:
    """Return the answer to one line of a batch: {"valid", "times", "sentence"} or {"valid", "error"}."""
    try:
        request = _read(line)
        shown = look_ahead(request["expr"], request["tz"], request["start"], request["count"], changes=0)
    except TimingError as refused:
        return {"valid": False, "error": str(refused)}
    return {"valid": True, "times": local_times(shown, request["tz"]), "sentence": shown.sentence}


def look_ahead(
    expression: str,
    zone_name: str,
    start: str | None,
    count: int,
    *,
    changes: int = 2,
    calendar: tuple[Closures | None, str] = (None, "skip"),
) -> Preview:
    """Return what follows `start` (ISO; in the zone if it has no offset) under a calendar and its rule.

    Raises TimingError.
    """
    closures, rule = calendar
    timing = Timing(kind="cron", cron=expression, zone=zone_name, calendar=closures, calendar_rule=rule)
    after = _moment(start, zone_name)
    if not 1 <= count <= MOST_TIMES:
        raise TimingError(f"count: write a whole number from 1 to {MOST_TIMES}.")
    check(timing, after)
    return preview(timing, after, count, changes=changes)


def local_times(shown: Preview, zone_name: str) -> list[str]:
    """Return the instants as ISO text with the offset of the zone."""
    return [instant.astimezone(zone(zone_name)).isoformat() for instant in shown.instants]


def _read(line: bytes | None) -> dict[str, Any]:
    """Return the four fields of a request; raises TimingError for whatever is none."""
    if line is None:
        raise TimingError(f"The line is longer than {LONGEST_LINE} bytes.")
    try:
        request = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise TimingError('The line is no JSON object. Write {"expr": "30 2 * * *", "tz": "UTC", "count": 5}.')
    if unknown := sorted(set(request) - KEYS):
        raise TimingError(f"There is no field {unknown[0][:40]!r}. Write expr, tz, start and count.")
    if not isinstance(request.get("expr"), str):
        raise TimingError("expr: write the cron expression as text.")
    tz, count = request.get("tz"), request.get("count")
    if not isinstance(tz, str | None):
        raise TimingError("tz: write an IANA name such as Europe/Riga.")
    if not isinstance(request.get("start"), str | None):
        raise TimingError("start: write a moment such as 2026-03-29T00:00:00+01:00.")
    if not isinstance(count, int | None) or isinstance(count, bool):
        raise TimingError(f"count: write a whole number from 1 to {MOST_TIMES}.")
    return {
        "expr": request["expr"],
        "tz": "UTC" if tz is None else tz,
        "start": request.get("start"),
        "count": 5 if count is None else count,
    }


def _moment(text: str | None, zone_name: str) -> datetime:
    clock = zone(zone_name)
    if text is None:
        return timezone.now()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise TimingError("start: write a moment such as 2026-03-29T00:00:00+01:00.") from None
    at = at.replace(tzinfo=clock) if at.tzinfo is None else at
    if not EARLIEST <= at <= LATEST:
        raise TimingError("start: write a moment in the years 1900 to 9899.")
    return at


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
