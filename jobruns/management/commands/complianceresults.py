"""`manage.py complianceresults`: what validations found, the reports of a run, and how the waivers stand."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max
from django.utils import timezone

from jobruns.models import JobRun
from jobruns.reports import report
from jobtypes.compliance.rates import coverage
from jobtypes.compliance.reports import KINDS
from jobtypes.compliance.results_serializers import ResultSerializer
from jobtypes.models import Evidence, System, ValidationResult, Waiver
from schedules.tables import array, table

HEAD = ("System", "Control", "Catalog", "Status", "Waived", "Message")
REPORTS = {  # kind → where its rows are, and the columns that people read
    "engineer": ("lacking", ("system", "control", "status", "message", "remediation")),
    "auditor": ("controls", ("system", "control", "status", "evidence_keys", "message")),
    "readiness": ("systems", ("name", "results", "pass", "fail", "insufficient_evidence", "pass_rate", "readiness")),
}


class Command(BaseCommand):
    help = "Show what the last validation found, or that of a run; a report of it; or how the waivers stand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--system", default="", metavar="S", help="Of this system only: its own last run.")
        parser.add_argument("--run", type=int, metavar="ID", help="Of this run; the newest with results if unsaid.")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--report", choices=KINDS, help="What to mend, every control, or rates.")
        what.add_argument(
            "--coverage", type=Path, metavar="FILE", help="How far evidence covers the controls, by mappings in JSON."
        )
        what.add_argument("--waivers", action="store_true", help="Count and list the waivers.")
        parser.add_argument("--json", action="store_true", help="Print JSON, nothing else, on stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["waivers"]:
            self._waivers(as_json=options["json"])
            return
        rows = ValidationResult.objects.all()
        if options["system"]:
            rows = rows.filter(system=_system(options["system"]))
        run_id = options["run"] or rows.aggregate(newest=Max("run_id"))["newest"]
        if run_id is None:
            raise CommandError("Nothing has been validated yet. Run a schedule of type compliance.", returncode=1)
        if options["report"]:
            self._report(run_id, options["report"], options["system"], as_json=options["json"])
            return
        if options["coverage"]:
            self._coverage(rows.of_run(run_id), options["coverage"], as_json=options["json"])
            return
        found = list(rows.of_run(run_id).order_by("system__name", "control"))
        if not found:
            raise CommandError(f"Run {run_id} has no such results.", returncode=1)
        if options["json"]:
            self.stdout.write(array(ResultSerializer(found, many=True).data))
        else:
            self.stdout.write(table(HEAD, map(_row, found)))

    def _report(self, run_id: int, kind: str, system: str, *, as_json: bool) -> None:
        run = JobRun.objects.filter(pk=run_id).first()
        said = report(run, kind, None) if run else None
        if said is None:
            raise CommandError(f"There is no run {run_id} that has reports.", returncode=1)
        place, columns = REPORTS[kind]
        data = said[0]
        if system:
            named = "name" if kind == "readiness" else "system"
            data = {**data, place: [one for one in data[place] if one[named] == system]}
        if as_json:
            self.stdout.write(json.dumps(data, indent=2, ensure_ascii=False))
            return
        counts = data["summary"]
        rate = "" if counts["pass_rate"] is None else f" ({counts['pass_rate']} %, {counts['readiness']} % ready)"
        self.stdout.write(f"{counts['banner']}: {counts['pass']} of {counts['results']} pass{rate}. Run {run_id}.")
        self.stdout.write(table([one.capitalize().replace("_", " ") for one in columns], _rows(data[place], columns)))

    def _coverage(self, rows: Any, file: Path, *, as_json: bool) -> None:
        evidence: dict[str, list[dict[str, Any]]] = {}
        counting = Evidence.objects.counting(timezone.now()).filter(system__in=rows.values("system"))
        for kind, attributes in counting.values_list("evidence_type", "attributes"):
            evidence.setdefault(kind, []).append(attributes)
        controls = set(rows.values_list("control__control_id", flat=True))
        try:
            found = coverage(json.loads(file.read_text(encoding="utf-8")), controls, evidence)
        except (OSError, ValueError) as refused:
            raise CommandError(f"{file}: {refused}", returncode=1) from None
        if as_json:
            self.stdout.write(json.dumps(found, indent=2))
            return
        self.stdout.write(f"{found['covered']} of {found['total']} controls are covered ({found['percent']} %).")
        self.stdout.write(f"Uncovered: {', '.join(found['uncovered_ids']) or 'none'}")

    def _waivers(self, *, as_json: bool) -> None:
        today = timezone.now().date()
        counts = Waiver.objects.report(today)
        listed = [
            {
                "control_id": one.control_id,
                "systems": sorted(system.name for system in one.systems.all()),
                "expires": one.expires.isoformat(),
                "active": one.expires >= today,
                "approved_by": one.approved_by,
                "reason": one.reason,
            }
            for one in Waiver.objects.prefetch_related("systems")
        ]
        totals = {name: getattr(counts, name) for name in ("total", "active", "expired", "expiring")}
        if as_json:
            self.stdout.write(json.dumps({**totals, "waivers": listed}, indent=2, ensure_ascii=False))
            return
        self.stdout.write(", ".join(f"{number} {name}" for name, number in totals.items()))
        columns = ("control_id", "systems", "expires", "active", "approved_by", "reason")
        self.stdout.write(table([one.capitalize().replace("_", " ") for one in columns], _rows(listed, columns)))


def _system(name: str) -> System:
    try:
        return System.objects.named(name)
    except System.DoesNotExist as unknown:
        raise CommandError(str(unknown), returncode=2) from None


def _row(row: ValidationResult) -> tuple[str, ...]:
    waived = "waived" if row.waived else "–"
    control = row.control
    return (row.system.name, control.control_id, control.catalog.key, row.status, waived, row.message)


def _rows(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> list[list[str]]:
    return [[_text(row[name]) for name in columns] for row in rows]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None or value == "" else str(value)
