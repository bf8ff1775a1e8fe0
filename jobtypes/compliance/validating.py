"""Validate the systems of an environment, one after the other; what was found survives whatever breaks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from integrations.boundary import contained
from jobtypes.base import Context, JobCancelled, JobFailed, JobTimedOut, Outcome
from jobtypes.compliance.assessing import Found, assess
from jobtypes.compliance.config import ComplianceConfig
from jobtypes.compliance.gathering import Plan, gather
from jobtypes.compliance.models import Assessment, Finding
from jobtypes.compliance.rates import Tally

MARGIN_SECONDS = 2.0  # the least time before the deadline in which another system is begun


@dataclass(slots=True)
class _Total:
    """What all systems so far come to."""

    began: float
    found: Found = field(default_factory=Found)
    done: int = 0
    errors: int = 0

    def add(self, one: Found) -> None:
        """Count one system."""
        self.done += 1
        self.found.tally += one.tally
        self.found.saved += one.saved
        self.found.carried += one.carried
        self.found.regressions += one.regressions
        self.found.fixed += one.fixed
        for family, counts in one.families.items():
            self.found.families[family] = self.found.families.get(family, Tally()) + counts


def validate(config: ComplianceConfig, context: Context) -> Outcome:
    """Decide every control of every system; raises JobFailed where there is nothing to look at, or a system broke."""
    total = _Total(time.monotonic())
    plan = gather(config, run_id=context.run_id, at=timezone.now())
    if nothing := _nothing(config, plan):
        raise JobFailed(nothing, retry=False, summary=nothing, **_said(config, plan, total, context))
    for name in plan.lost:
        total.errors += 1
        context.log(f"{name} is not in {config.environment} any more; it was not validated.", level="error")
    last = Assessment.objects.before(
        plan.run_id, [one.pk for one in plan.systems], [book.catalog.pk for book in plan.books]
    )
    unclosed = Finding.objects.unclosed().by_system(one.pk for one in plan.systems)
    for number, system in enumerate(plan.systems):
        _stop_in_time(config, plan, total, context)
        context.progress(number, len(plan.systems), system.name)
        broken: list[Exception] = []
        with contained(broken.append):  # whatever breaks one system says nothing of the others, which go on
            total.add(assess(plan, system, last, unclosed.get(system.pk, {})))
        for crash in broken:
            total.errors += 1
            context.log(f"{system.name} was not validated. {type(crash).__name__}: {crash}", level="error")
    context.progress(len(plan.systems), len(plan.systems))
    said = _said(config, plan, total, context)
    if total.errors:
        count = len(plan.systems) + len(plan.lost)
        raise JobFailed(
            f"{total.errors} of {count} systems could not be validated; the log says why. "
            f"The results of the other {total.done} are kept.",
            summary=_summary(plan, total),
            **said,
        )
    return Outcome(summary=_summary(plan, total), **said)


def _nothing(config: ComplianceConfig, plan: Plan) -> str:
    """Say what there is none of; empty where there is something to decide."""
    lacking = []
    if not plan.systems:
        chosen = " of the names that are chosen" if config.systems else ""
        lacking.append(f"no system in {config.environment}{chosen}")
    if not plan.controls:
        chosen = " that the options leave" if plan.books or config.controls else ""
        lacking.append(f"no control{chosen} in {', '.join(config.catalogs)}")
    if not lacking:
        return ""
    remedy = "Add systems to that environment." if not plan.systems else "Load the catalog with loadcatalog."
    return f"There is {' and '.join(lacking)}, so nothing was validated. {remedy}"


def _stop_in_time(config: ComplianceConfig, plan: Plan, total: _Total, context: Context) -> None:
    kept = f"{total.done} of {len(plan.systems)} systems were validated, and their results are kept."
    if context.cancelled():
        raise JobCancelled(kept, **_said(config, plan, total, context))
    if context.seconds_left() < MARGIN_SECONDS:
        raise JobTimedOut(
            f"There was no time left: {kept} Give the schedule a longer timeout.",
            **_said(config, plan, total, context),
        )


def _summary(plan: Plan, total: _Total) -> str:
    counts = total.found.tally
    ready = "" if counts.readiness == counts.pass_rate else f", {counts.readiness} % ready"
    moved = [
        text
        for number, text in (
            (total.found.regressions, f"{total.found.regressions} worse than before"),
            (total.found.fixed, f"{total.found.fixed} fixed"),
            (total.found.carried, f"{total.found.carried} carried on"),
        )
        if number
    ]
    rate = "" if counts.pass_rate is None else f" ({counts.pass_rate} %{ready})"
    more = f"; {', '.join(moved)}" if moved else ""
    systems = "1 system" if len(plan.systems) == 1 else f"{len(plan.systems)} systems"
    return f"{counts.banner}: {counts.passed:,} of {counts.total:,} pass{rate}, {systems}{more}."


def _said(config: ComplianceConfig, plan: Plan, total: _Total, context: Context) -> dict[str, Any]:
    """Return metrics, result and attributes as they stand."""
    counts, found = total.found.tally, total.found
    metrics: dict[str, Any] = {
        "systems": len(plan.systems),
        "controls": plan.controls,
        "results": counts.total,
        "results_saved": found.saved,
        "errors": total.errors,
        "pass": counts.passed,
        "fail": counts.failed,
        "insufficient_evidence": counts.insufficient,
        "unknown": counts.unknown,
        "waived": counts.waived,
        "regressions": found.regressions,
        "fixed": found.fixed,
        "duration_ms": round((time.monotonic() - total.began) * 1000),
    }
    return {
        "metrics": metrics,
        "result": {
            "banner": counts.banner,
            "pass_rate": counts.pass_rate,
            "readiness": counts.readiness,
            "environment": config.environment,
            "catalogs": [book.catalog.key for book in plan.books],
            "carried": found.carried,
            "families": {name: found.families[name].as_json() for name in sorted(found.families)},
        },
        "attributes": {
            "triggered_by": context.triggered_by,
            "catalogs": {book.catalog.key: book.catalog.sha256 for book in plan.books},
            "options": plan.options.as_json(),
        },
    }
