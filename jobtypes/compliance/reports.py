"""The reports of a run: for who has to repair, for the auditor, and for who asks how ready the systems are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from jobtypes.base import JSONObject
from jobtypes.compliance.models import Evidence, System, ValidationResult, Waiver
from jobtypes.compliance.rates import Tally, tally
from jobtypes.compliance.requirements import family_of
from jobtypes.reporting import Reported

KINDS = ("engineer", "auditor", "readiness")


def report(about: Reported, kind: str, places: Collection[str] | None) -> tuple[JSONObject, str] | None:
    """Return a report and the template that shows it; None where the run looked at another environment than these."""
    environment = str(about.params.get("environment", about.environment))
    if places is not None and environment not in places:
        return None
    rows = list(ValidationResult.objects.of_run(about.run_id).within(places).order_by("system__name", "control"))
    systems = {row.system_id: row.system for row in rows}
    said = {
        "kind": kind,
        "generated_at": _told(timezone.now()),
        "run": {
            "id": about.run_id,
            "schedule": about.schedule_name,
            "environment": environment,
            "status": about.status,
            "error": about.error,
            "started_at": _told(about.started_at),
            "finished_at": _told(about.finished_at),
            "attributes": about.attributes,
        },
        "summary": _counts(rows).as_json(),
        **CONTENTS[kind](rows, systems),
    }
    return said, f"compliance/report-{kind}.html"


def _engineer(rows: list[ValidationResult], systems: Mapping[int, System]) -> JSONObject:
    """Return what did not pass: what it lacks, what would do, and how to bring it."""
    return {"lacking": [_lacking(row) for row in rows if row.status != ValidationResult.Status.PASS]}


def _auditor(rows: list[ValidationResult], systems: Mapping[int, System]) -> JSONObject:
    """Return every control with what it rests on, and the inventory of evidence with its hashes."""
    waivers = _waivers()
    evidence = Evidence.objects.kept().filter(system__in=systems).select_related("system")
    return {
        "controls": [
            {
                **_named(row),
                "validated_at": _told(row.validated_at),
                "message": row.message,
                "required_all": row.metadata.get("required_all", []),
                "required_any": row.metadata.get("required_any", []),
                "matched_all": row.metadata.get("matched_all", []),
                "matched_any": row.metadata.get("matched_any", []),
                "locations": row.metadata.get("locations", {}),
                "evidence_keys": row.evidence_keys,
                "waivers": [
                    said
                    for scope, said in waivers.get(row.control.control_id, [])
                    if not scope or row.system_id in scope
                ],
            }
            for row in rows
        ],
        "inventory": [
            {
                "system": one.system.name,
                "type": one.evidence_type,
                "key": one.key,
                "path": one.path,
                "sha256": one.sha256,
                "size": one.size,
                "version": one.version,
                "collected_at": _told(one.collected_at),
                "expires_at": _told(one.expires_at),
            }
            for one in evidence.order_by("system__name", "evidence_type", "key")
        ],
    }


def _readiness(rows: list[ValidationResult], systems: Mapping[int, System]) -> JSONObject:
    """Return rates of each system and family, and how the waivers stand."""
    waivers = Waiver.objects.within({system.environment for system in systems.values()})
    counts = waivers.report(timezone.now().date())
    return {
        "systems": [
            {"name": system.name, **_counts(row for row in rows if row.system_id == pk).as_json()}
            for pk, system in systems.items()
        ],
        "families": [
            {"name": name, **_counts(row for row in rows if family_of(row.control.control_id) == name).as_json()}
            for name in sorted({family_of(row.control.control_id) for row in rows})
        ],
        "waivers": {name: getattr(counts, name) for name in ("total", "active", "expired", "expiring")},
    }


def _named(row: ValidationResult) -> JSONObject:
    return {
        "system": row.system.name,
        "catalog": row.control.catalog.key,
        "control": row.control.control_id,
        "title": row.control.title,
        "status": row.status,
        "waived": row.waived,
    }


def _lacking(row: ValidationResult) -> JSONObject:
    asked = row.metadata
    matched = asked.get("matched_all", [])
    missing = [name for name in asked.get("required_all", []) if name not in matched]
    options = [] if asked.get("matched_any") else asked.get("required_any", [])
    return {
        **_named(row),
        "message": row.message,
        "missing": missing,
        "options": options,
        "remediation": row.remediation,
        "collect": f"manage.py loadevidence FILE --system {row.system.name!r}" if missing or options else "",
    }


def _waivers() -> dict[str, list[tuple[frozenset[int], JSONObject]]]:
    """Return control id → its waivers, each with the numbers of the systems it is for; none means all."""
    today = timezone.now().date()
    found: dict[str, list[tuple[frozenset[int], JSONObject]]] = {}
    for one in Waiver.objects.prefetch_related("systems"):
        said = {
            "reason": one.reason,
            "compensating_controls": one.compensating_controls,
            "approved_by": one.approved_by,
            "expires": one.expires.isoformat(),
            "active": one.expires >= today,
        }
        found.setdefault(one.control_id, []).append((frozenset(system.pk for system in one.systems.all()), said))
    return found


def _counts(rows: Iterable[ValidationResult]) -> Tally:
    return tally((row.status, row.waived) for row in rows)


def _told(at: datetime | date | None) -> str | None:
    return None if at is None else at.isoformat()


CONTENTS: Mapping[str, Any] = {"engineer": _engineer, "auditor": _auditor, "readiness": _readiness}
