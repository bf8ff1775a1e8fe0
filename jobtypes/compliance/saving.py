"""Store the results of one system in one statement: as JSON, which both databases read as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

COLUMNS = {
    "control_id": "bigint",
    "status": "text",
    "message": "text",
    "evidence_keys": "jsonb",
    "remediation": "text",
    "waived": "boolean",
    "validated_at": "timestamptz",
    "duration_us": "bigint",
    "metadata": "jsonb",
}
INSERT = """
INSERT INTO jobtypes_validationresult (run_id, system_id, {columns}) SELECT %s, %s, {values} FROM {rows}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A result of one system, ready to be stored; `control_id` is the number of the control's row."""

    control_id: int
    status: str
    message: str
    evidence_keys: list[str]
    remediation: str
    waived: bool
    validated_at: datetime
    duration_us: int
    metadata: dict[str, Any]


def save(run_id: int, system_id: int, rows: Iterable[Row]) -> int:
    """Store the results that a run has of a system, and return how many; the database refuses a second one."""
    table = [{name: _plain(getattr(row, name)) for name in COLUMNS} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [run_id, system_id, json.dumps(table)])
        saved: int = cursor.rowcount
    return saved


def _statement() -> str:
    if connection.vendor == "postgresql":
        values = ", ".join(f"d.{name}" for name in COLUMNS)
        rows = f"jsonb_to_recordset(%s::jsonb) AS d({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})"
    else:
        values = ", ".join(f"json_extract(value, '$.{name}')" for name in COLUMNS)
        rows = "json_each(%s)"
    return INSERT.format(columns=", ".join(COLUMNS), values=values, rows=rows)


def _plain(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    if connection.vendor == "postgresql":
        return value.isoformat()
    return str(connection.ops.adapt_datetimefield_value(value))
