"""Know which schedules use a project, in the transactions that change them."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from jobtypes.base import Standing
from jobtypes.csv_import.models import ImportProject, ImportUse

GONE = {"deleted", "erased"}


def follow(standing: Standing) -> None:
    """Take note which project a schedule names now; one that was deleted names none.

    Raises ValidationError, code "conflict", where the project has gone meanwhile.
    """
    own = ImportUse.objects.filter(schedule_id=standing.schedule_id)
    if standing.status in GONE:
        own.delete()
        return
    try:
        project = ImportProject.objects.select_for_update(no_key=True).named(str(standing.params.get("project")))
    except ImportProject.DoesNotExist as missing:
        raise ValidationError(f"{missing} Make it first, or name another.", code="conflict") from None
    ImportUse.objects.update_or_create(
        schedule_id=standing.schedule_id,
        defaults={
            "project": project,
            "schedule_name": standing.name,
            "environment": standing.environment,
        },
    )
