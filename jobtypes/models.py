"""The tables of the kinds of work that remember."""

from jobtypes.compliance.models import (
    Assessment,
    Catalog,
    Control,
    ControlRequirement,
    Evidence,
    EvidenceAccess,
    EvidenceVersion,
    Finding,
    FindingEvent,
    Manifest,
    ManifestEntry,
    System,
    ValidationResult,
    Waiver,
    WaiverSystem,
)
from jobtypes.csv_import.models import ImportedFile, ImportFileResult, ImportProject, ImportUse, RejectedRow
from jobtypes.sql_alert.models import AlertIncident, AlertState

__all__ = [
    "AlertIncident",
    "AlertState",
    "Assessment",
    "Catalog",
    "Control",
    "ControlRequirement",
    "Evidence",
    "EvidenceAccess",
    "EvidenceVersion",
    "Finding",
    "FindingEvent",
    "ImportFileResult",
    "ImportProject",
    "ImportUse",
    "ImportedFile",
    "Manifest",
    "ManifestEntry",
    "RejectedRow",
    "System",
    "ValidationResult",
    "Waiver",
    "WaiverSystem",
]
