"""The tables of compliance: what is validated, against what, by which evidence, and what came of it."""

from jobtypes.compliance.models.assessments import Assessment
from jobtypes.compliance.models.catalogs import Catalog, Control, ControlRequirement
from jobtypes.compliance.models.evidence import Evidence, EvidenceAccess, EvidenceVersion
from jobtypes.compliance.models.findings import Finding, FindingEvent
from jobtypes.compliance.models.manifests import Manifest, ManifestEntry
from jobtypes.compliance.models.results import ValidationResult
from jobtypes.compliance.models.systems import System
from jobtypes.compliance.models.waivers import Waiver, WaiverSystem

__all__ = [
    "Assessment",
    "Catalog",
    "Control",
    "ControlRequirement",
    "Evidence",
    "EvidenceAccess",
    "EvidenceVersion",
    "Finding",
    "FindingEvent",
    "Manifest",
    "ManifestEntry",
    "System",
    "ValidationResult",
    "Waiver",
    "WaiverSystem",
]
