"""What a sync does, or would do: for people as lines, for programs as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SINGULAR = {
    "connections": "connection",
    "channels": "channel",
    "calendars": "calendar",
    "tag_limits": "tag limit",
    "templates": "template",
    "catalogs": "catalog",
    "systems": "system",
    "environments": "environment",
    "import_projects": "import project",
    "schedules": "schedule",
}
ACTIONS = ("create", "update", "delete", "unchanged")
DONE = {"create": "created", "update": "updated", "delete": "deleted", "unchanged": "unchanged"}
LONGEST = 60  # characters of a value on a line


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one object. `changes` maps fields to (before, after), secrets masked.

    `fires` says in words which fire times change; `notes` is what a person should know besides.
    """

    action: str
    section: str
    name: str
    environment: str = ""
    file: str = ""
    line: int = 0
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    fires: str = ""
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        where = f" in {self.environment}" if self.environment else ""
        place = f"  ({self.file}:{self.line})" if self.file else ""
        text = [f"{self.action:<9} {SINGULAR[self.section]} {self.name}{where}{place}"]
        text += [f"{name}: {_short(before)} → {_short(after)}" for name, (before, after) in self.changes.items()]
        text += [self.fires] if self.fires else []
        text += [f"Note: {note}" for note in self.notes]
        return [text[0], *(f"          {line}" for line in text[1:])]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON; moments are texts."""
        changes = {name: {"before": before, "after": after} for name, (before, after) in self.changes.items()}
        return {
            **{"action": self.action, "kind": SINGULAR[self.section], "name": self.name},
            **{"environment": self.environment, "file": self.file, "line": self.line},
            **{"changes": changes, "fires": self.fires, "notes": list(self.notes)},
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in the order in which they are taken, and what concerns the whole. `is_done`: they were taken."""

    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()
    is_done: bool = True

    @property
    def counts(self) -> dict[str, int]:
        """Return how many steps there are of each kind."""
        return {action: sum(step.action == action for step in self.steps) for action in ACTIONS}

    @property
    def changes_something(self) -> bool:
        """Tell whether any step writes."""
        return any(step.action != "unchanged" for step in self.steps)

    @property
    def summary(self) -> str:
        """Return the numbers in a sentence."""
        if self.is_done:
            return ", ".join(f"{number} {DONE[action]}" for action, number in self.counts.items()) + "."
        told = ", ".join(f"{number} to {action}" for action, number in self.counts.items() if action != "unchanged")
        return f"{told}, {self.counts['unchanged']} unchanged. Nothing was written."

    def text(self) -> str:
        """Return the whole plan for a terminal; what stays as it is is only counted, unless there is a note."""
        shown = [step for step in self.steps if step.action != "unchanged" or step.notes]
        lines = [line for step in shown for line in step.lines()]
        return "\n".join([*lines, *(f"Warning: {warning}" for warning in self.warnings), self.summary])

    def as_json(self) -> dict[str, Any]:
        """Return the whole plan as plain JSON."""
        return {
            "is_done": self.is_done,
            "counts": self.counts,
            "steps": [step.as_json() for step in self.steps],
            "warnings": list(self.warnings),
        }


def _short(value: Any) -> str:
    text = "nothing" if value in (None, "", [], {}) else str(value).replace("\n", " ")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
