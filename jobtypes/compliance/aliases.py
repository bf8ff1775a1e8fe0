"""The names under which collectors send evidence that requirements call otherwise. Pure."""

from collections.abc import Collection, Mapping

ALIASES: Mapping[str, str] = {
    "azure-activity-log": "audit-log",
    "azure-role-assignments": "iam-policy",
    "azure-conditional-access": "mfa-config",
    "github-run-logs": "github-workflow",
    "gitlab-job-log": "gitlab-pipeline",
    "argo-workflow-log": "argo-workflow",
}


def stand_ins(present: Collection[str]) -> dict[str, str]:
    """Return type → the alias that counts as it; a type that is there itself needs none."""
    return {meant: sent for sent, meant in ALIASES.items() if sent in present and meant not in present}
