"""The contract of an alert's answer: one row that says ALERT or OK. Pure.

status        required: ALERT or OK, in any case
actual_value  the number (or text) that was looked at
threshold     what it was compared with
anything else becomes context
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

Policy = Literal["error", "ok", "alert"]
Value = int | float | str | bool | None

MAX_COLUMNS = 100
MAX_ROW_BYTES = 1_048_576
MAX_CONTEXT_COLUMNS = 50
MAX_CONTEXT_BYTES = 8_192
MAX_TEXT = 1_000
CUT = "… (cut)"
OWN = ("status", "actual_value", "threshold")


class BrokenContract(Exception):
    """The answer says neither ALERT nor OK as agreed; the message shows what it said and what to write."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says. `status` is ALERT or OK; values are JSON's own types."""

    status: str
    actual_value: Value = None
    threshold: Value = None
    context: dict[str, Value] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Return it for people: "ALERT: 37, above the threshold 20"."""
        actual, threshold = _told(self.actual_value), _told(self.threshold)
        if self.actual_value is None:
            return f"{self.status}."
        if self.threshold is None:
            return f"{self.status}: {actual}."
        where = "with"
        if is_number(self.actual_value) and is_number(self.threshold):
            where = _compare(self.actual_value, self.threshold)
        return f"{self.status}: {actual}, {where} the threshold {threshold}."


def judge(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, no_rows: Policy, null_value: Policy) -> Verdict:
    """Return what an answer of at most two fetched rows says; raises BrokenContract."""
    names = _names(columns)
    if not rows:
        if no_rows == "error":
            raise BrokenContract(
                "The query returned no row. If no row means that all is well, set no_rows to ok; "
                "if it means trouble, set it to alert."
            )
        return Verdict(no_rows.upper())
    if len(rows) > 1:
        raise BrokenContract("The query returned more than one row. Aggregate, or add LIMIT 1.")
    row = dict(zip(names, rows[0], strict=True))
    if (size := sum(_size(value) for value in row.values())) > MAX_ROW_BYTES:
        raise BrokenContract(f"The row has {size:,} bytes; at most {MAX_ROW_BYTES:,} are taken. Select less.")
    status = _status(row["status"], columns)
    actual = row.get("actual_value")
    if status == "OK" and "actual_value" in row and _is_nothing(actual):
        if null_value == "error":
            raise BrokenContract(
                f"The status is OK, but actual_value is {_shown(actual)}, as of an aggregate over no rows. "
                "Use COALESCE, or set null_value to ok or alert."
            )
        status = null_value.upper()
    context = {name: value for name, value in row.items() if name not in OWN}
    return Verdict(status, plain(actual), plain(row.get("threshold")), _context(context))


def plain(value: Any) -> Value:
    """Return a database's value as JSON: numbers keep their digits, times are ISO 8601, bytes hex, the rest text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(bytes(value[:MAX_TEXT]).hex())
    if isinstance(value, dict | list):
        return _text(json.dumps(value, default=str, ensure_ascii=False))
    return _text(str(value))


def is_number(value: Value) -> bool:
    """Tell whether a plain value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(columns: Sequence[str]) -> list[str]:
    if len(columns) > MAX_COLUMNS:
        raise BrokenContract(f"The query returned {len(columns)} columns; at most {MAX_COLUMNS} are taken.")
    names = [column.strip().lower() for column in columns]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise BrokenContract(f"Two columns are named {', '.join(doubled)}. Give each a name of its own with AS.")
    if "status" not in names:
        raise BrokenContract(
            f"There is no column named status; the columns are {_listed(columns)}. "
            "Add one: SELECT CASE WHEN … THEN 'ALERT' ELSE 'OK' END AS status, …"
        )
    return names


def _status(value: Any, columns: Sequence[str]) -> str:
    word = value.strip().upper() if isinstance(value, str) else ""
    if word in {"ALERT", "OK"}:
        return word
    raise BrokenContract(
        f"The status is {_shown(value)}; it must be ALERT or OK. The columns are {_listed(columns)}."
    )


def _context(values: dict[str, Any]) -> dict[str, Value]:
    """Return at most 50 values and 8 KiB of them; what was left out is said under the name "…"."""
    kept: dict[str, Value] = {}
    room = MAX_CONTEXT_BYTES - 64
    for name, value in values.items():
        short = plain(value)
        size = len(json.dumps({name: short}, ensure_ascii=False).encode())
        if len(kept) >= MAX_CONTEXT_COLUMNS or size > room:
            break
        kept[name] = short
        room -= size
    if left := len(values) - len(kept):
        kept["…"] = f"{left} more columns were left out"
    return kept


def _decimal(value: Decimal) -> Value:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and value.adjusted() < 15 and value.as_tuple().exponent >= 0:  # type: ignore[operator]
        return int(value)
    try:
        near = float(value)
    except OverflowError:
        return _text(str(value))
    return near if Decimal(repr(near)) == value else _text(str(value))


def _is_nothing(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return value is None or (isinstance(value, Decimal) and not value.is_finite())


def _compare(actual: Any, threshold: Any) -> str:
    if actual == threshold:
        return "at"
    return "above" if actual > threshold else "below"


def _told(value: Value) -> str:
    """Return a value for a sentence: a fraction with ten digits at most."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)[:200]


def _text(text: str) -> str:
    text = text.replace("\0", "\ufffd")
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - len(CUT)] + CUT


def _size(value: Any) -> int:
    if isinstance(value, bytes | bytearray | memoryview):
        return len(value)
    if isinstance(value, str):
        return len(value.encode(errors="replace"))
    if isinstance(value, dict | list):
        return len(json.dumps(value, default=str))
    return 16


def _shown(value: Any) -> str:
    return "NULL" if value is None else repr(plain(value))[:100]


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns)[:300]
