"""Keep how each file went, and remember what was loaded: written when the file ends, in a transaction of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from hashlib import sha256
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from jobtypes.csv_import.models import ImportedFile, ImportFileResult, ImportProject, RejectedRow
from jobtypes.csv_import.outcome import FileResult
from jobtypes.csv_import.plan import FilePlan

BLOCK = 1 << 20
NOT_HOW = {"filename", "already_imported", "after_success"}  # of a plan: what does not change what is read
NUMBERS = ("rows_read", "inserted", "updated", "skipped", "rejected", "duplicates", "bytes", "duration_ms")


def keep(result: FileResult, plan: FilePlan | None, project: ImportProject, *, run_id: int, environment: str) -> None:
    """Write a file's result with its rejected rows and, if it was loaded, the memory of it."""
    with transaction.atomic():
        file = ImportFileResult.objects.create(
            run_id=run_id,
            project=project.name,
            environment=environment,
            filename=_text(result.filename, 1_000),
            table_name=_text(result.table_name, 200),
            status=result.status,
            columns_added=[_text(name, 63) for name in result.columns_added],
            sha256=result.sha256,
            error_type=_text(result.error_type, 64),
            error=_text(result.error, 10_000),
            **{name: getattr(result, name) for name in NUMBERS},
        )
        RejectedRow.objects.bulk_create(
            RejectedRow(
                file=file,
                line=one.line,
                column=_text(one.column or "", 63),
                reason=_text(one.reason, 500),
                raw=_text(one.raw, 1_024),
            )
            for one in result.rejects
        )
        if result.status == "loaded" and plan is not None and ImportProject.objects.filter(pk=project.pk).exists():
            _remember(result, plan, project, run_id)


def known(project: ImportProject, plan: FilePlan, digest: str) -> ImportedFile | None:
    """Return the memory of the same bytes in the same table, read in the same way, None if there is none."""
    return ImportedFile.objects.filter(
        project=project, sha256=digest, table_name=table_of(plan), config_digest=digest_of(plan)
    ).first()


def forget(run_ids: Collection[int]) -> None:
    """Remove what is kept of the files of runs that are removed; the memory of what was loaded stays."""
    RejectedRow.objects.filter(file__run_id__in=run_ids).delete()
    ImportFileResult.objects.filter(run_id__in=run_ids).delete()


def table_of(plan: FilePlan) -> str:
    """Return schema and table."""
    return f"{plan.schema}.{plan.table}"


def digest_of(plan: FilePlan) -> str:
    """Return what tells one way of reading and loading a file from another."""
    said = {one.name: getattr(plan, one.name) for one in fields(plan) if one.name not in NOT_HOW}
    said["null_values"] = sorted(plan.null_values)
    said["column_mapping"] = sorted(plan.column_mapping.items())
    said["reject_limit"] = str(plan.reject_limit)
    return sha256(repr(sorted(said.items())).encode("utf-8", "surrogatepass")).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the digest of a file's bytes."""
    found = sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def _remember(result: FileResult, plan: FilePlan, project: ImportProject, run_id: int) -> None:
    ImportedFile.objects.update_or_create(
        project=project,
        sha256=result.sha256,
        table_name=table_of(plan),
        config_digest=digest_of(plan),
        defaults={
            "filename": _text(result.filename, 1_000),
            "size": result.bytes,
            "imported_at": timezone.now(),
            "run_id": run_id,
        },
    )


def _text(text: str, longest: int) -> str:
    """Return text that every database takes."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()[:longest]
