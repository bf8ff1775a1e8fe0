"""What evidence a control asks for: stored requirements first, then a table by control, then one by family. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Requirement:
    """Evidence types: `all` of the first, and one of `any` unless that is empty; both in the order they are told."""

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    remediation: str = ""

    @property
    def types(self) -> frozenset[str]:
        """Return every type that may change the answer."""
        return frozenset(self.all + self.any)


def _needs(*, all: str = "", any: str = "") -> Requirement:
    return Requirement(tuple(all.split()), tuple(any.split()))


FAMILIES: Mapping[str, Requirement] = {
    "AC": _needs(all="audit-log", any="terraform-plan iam-config rbac-config iam-policy"),
    "AT": _needs(any="training-records training-plan security-awareness-evidence"),
    "AU": _needs(any="logging-config cloudtrail-config audit-log siem-config"),
    "CA": _needs(any="assessment-report security-assessment audit-report"),
    "CM": _needs(all="change-request", any="terraform-plan ansible-playbook cloudformation-template github-workflow"),
    "CP": _needs(any="backup-config disaster-recovery-plan contingency-plan"),
    "IA": _needs(any="mfa-config authentication-config iam-config"),
    "IR": _needs(any="incident-response-plan runbook alert-config"),
    "MA": _needs(any="maintenance-log patch-management-config maintenance-procedure"),
    "MP": _needs(any="media-protection-policy data-sanitization-procedure"),
    "PE": _needs(any="physical-security-policy datacenter-attestation facility-documentation"),
    "PL": _needs(any="security-plan system-security-plan risk-assessment"),
    "PM": _needs(any="program-management-plan governance-documentation policy-documentation"),
    "PS": _needs(any="personnel-screening background-check-policy termination-procedure"),
    "PT": _needs(any="privacy-policy pii-inventory data-flow-diagram"),
    "RA": _needs(any="risk-assessment vulnerability-scan penetration-test"),
    "SA": _needs(any="sdlc-documentation acquisition-policy supply-chain-risk-assessment"),
    "SC": _needs(any="terraform-plan encryption-config network-config conftest-result"),
    "SI": _needs(any="vulnerability-scan ids-config malware-protection-config"),
    "SR": _needs(any="supply-chain-risk-assessment vendor-assessment sbom"),
}

CONTROLS: Mapping[str, Requirement] = {
    "AC-2": _needs(all="audit-log", any="terraform-plan iam-config"),
    "AC-3": _needs(any="iam-policy rbac-config"),
    "AU-2": _needs(any="logging-config cloudtrail-config audit-log"),
    "AU-3": _needs(any="audit-log log-sample"),
    "AU-6": _needs(any="siem-config log-analysis"),
    "CM-2": _needs(all="change-request", any="terraform-plan ansible-playbook cloudformation-template"),
    "CM-3": _needs(all="change-request", any="github-workflow gitlab-pipeline argo-workflow"),
    "CM-6": _needs(any="terraform-plan ansible-playbook conftest-result"),
    "CM-7": _needs(any="conftest-result opa-result"),
    "SC-7": _needs(any="terraform-plan network-diagram security-group-config"),
    "SC-8": _needs(any="tls-config certificate"),
    "SC-12": _needs(any="kms-config key-rotation-policy"),
    "SC-13": _needs(any="encryption-config conftest-result"),
    "SC-28": _needs(any="terraform-plan encryption-config"),
}

# A control that cannot pass before another one does, and controls that are better done after another one.
PREREQUISITES: Mapping[str, tuple[str, ...]] = {"AC-3": ("AC-2",)}
ADVICE: Mapping[str, tuple[str, ...]] = {
    **{f"AC-{number}": ("AC-1",) for number in range(2, 7)},
    **{f"IA-{number}": ("IA-1",) for number in range(2, 6)},
}


@dataclass(frozen=True, slots=True)
class Requirements:
    """The tables with what this installation stored over them, by control and by family, both in upper case."""

    controls: Mapping[str, Requirement] = field(default_factory=dict)
    families: Mapping[str, Requirement] = field(default_factory=dict)

    def of(self, control_id: str) -> Requirement | None:
        """Return what a control asks for; None where neither it nor its family is known."""
        control_id = control_id.upper()
        family = family_of(control_id)
        for table, name in ((self.controls, control_id), (self.families, family), (CONTROLS, control_id)):
            if name in table:
                return table[name]
        return FAMILIES.get(family)


def family_of(control_id: str) -> str:
    """Return the family of a control's id, the text before its first dash: AC of AC-2.1."""
    return control_id.partition("-")[0].upper()
