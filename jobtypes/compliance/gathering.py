"""Read what a validation needs, once for all systems."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobtypes.compliance import validators
from jobtypes.compliance.config import ComplianceConfig, Options
from jobtypes.compliance.decision import Validator
from jobtypes.compliance.models import Catalog, Control, ControlRequirement, Evidence, System, Waiver
from jobtypes.compliance.requirements import Requirement, Requirements


@dataclass(frozen=True, slots=True)
class Item:
    """A control to decide, and the number of its row."""

    pk: int
    control_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Book:
    """A catalog with the controls that are decided; `basis` is equal where the same would be decided the same way."""

    catalog: Catalog
    items: Mapping[str, Item]
    basis: str


@dataclass(slots=True)
class Holding:
    """The evidence of one system that counts: type → what is known of each piece, the newest first."""

    pieces: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)

    @property
    def locations(self) -> dict[str, str]:
        """Return type → where its newest piece lies, or by which key it is known."""
        return {name: found[0]["path"] or found[0]["key"] for name, found in self.pieces.items()}

    @property
    def state(self) -> dict[str, str]:
        """Return type → what differs when any piece of it came, changed or went."""
        return {
            name: _digest(sorted((one["key"], one["version"]) for one in found))
            for name, found in self.pieces.items()
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a validation reads before it decides anything."""

    run_id: int
    at: datetime
    options: Options
    systems: Sequence[System]
    lost: Sequence[str]
    books: Sequence[Book]
    holdings: Mapping[int, Holding]
    requirements: Requirements
    validators: Sequence[Validator]
    waivers: Mapping[str, Sequence[frozenset[int]]]

    @property
    def controls(self) -> int:
        """Return how many controls each system is asked about."""
        return sum(len(book.items) for book in self.books)

    def waived(self, control_id: str, system: System) -> bool:
        """Tell whether an active waiver covers a control of a system."""
        return any(not scope or system.pk in scope for scope in self.waivers.get(control_id, ()))


def gather(config: ComplianceConfig, *, run_id: int, at: datetime) -> Plan:
    """Read systems, controls, evidence as it counts at `at`, requirements and waivers; some ten statements."""
    options = config.options
    systems = list(System.objects.in_environment(config.environment).called(config.systems))
    there = {system.name for system in systems}
    requirements = _requirements()
    waivers = Waiver.objects.active_on(at.date()).scopes() if options.waivers == "mark" else {}
    return Plan(
        run_id=run_id,
        at=at,
        options=options,
        systems=systems,
        lost=[name for name in config.systems if name not in there],
        books=_books(config, options, requirements),
        holdings=_holdings(options, systems, at),
        requirements=requirements,
        validators=validators.registered(),
        waivers=waivers,
    )


def _requirements() -> Requirements:
    controls, families = {}, {}
    for one in ControlRequirement.objects.all():
        asked = Requirement(tuple(one.required_all), tuple(one.required_any), one.remediation)
        if one.control_id:
            controls[one.control_id] = asked
        else:
            families[one.family] = asked
    return Requirements(controls, families)


def _books(config: ComplianceConfig, options: Options, requirements: Requirements) -> list[Book]:
    catalogs = {one.pk: one for one in Catalog.objects.filter(key__in=config.catalogs).order_by("key")}
    found = Control.objects.of_catalogs(config.catalogs).called(config.controls).enhanced(options.enhancements)
    if options.withdrawn == "exclude":
        found = found.in_force()
    items: dict[int, dict[str, Item]] = {pk: {} for pk in catalogs}
    for catalog_id, pk, control_id, title in found.values_list("catalog_id", "pk", "control_id", "title"):
        items[catalog_id][control_id] = Item(pk, control_id, title)
    asked = {
        name: (one.all, one.any) for name, one in (*requirements.controls.items(), *requirements.families.items())
    }
    ground = {**options.as_json(), "incremental": False}
    return [
        Book(catalog, items[pk], _digest([ground, sorted(asked.items()), sorted(items[pk])]))
        for pk, catalog in catalogs.items()
        if items[pk]
    ]


def _holdings(options: Options, systems: Sequence[System], at: datetime) -> dict[int, Holding]:
    counting = Evidence.objects.counting(
        at, expired_counts=options.expired_evidence == "count", max_age_days=options.max_age_days
    )
    columns = ("system_id", "pk", "evidence_type", "key", "path", "sha256", "version", "collected_at", "attributes")
    rows = counting.filter(system__in=[one.pk for one in systems]).order_by("-collected_at", "-pk").values(*columns)
    found = {system.pk: Holding() for system in systems}
    for row in rows:
        holding = found[row.pop("system_id")]
        holding.ids.append(row.pop("pk"))
        holding.pieces.setdefault(row.pop("evidence_type"), []).append(row)
    return found


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=list).encode()).hexdigest()
