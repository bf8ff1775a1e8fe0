"""`manage.py loadwaivers`: read which controls need not pass for a while, and why."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from jobtypes.compliance import waiver_file, waivers
from jobtypes.models import Waiver
from schedules.files.gathering import gather
from schedules.files.problems import Refused
from schedules.naming import ACTOR


class Command(BaseCommand):
    help = "Read waivers from a YAML or JSON file, and count all that are stored as they stand today."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="It holds `waivers`: a list of control_id, reason, expires.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            loaded = waivers.load(self._read(Path(options["file"])), by=ACTOR)
        except waiver_file.Unreadable as refused:
            faults = "\n".join(f"{options['file']}: {one}" for one in refused.faults)
            raise CommandError(f"{faults}\nNothing was changed.") from None
        except ValidationError as refused:
            raise CommandError(f"{' '.join(refused.messages)} Nothing was changed.") from None
        except Refused as refused:
            problems = "\n".join(str(one) for one in refused.problems)
            raise CommandError(f"{problems}\nNothing was changed.") from None
        self.stdout.write(
            f"{loaded.created} created, {loaded.updated} updated, {loaded.unchanged} unchanged. {standing()}"
        )

    def _read(self, path: Path) -> list[waiver_file.ReadWaiver]:
        if path.is_dir():
            raise waiver_file.Unreadable(["This is a folder; name one file."])
        (document,) = gather(path).documents()
        if document.repeated:
            keys = ", ".join(sorted({str(path[-1]) for path in document.repeated}))
            raise waiver_file.Unreadable([f"These keys stand twice: {keys}."])
        return waiver_file.read(document.values)


def standing() -> str:
    """Say how the stored waivers stand today, in UTC."""
    report = Waiver.objects.report(timezone.now().astimezone(UTC).date())
    return (
        f"Waivers: {report.total} in total, {report.active} active, {report.expired} expired, "
        f"{report.expiring} expiring in 30 days."
    )
