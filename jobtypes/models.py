"""The tables of the kinds of work that remember."""

from jobtypes.sql_alert.models import AlertIncident, AlertState

__all__ = ["AlertIncident", "AlertState"]
