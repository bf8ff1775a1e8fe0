"""Show, control by control, that evidence exists for every system of an environment."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from jobtypes.base import Context, InvalidParams, JobType, JSONObject, Outcome
from jobtypes.compliance import reports
from jobtypes.compliance.config import ComplianceConfig
from jobtypes.compliance.models import Catalog, Control, System
from jobtypes.compliance.validating import validate
from jobtypes.reporting import Reported

LISTED = 10  # names in a sentence


class Compliance(JobType[ComplianceConfig]):
    name = "compliance"
    aliases = ("validation",)
    label = "Compliance"
    description = "Checks, control by control, that evidence exists for every system of an environment."
    icon = "compliance"
    Config = ComplianceConfig
    cron_expression = "0 2 * * *"
    timeout_seconds = 900
    reports = reports.KINDS
    max_retries = 1

    def check(self, config: ComplianceConfig) -> None:
        """Refuse names of systems, catalogs and controls that there are none of."""
        errors = {}
        if missing := System.objects.missing(config.systems):
            errors["systems"] = [f"There is no system named {_listed(missing)}."]
        if missing := Catalog.objects.missing(config.catalogs):
            errors["catalogs"] = [f"No catalog is loaded under the key {_listed(missing)}; see loadcatalog."]
        elif missing := Control.objects.missing(config.controls, config.catalogs):
            errors["controls"] = [f"None of the catalogs has a control {_listed(missing)}."]
        if errors:
            raise InvalidParams(errors)

    def places(self, config: ComplianceConfig) -> Sequence[str]:
        return (config.environment,)

    def report(self, about: Reported, kind: str, places: Collection[str] | None) -> tuple[JSONObject, str] | None:
        return reports.report(about, kind, places)

    def summarise(self, config: ComplianceConfig) -> str:
        which = _listed(config.systems) if config.systems else f"the systems of {config.environment}"
        return f"Validates {which} against {', '.join(config.catalogs)}"

    def run(self, config: ComplianceConfig, context: Context) -> Outcome:
        return validate(config, context)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
