"""`manage.py loadcatalog`: read an OSCAL catalog or profile, that schedules validate against."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from jobtypes.compliance import catalogs
from jobtypes.compliance.oscal import Unreadable

ACTOR = "command line"


class Command(BaseCommand):
    help = "Read an OSCAL catalog or profile (JSON) from a file; one that is known by its key is updated in place."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument(
            "--key", default="", metavar="K", help="What schedules call it. Default: the file's name."
        )
        parser.add_argument(
            "--resolve",
            action="store_true",
            help="Follow what a profile imports, in local files, and take all of it.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["file"])
        key = options["key"] or catalogs.key_of(path)
        try:
            found, digest = catalogs.read(path, resolve=options["resolve"])
            loaded = catalogs.load(found, digest, key, by=ACTOR)
        except Unreadable as refused:
            raise CommandError(f"{refused} Nothing was changed.") from None
        except ValidationError as refused:
            raise CommandError(f"{' '.join(refused.messages)} Nothing was changed.", returncode=2) from None
        self.stdout.write(loaded.sentence())
