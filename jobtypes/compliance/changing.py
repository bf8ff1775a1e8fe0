"""What changed since a system's last run: regressions, findings to open and close, what to decide anew. Pure.

A control is named by any hashable key that is unique within a system.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from jobtypes.compliance.requirements import PREREQUISITES, Requirements

Key = TypeVar("Key", bound=Hashable)
Mode = Literal["regressions", "all", "off"]
CARRIED_AT_MOST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Now:
    """How one control stands now."""

    status: str
    waived: bool = False


def regressed(before: Mapping[Key, str], now: Mapping[Key, Now]) -> list[Key]:
    """Return the controls that passed in the system's last run and do not now."""
    return [key for key, one in now.items() if one.status != "pass" and before.get(key) == "pass"]


def fixed(before: Mapping[Key, str], now: Mapping[Key, Now]) -> list[Key]:
    """Return the controls that did not pass in the system's last run and do now."""
    return [key for key, one in now.items() if one.status == "pass" and before.get(key, "pass") != "pass"]


def to_open(
    before: Mapping[Key, str], now: Mapping[Key, Now], open_now: Collection[Key], mode: Mode
) -> dict[Key, str]:
    """Return control → severity of each finding to open: none where one is open, nor where the control is waived.

    A failed check is high and a regression medium; with "all", whatever else does not pass is low.
    """
    if mode == "off":
        return {}
    worse = set(regressed(before, now))
    found = {}
    for key, one in now.items():
        if one.status == "pass" or one.waived or key in open_now:
            continue
        if one.status == "fail":
            found[key] = "high"
        elif key in worse:
            found[key] = "medium"
        elif mode == "all":
            found[key] = "low"
    return found


def to_close(now: Mapping[Key, Now], open_now: Collection[Key]) -> list[Key]:
    """Return the controls whose open finding ends, since they pass."""
    return [key for key in open_now if key in now and now[key].status == "pass"]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A result of the system's last run that may be carried on; `decided_at` is when it was really decided."""

    status: str
    decided_at: datetime


def to_decide(
    controls: Iterable[str],
    earlier: Mapping[str, Earlier],
    changed: Collection[str],
    requirements: Requirements,
    *,
    always: Collection[str] = (),
    now: datetime,
) -> set[str]:
    """Return the controls to decide anew, in upper case; the others' earlier results still hold.

    Those that have no earlier result, or one of more than 7 days, those whose requirement names a type of `changed`,
    those of `always`, and all that wait for one of these.
    """
    ids = {control_id.upper() for control_id in controls}
    moved = frozenset(changed)
    anew = ids.intersection(one.upper() for one in always)
    for control_id in ids - anew:
        had, asked = earlier.get(control_id), requirements.of(control_id)
        if had is None or now - had.decided_at > CARRIED_AT_MOST or (asked and asked.types & moved):
            anew.add(control_id)
    return anew | _dependants(ids, anew)


def _dependants(ids: set[str], anew: set[str]) -> set[str]:
    found: set[str] = set()
    while more := {one for one in ids - found - anew if (anew | found).intersection(PREREQUISITES.get(one, ()))}:
        found |= more
    return found
