"""The demo's compliance: a small baseline of its own, three systems, and evidence that is not quite complete."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from jobtypes.compliance import catalogs
from jobtypes.models import Catalog, Evidence, System, Waiver

BASELINE = "tea-baseline"
FILE = f"{BASELINE}.json"  # under LOCAL_FILES_ROOT
SCHEDULE: dict[str, Any] = {
    "name": BASELINE,
    "description": "Every system shows evidence for every control of the baseline.",
    "job_type": "compliance",
    "schedule_type": "interval",
    "interval_seconds": 300,
    "tags": ["compliance"],
}
FIRST_AFTER = 25  # seconds until it fires first
CONTROLS = {
    "AC-1": "Rules of access are written down",
    "AC-2": "Accounts have an owner and an end",
    "AC-3": "Access is granted by role",
    "AC-6": "Nobody has more rights than the work needs",
    "AT-2": "Everybody knows how not to be fooled",
    "AU-2": "It is decided what is logged",
    "AU-3": "A log entry says who, what, when and where",
    "AU-6": "Somebody reads the logs",
    "CM-2": "There is a baseline of every configuration",
    "CM-3": "Changes are asked for and approved",
    "CP-9": "Backups are made and tried",
    "IA-2": "People sign in with two factors",
    "IR-4": "Incidents are handled by a plan",
    "RA-5": "Weak spots are looked for",
    "SC-7": "The network has edges",
    "SC-8": "What travels is encrypted",
    "SC-13": "Encryption follows a standard",
    "SI-2": "Flaws are mended in time",
    "SR-3": "Suppliers are looked at",
}
WHOLE = ("audit-log", "terraform-plan", "iam-policy", "change-request", "backup-config", "mfa-config", "runbook")
SYSTEMS = {  # name → what it is, and its evidence
    "tea-web": (
        "The shop's front and checkout.",
        (*WHOLE, "log-analysis", "github-run-logs", "vulnerability-scan", "certificate", "encryption-config", "sbom"),
    ),
    "tea-stock": (
        "Stock and depots.",
        (*WHOLE, "vulnerability-scan", "encryption-config", "training-records", "gitlab-job-log"),
    ),
    "tea-partners": ("What partners send and fetch.", ("terraform-plan", "change-request", "tls-config", "runbook")),
}
ENDING = ("tea-web", "audit-log", timedelta(minutes=7))  # evidence that expires while one watches: a regression


def load(now: datetime, *, by: str) -> None:
    """Add the baseline, the systems, their evidence and a waiver; what is there already stays as it is."""
    place = settings.DEFAULT_ENVIRONMENT
    if not Catalog.objects.filter(key=BASELINE).exists():
        file = Path(settings.LOCAL_FILES_ROOT) / FILE
        file.write_text(json.dumps(_document(now), indent=1), encoding="utf-8")
        catalogs.load(*catalogs.read(file), BASELINE, by=by)
    for name, (description, kinds) in SYSTEMS.items():
        if System.objects.filter(name=name).exists():
            continue
        system = System(name=name, description=description, environment=place)
        system.store(by=by)
        for kind in kinds:
            _evidence(system, kind, now, by)
    if not Waiver.objects.exists():
        waiver = Waiver(
            control_id="SR-3",
            reason="Both growers were visited; their papers follow in spring.",
            compensating_controls=["Samples of every delivery are tested."],
            approved_by="m.okafor",
            approved_on=now.date(),
            expires=(now + timedelta(days=25)).date(),
        )
        waiver.store(by=by, systems=list(System.objects.filter(name="tea-stock")))


def schedule() -> dict[str, Any]:
    """Return the schedule that validates them."""
    params = {"environment": settings.DEFAULT_ENVIRONMENT, "catalogs": [BASELINE]}
    return {**SCHEDULE, "environment": settings.DEFAULT_ENVIRONMENT, "params": params}


def _evidence(system: System, kind: str, now: datetime, by: str) -> None:
    name, ending, left = ENDING
    expires = now + (left if (system.name, kind) == (name, ending) else timedelta(days=90))
    Evidence(
        system=system,
        evidence_type=kind,
        key=kind,
        path=f"s3://evidence/{system.name}/{kind}.json",
        source="demo",
        collected_at=now - timedelta(hours=6),
        expires_at=expires,
    ).store(by=by)


def _document(now: datetime) -> dict[str, Any]:
    """Return the baseline as an OSCAL catalog."""
    families = sorted({name.partition("-")[0] for name in CONTROLS})
    groups = [
        {
            "id": family.lower(),
            "title": family,
            "controls": [
                {"id": name.lower(), "title": title, "props": [{"name": "label", "value": name}]}
                for name, title in CONTROLS.items()
                if name.startswith(f"{family}-")
            ],
        }
        for family in families
    ]
    metadata = {"title": "What a tea shop keeps", "version": "1", "last-modified": now.isoformat()}
    return {"catalog": {"metadata": {**metadata, "oscal-version": "1.1.2"}, "groups": groups}}
