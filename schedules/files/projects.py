"""Bring import projects to what their entries say, and say what is stored as a file would declare it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jobtypes.csv_import import shape
from jobtypes.csv_import.serializers import ImportProjectSerializer
from jobtypes.models import ImportProject
from schedules.files.declaring import ACTOR, Desk, Values, step
from schedules.files.entries import Entry
from schedules.files.plan import Step

OWN = ("description", "environment", "source")


def declare(entry: Entry, desk: Desk, source: str) -> Step:
    """Store the project that an entry means, as it says it; what it leaves out has its default."""
    row = ImportProject.objects.filter(name=entry.name).first()
    before = row.recorded() if row else {}
    data = {**dict.fromkeys(OWN, ""), **entry.values, "name": entry.name}
    serializer = ImportProjectSerializer(data=data, context=desk.context)
    serializer.is_valid(raise_exception=True)
    notes = [f"It was {_origin(row)} and is declared here now."] if row and row.declared_in != source else []

    def store() -> Values:
        project = row or ImportProject()
        project.declared_in = source
        return serializer.update(project, dict(serializer.validated_data)).recorded()

    return step(entry, before, store, notes=notes)


def remove_gone(sources: Sequence[str], names: Iterable[str], *, prune: bool) -> tuple[list[Step], list[str]]:
    """Remove, with `prune`, the projects that came from `sources` and are not among `names` any more.

    Returns the steps, and sentences on those that stay.
    """
    steps, left = [], []
    for row in ImportProject.objects.declared_in(sources).exclude(name__in=list(names)).order_by("name"):
        if not prune:
            left.append(f"The import project {row.name} is in these files no more and stays; --prune deletes it.")
        elif used := row.used_by():
            left.append(f"The import project {row.name} is in these files no more and stays: {used} still use it.")
        else:
            row.remove(by=ACTOR)
            steps.append(Step("delete", "import_projects", row.name, row.environment))
    return steps, left


def said(project: ImportProject) -> dict[str, Any]:
    """Return the project as an entry of a file."""
    own = {name: getattr(project, name) for name in ("description", "environment", "connection", "source")}
    config = {key: project.config[key] for key in shape.KEYS if key in project.config}
    return {"name": project.name, **{name: value for name, value in own.items() if value}, **config}


def _origin(row: ImportProject) -> str:
    return f"declared in {row.declared_in}" if row.declared_in else "not from a file"
