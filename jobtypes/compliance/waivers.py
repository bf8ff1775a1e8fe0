"""Load waivers, all of a file or none: one of the same control and systems is changed, the others are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from integrations import audit
from jobtypes.compliance.waiver_file import ReadWaiver
from jobtypes.models import System, Waiver

COLUMNS = ("reason", "expires", "approved_by", "approved_on", "notes")


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many waivers are new, changed, or said what was known."""

    created: int
    updated: int
    unchanged: int


def load(found: Sequence[ReadWaiver], *, by: str) -> Loaded:
    """Store waivers in one transaction; raises ValidationError where one names a system that there is not.

    What is stored and not in the file stays.
    """
    counts = {"created": 0, "updated": 0, "unchanged": 0}
    with transaction.atomic(), audit.together():
        names = {name for one in found for name in one.systems}
        if lost := System.objects.missing(sorted(names)):
            raise ValidationError(f"There is no system {', '.join(lost[:10])}; make it first, or mend the name.")
        systems = {one.name: one for one in System.objects.filter(name__in=names)}
        there = _stored({one.control_id for one in found})
        for one in found:
            scope = frozenset(systems[name].pk for name in one.systems)
            row = there.get((one.control_id, scope))
            counts[_store(one, row, [systems[name] for name in one.systems], by=by)] += 1
    return Loaded(**counts)


def _stored(control_ids: set[str]) -> dict[tuple[str, frozenset[int]], Waiver]:
    """Return the waivers of these controls by control and systems; of two the one that expires last."""
    rows = Waiver.objects.filter(control_id__in=control_ids).order_by("expires").prefetch_related("systems")
    return {(row.control_id, frozenset(one.pk for one in row.systems.all())): row for row in rows}


def _store(one: ReadWaiver, row: Waiver | None, systems: list[System], *, by: str) -> str:
    waiver = row or Waiver(control_id=one.control_id)
    wanted = {name: getattr(one, name) for name in COLUMNS}
    wanted["compensating_controls"] = list(one.compensating_controls)
    if row is not None and all(getattr(row, name) == value for name, value in wanted.items()):
        return "unchanged"
    for name, value in wanted.items():
        setattr(waiver, name, value)
    waiver.store(by=by, systems=systems)
    return "created" if row is None else "updated"
