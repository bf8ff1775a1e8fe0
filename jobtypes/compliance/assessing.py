"""Decide one system by each catalog, compare with its last run, and store what follows in one transaction."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from jobtypes.compliance import changing, tracking
from jobtypes.compliance.aliases import stand_ins
from jobtypes.compliance.changing import Earlier, Now
from jobtypes.compliance.decision import Decided, decide
from jobtypes.compliance.gathering import Book, Holding, Item, Plan
from jobtypes.compliance.models import Assessment, EvidenceAccess, Finding, System, ValidationResult
from jobtypes.compliance.models.assessments import COUNTS
from jobtypes.compliance.rates import Tally, tally
from jobtypes.compliance.requirements import family_of
from jobtypes.compliance.saving import Row, save

CARRIED = ("control_id", "status", "message", "evidence_keys", "remediation", "validated_at", "metadata")


@dataclass(slots=True)
class Found:
    """What came of one system."""

    tally: Tally = field(default_factory=Tally)
    families: dict[str, Tally] = field(default_factory=dict)
    saved: int = 0
    carried: int = 0
    regressions: int = 0
    fixed: int = 0


def assess(
    plan: Plan,
    system: System,
    last: Mapping[tuple[int, int], Assessment],
    unclosed: Mapping[int, Finding],
) -> Found:
    """Decide all controls of a system, and store results, counts, findings and the use of its evidence together.

    `last` is (system, catalog) → its last assessment, `unclosed` the number of a control → its finding that is not
    closed.
    """
    found = Found()
    holding = plan.holdings[system.pk]
    with transaction.atomic():
        for book in plan.books:
            earlier = _earlier(last.get((system.pk, book.catalog.pk)), system, book)
            _by_catalog(plan, system, book, holding, earlier, unclosed, found)
        EvidenceAccess.objects.log(holding.ids, EvidenceAccess.Action.VALIDATE, who=f"run {plan.run_id}", at=plan.at)
    return found


@dataclass(frozen=True, slots=True)
class _Before:
    """The results of the system's last run by the same catalog, by control id."""

    assessment: Assessment | None
    rows: Mapping[str, Mapping[str, Any]]

    @property
    def statuses(self) -> dict[str, str]:
        """Return control id → status."""
        return {name: row["status"] for name, row in self.rows.items()}


def _earlier(assessment: Assessment | None, system: System, book: Book) -> _Before:
    if assessment is None:
        return _Before(None, {})
    names = {item.pk: name for name, item in book.items.items()}
    rows = ValidationResult.objects.filter(run_id=assessment.run_id, system=system).values(*CARRIED)
    return _Before(assessment, {names[row["control_id"]]: row for row in rows if row["control_id"] in names})


def _by_catalog(
    plan: Plan,
    system: System,
    book: Book,
    holding: Holding,
    before: _Before,
    unclosed: Mapping[int, Finding],
    found: Found,
) -> None:
    began = time.perf_counter()
    anew = _to_decide(plan, book, holding, before)
    carried = {name: before.statuses[name] for name in book.items.keys() - anew}
    answers = decide(
        anew,
        holding.pieces.keys(),
        requirements=plan.requirements,
        validators=plan.validators,
        locations=holding.locations,
        pieces=holding.pieces,
        stand_ins=stand_ins(holding.pieces) if plan.options.aliases else {},
        standing=carried,
    )
    took = round((time.perf_counter() - began) * 1_000_000)
    now = timezone.now()
    rows = [_decided(one, book.items, plan, system, now, took // max(len(answers), 1)) for one in answers]
    rows += [_carried(before.rows[name], plan.waived(name, system)) for name in carried]
    _store(plan, system, book, holding, rows, before, unclosed, found)
    found.carried += len(carried)


def _to_decide(plan: Plan, book: Book, holding: Holding, before: _Before) -> set[str]:
    """Return the controls to decide anew: all, unless the run is incremental and rests on the same ground."""
    last = before.assessment
    if not plan.options.incremental or last is None or last.basis != book.basis:
        return set(book.items)
    state = holding.state
    changed = {name for name in state.keys() | last.present.keys() if state.get(name) != last.present.get(name)}
    if plan.options.aliases:
        changed |= {meant for meant, sent in stand_ins(state.keys() | last.present.keys()).items() if sent in changed}
    return changing.to_decide(
        book.items,
        {name: Earlier(row["status"], row["validated_at"]) for name, row in before.rows.items()},
        changed,
        plan.requirements,
        always={one.control_id for one in plan.validators},
        now=plan.at,
    )


def _decided(
    one: Decided, items: Mapping[str, Item], plan: Plan, system: System, now: datetime, duration_us: int
) -> Row:
    return Row(
        control_id=items[one.control_id].pk,
        status=one.status,
        message=one.message,
        evidence_keys=list(one.evidence_keys),
        remediation=one.remediation,
        waived=plan.waived(one.control_id, system),
        validated_at=now,
        duration_us=duration_us,
        metadata=one.metadata,
    )


def _carried(row: Mapping[str, Any], waived: bool) -> Row:
    return Row(**{**row, "metadata": {**row["metadata"], "carried": True}}, waived=waived, duration_us=0)


def _store(
    plan: Plan,
    system: System,
    book: Book,
    holding: Holding,
    rows: list[Row],
    before: _Before,
    unclosed: Mapping[int, Finding],
    found: Found,
) -> None:
    had = {book.items[name].pk: status for name, status in before.statuses.items()}
    now = {row.control_id: Now(row.status, row.waived) for row in rows}
    counts = tally((row.status, row.waived) for row in rows)
    worse, better = len(changing.regressed(had, now)), len(changing.fixed(had, now))
    found.saved += save(plan.run_id, system.pk, rows)
    Assessment.objects.create(
        run_id=plan.run_id,
        system=system,
        catalog=book.catalog,
        assessed_at=plan.at,
        **{name: getattr(counts, name) for name in COUNTS},
        regressions=worse,
        fixed=better,
        basis=book.basis,
        present=holding.state,
    )
    tracking.track(plan, system, book, rows, had, now, unclosed)
    found.tally += counts
    found.regressions += worse
    found.fixed += better
    _add_families(found.families, book, rows)


def _add_families(families: dict[str, Tally], book: Book, rows: Iterable[Row]) -> None:
    names = {item.pk: family_of(name) for name, item in book.items.items()}
    pairs: dict[str, list[tuple[str, bool]]] = {}
    for row in rows:
        pairs.setdefault(names[row.control_id], []).append((row.status, row.waived))
    for family, statuses in pairs.items():
        families[family] = families.get(family, Tally()) + tally(statuses)
