"""Read what a file says of waivers: `waivers`, a list of objects. Pure.

A field that is not known is refused: `system` for `systems` would make a waiver for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from integrations.naming import has_control_characters

MOST = 2_000
NAMES = {"approved_date": "approved_on", "approved_at": "approved_on"}  # how other programs call a field
KNOWN = (
    *("control_id", "reason", "expires", "systems", "compensating_controls"),
    *("approved_by", "approved_on", "approved_date", "approved_at", "notes"),
)
LONGEST = {"control_id": 100, "reason": 2000, "approved_by": 150, "notes": 5000}


class Unreadable(Exception):
    """The file holds no waivers that can be taken; `faults` are sentences that say where and why."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ReadWaiver:
    """One waiver; no systems means all of them."""

    control_id: str
    reason: str
    expires: date
    systems: tuple[str, ...] = ()
    compensating_controls: tuple[str, ...] = ()
    approved_by: str = ""
    approved_on: date | None = None
    notes: str = ""


def read(values: Any) -> list[ReadWaiver]:
    """Return the waivers that a file declares; raises Unreadable with all that is wrong."""
    entries = values.get("waivers") if isinstance(values, dict) else None
    if not isinstance(entries, list):
        raise Unreadable(["It holds no waivers: begin with a list named waivers."])
    if len(entries) > MOST:
        raise Unreadable([f"It holds more than {MOST:,} waivers."])
    if others := [name for name in values if name != "waivers"]:
        raise Unreadable([f"It has {', '.join(map(str, others[:10]))} beside waivers, which is nothing known."])
    found, faults = [], []
    for number, entry in enumerate(entries, 1):
        wrong = list(_faults(entry))
        faults += [f"Waiver {number}: {one}" for one in wrong]
        if not wrong:
            found.append(_waiver(entry))
    seen: set[tuple[str, frozenset[str]]] = set()
    for one in found:
        scope = (one.control_id, frozenset(one.systems))
        if scope in seen:
            faults.append(f"{one.control_id} is waived twice for the same systems; keep one.")
        seen.add(scope)
    if faults:
        raise Unreadable(faults[:50])
    return found


def day(value: Any) -> date | None:
    """Return a day; of a moment its day in UTC. None if it is neither."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if not 1900 <= found.year <= 2199:
        return None
    return (found if found.tzinfo is None else found.astimezone(UTC)).date()


def _faults(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "Write its fields."
        return
    for name in entry:
        if name not in KNOWN:
            yield f"There is no field {str(name)[:100]!r}. Known: {', '.join(KNOWN[:7])}, notes."
    for name in ("control_id", "reason"):
        if not _text(entry.get(name)):
            yield f"It needs {name}, a text."
    for name, longest in LONGEST.items():
        value = entry.get(name)
        if value is not None and not isinstance(value, str):
            yield f"{name} is no text."
        elif value is not None and len(value) > longest:
            yield f"{name} has more than {longest} characters."
        elif value is not None and name in {"control_id", "approved_by"} and has_control_characters(value):
            yield f"{name} holds control characters."
    if day(entry.get("expires")) is None:
        yield "It needs expires, a day such as 2027-06-30."
    for name in ("approved_on", *NAMES):
        if entry.get(name) is not None and day(entry[name]) is None:
            yield f"{name} is no day such as 2027-06-30."
    for name in ("systems", "compensating_controls"):
        value = entry.get(name)
        if value is not None and not (isinstance(value, list) and all(_text(one) for one in value)):
            yield f"{name} is a list of texts."


def _waiver(entry: dict[str, Any]) -> ReadWaiver:
    own = {NAMES.get(name, name): value for name, value in entry.items() if value is not None}
    return ReadWaiver(
        control_id=own["control_id"].strip().upper(),
        reason=own["reason"].strip(),
        expires=day(own["expires"]) or date.min,
        systems=tuple(dict.fromkeys(own.get("systems", ()))),
        compensating_controls=tuple(dict.fromkeys(one.strip() for one in own.get("compensating_controls", ()))),
        approved_by=own.get("approved_by", "").strip(),
        approved_on=day(own.get("approved_on")),
        notes=own.get("notes", ""),
    )


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
