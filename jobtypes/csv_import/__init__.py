"""Import CSV files into PostgreSQL tables: after a run the tables say what the files say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from django.conf import settings

from jobtypes.base import Context, Finished, InvalidParams, JobType, JSONObject, Outcome, Standing
from jobtypes.csv_import import keeping, original, running, telling, trying, uses
from jobtypes.csv_import.models import ImportProject
from jobtypes.csv_import.params import CsvImportConfig
from jobtypes.foreign import ForeignFile, Translation


class CsvImport(JobType[CsvImportConfig]):
    name = "csv_import"
    label = "CSV import"
    description = "Loads CSV files into PostgreSQL tables, from a folder or by SFTP."
    icon = "imports"
    Config = CsvImportConfig
    timeout_seconds = 14_400
    min_interval_seconds = settings.CSV_IMPORT_MIN_INTERVAL_SECONDS
    shorthand: ClassVar[Mapping[str, str]] = {
        "project_name": "project",
        "local_files": "local_files",
        "sftp_override": "sftp_override",
    }
    stop_grace_seconds = 10.0
    remembers = True

    def check(self, config: CsvImportConfig) -> None:
        """Refuse a project that is not there, and a place for files that is none."""
        try:
            ImportProject.objects.named(config.project)
        except ImportProject.DoesNotExist as missing:
            raise InvalidParams({"project": [str(missing)]}) from None
        running.check_override(config)

    def out_of_place(self, config: CsvImportConfig, places: Collection[str]) -> Mapping[str, list[str]]:
        """Refuse a project, or another source, that serves none of these environments."""
        return running.out_of_place(config, places)

    def summarise(self, config: CsvImportConfig) -> str:
        return f"Imports the files of {config.project}"

    def follow(self, standing: Standing) -> None:
        uses.follow(standing)

    def settle(self, finished: Sequence[Finished]) -> Mapping[int, JSONObject]:
        """Say for runs that died what became of their files."""
        return {one.run_id: telling.result(one) for one in finished if "status" not in one.result}

    def called_back(self, finished: Finished) -> JSONObject:
        return telling.body(finished)

    def forget(self, run_ids: Collection[int]) -> None:
        keeping.forget(run_ids)

    def rehearse(self, config: CsvImportConfig, schedule_id: int) -> tuple[bool, JSONObject]:
        """Load everything and roll it back; return whether all went well, and counts, first changes and rejects."""
        return trying.rehearse(config, seconds=self.timeout_seconds)

    def translate(self, file: ForeignFile) -> Translation | None:
        return original.translate(file)

    def run(self, config: CsvImportConfig, context: Context) -> Outcome:
        return running.run(config, context)
