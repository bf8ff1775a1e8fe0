"""`manage.py loadevidence`: read what a system has to show from a file."""

from __future__ import annotations

from argparse import ArgumentParser
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from jobtypes.compliance import catalogs, evidence_file, evidence_loading, oscal
from jobtypes.management.commands.loadcatalog import ACTOR
from jobtypes.models import System


class Command(BaseCommand):
    help = "Read evidence of a system from a JSON file: an object of types, or a manifest of artifacts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--system", required=True, metavar="S", help="The system's name.")
        parser.add_argument("--environment", default="", metavar="E", help="Makes the system there if it is new.")
        parser.add_argument("--keep-empty", action="store_true", help="Load null, false and empty text as well.")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["file"])
        try:
            raw = catalogs.read_file(path, evidence_file.MOST_BYTES)
            found = evidence_file.read(raw, keep_empty=options["keep_empty"])
        except oscal.Unreadable as refused:
            raise CommandError(f"{refused} Nothing was changed.") from None
        except evidence_file.Unreadable as refused:
            raise CommandError(f"{path}: {refused} Nothing was changed.") from None
        try:
            with transaction.atomic():
                system = self._system(options["system"], options["environment"])
                loaded = evidence_loading.load(found, system, sha256(raw).hexdigest(), by=ACTOR)
        except ValidationError as refused:
            raise CommandError(f"{' '.join(refused.messages)} Nothing was changed.") from None
        for sentence in loaded.sentences():
            self.stdout.write(sentence)

    def _system(self, name: str, environment: str) -> System:
        """Return the system, made if an environment is named and it is new; raises CommandError (exit code 2)."""
        try:
            system = System.objects.named(name)
        except System.DoesNotExist as unknown:
            if not environment:
                more = "Name --environment, and it is made."
                raise CommandError(f"{unknown} {more} Nothing was changed.", returncode=2) from None
            system = System(name=name, environment=environment)
            system.store(by=ACTOR)
        if environment not in {"", system.environment}:
            raise CommandError(
                f"{name} is of {system.environment}, not of {environment}. Nothing was changed.", returncode=2
            )
        return system
