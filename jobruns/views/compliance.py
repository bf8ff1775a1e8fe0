"""Compliance: the board of all systems, and the controls of one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy

from jobruns.complianceboard import Change, board, controls
from jobtypes.compliance.rates import tally
from jobtypes.models import Catalog, Finding, System, ValidationResult, Waiver
from schedules.models import Schedule
from schedules.pages import page, viewer_zone

SHOWN, FINDINGS, EVENTS = 200, 20, 50
CHIPS = (
    ("", gettext_lazy("All")),
    ("fail", gettext_lazy("Fail")),
    ("insufficient_evidence", gettext_lazy("Evidence needed")),
    ("unknown", gettext_lazy("Unknown")),
    ("pass", gettext_lazy("Pass")),
    ("waived", gettext_lazy("Waived")),
    ("changed", gettext_lazy("Changed")),
)


@page("jobtypes.view_validationresult")
def compliance(request: HttpRequest) -> HttpResponse:
    """Show how all systems stand, by family of controls."""
    seen = System.objects.visible_to(request.user).order_by("name")
    findings = Finding.objects.visible_to(request.user).unclosed().select_related("system", "control")
    return render(
        request,
        "compliance/board.html",
        {
            "board": board(list(seen[:SHOWN])),
            "total": seen.count(),
            "shown": SHOWN,
            "findings": findings.order_by("-found_at")[:FINDINGS],
            "open": findings.count(),
            "waivers": Waiver.objects.visible_to(request.user).report(timezone.now().date()),
            "has_catalogs": Catalog.objects.exists(),
            "schedules": Schedule.objects.visible_to(request.user)
            .existing()
            .filter(job_type="compliance")
            .order_by("name")[:EVENTS],
            "zone": viewer_zone(request),
        },
    )


@page("jobtypes.view_validationresult")
def compliance_system(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the controls of one system as they stand, and what changed since the run before."""
    system = get_object_or_404(System.objects.visible_to(request.user), pk=pk)
    found = controls(system)
    chosen, family = request.GET.get("show", ""), request.GET.get("family", "").upper()
    families = sorted({one.row.control.family for one in found})
    here = [one for one in found if not family or one.row.control.family == family]
    return render(
        request,
        "compliance/system.html",
        {
            "system": system,
            "tally": tally((one.row.status, one.row.waived) for one in found),
            "changes": [one for one in here if _fits(one, chosen)],
            "chips": [(key, word, sum(_fits(one, key) for one in here), key == chosen) for key, word in CHIPS],
            "families": families,
            "family": family,
            "chosen": chosen,
            "runs": sorted({one.row.run_id for one in found}, reverse=True),
            "at": max((one.row.validated_at for one in found), default=None),
            "several": len({one.row.control.catalog_id for one in found}) > 1,
            "findings": Finding.objects.filter(system=system).unclosed().select_related("control"),
            "zone": viewer_zone(request),
        },
    )


def _fits(one: Change, chosen: str) -> bool:
    if chosen == "waived":
        return one.row.waived
    if chosen == "changed":
        return bool(one.was)
    return chosen not in ValidationResult.Status.values or one.row.status == chosen
