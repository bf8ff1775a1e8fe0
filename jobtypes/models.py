"""The tables of the kinds of work that remember."""

from jobtypes.csv_import.models import ImportedFile, ImportFileResult, ImportProject, ImportUse, RejectedRow
from jobtypes.sql_alert.models import AlertIncident, AlertState

__all__ = [
    "AlertIncident",
    "AlertState",
    "ImportFileResult",
    "ImportProject",
    "ImportUse",
    "ImportedFile",
    "RejectedRow",
]
