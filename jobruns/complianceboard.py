"""How systems stand, by family and control: read from their newest assessments, for the pages of compliance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count

from jobtypes.compliance.rates import Tally, counted
from jobtypes.models import Assessment, System, ValidationResult

Cells = dict[int, dict[str, dict[tuple[str, bool], int]]]


@dataclass(frozen=True, slots=True)
class Cell:
    """A family of one system: `key` names glyph and colour, `short` how many lack something, or all."""

    family: str
    key: str
    tally: Tally

    @property
    def short(self) -> int:
        """Return how many fail, or lack something; of a family that passes how many there are."""
        if self.key == "success":
            return self.tally.total
        return self.tally.failed or self.tally.total - self.tally.passed


@dataclass(slots=True)
class Line:
    """One system: its rates, a cell for each family, and the run that last looked."""

    system: System
    cells: list[Cell | None] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    run_id: int | None = None
    at: datetime | None = None
    regressions: int = 0
    fixed: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """All systems, the families that occur, and what they come to together."""

    lines: Sequence[Line]
    families: Sequence[str]
    tally: Tally
    at: datetime | None

    @property
    def regressions(self) -> int:
        """Return how many controls got worse with the last run of each system."""
        return sum(line.regressions for line in self.lines)


def board(systems: Sequence[System]) -> Board:
    """Return how these systems stand by their newest assessments; three statements."""
    newest = list(Assessment.objects.filter(system__in=[one.pk for one in systems]).newest())
    cells = _cells(newest)
    families = sorted({family for own in cells.values() for family in own})
    lines = {one.pk: Line(one) for one in systems}
    for one in newest:
        line = lines[one.system_id]
        line.tally += one.tally
        line.regressions += one.regressions
        line.fixed += one.fixed
        if line.run_id is None or one.run_id > line.run_id:
            line.run_id, line.at = one.run_id, one.assessed_at
    for pk, line in lines.items():
        own = cells.get(pk, {})
        line.cells = [_cell(family, counted(own[family])) if family in own else None for family in families]
    found = list(lines.values())
    total = sum((line.tally for line in found), Tally())
    return Board(found, families, total, max((line.at for line in found if line.at), default=None))


@dataclass(frozen=True, slots=True)
class Change:
    """A result beside that of the run before; `was` is empty where that had none, or the same."""

    row: ValidationResult
    was: str


def controls(system: System) -> list[Change]:
    """Return what the newest assessments of a system found, each with what changed since the run before them."""
    found: list[Change] = []
    for one in Assessment.objects.filter(system=system).newest():
        rows = ValidationResult.objects.of_run(one.run_id).filter(system=system, control__catalog=one.catalog_id)
        before = _before(one)
        found += [
            Change(row, had if (had := before.get(row.control_id, "")) != row.status else "")
            for row in rows.order_by("control")
        ]
    return found


def _before(newest: Assessment) -> Mapping[int, str]:
    key = (newest.system_id, newest.catalog_id)
    earlier = Assessment.objects.before(newest.run_id, [newest.system_id], [newest.catalog_id]).get(key)
    if earlier is None:
        return {}
    rows = ValidationResult.objects.filter(run_id=earlier.run_id, system=newest.system_id)
    return dict(rows.values_list("control_id", "status"))


def _cells(newest: Iterable[Assessment]) -> Cells:
    wanted = {(one.system_id, one.run_id, one.catalog_id) for one in newest}
    rows = ValidationResult.objects.filter(
        system__in={system for system, _, _ in wanted}, run_id__in={run for _, run, _ in wanted}
    )
    names = ("system_id", "run_id", "control__catalog_id", "control__family", "status", "waived")
    found: Cells = {}
    for system, run, catalog, family, status, waived, number in (
        rows.order_by().values_list(*names).annotate(Count("pk"))
    ):
        if (system, run, catalog) in wanted:
            own = found.setdefault(system, {}).setdefault(family, {})
            own[status, waived] = own.get((status, waived), 0) + number
    return found


def _cell(family: str, tally: Tally) -> Cell:
    if tally.failed:
        return Cell(family, "failed", tally)
    if tally.insufficient:
        return Cell(family, "evidence", tally)
    return Cell(family, "unknown" if tally.unknown else "success", tally)
