"""Read OSCAL JSON: a catalog, or the ids that a profile lists. Pure; `profiles` resolves profiles.

Texts are taken as they stand: parameters of a control stay `{{ insert: param, … }}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from integrations.naming import has_control_characters
from integrations.rest import strict_json
from integrations.rest.strict_json import NotJSON

MOST_BYTES = 64 * 1024 * 1024  # of one document
MOST_NESTED = 2_000_000  # objects and lists of one document
MOST_CONTROLS = 20_000
DEEPEST_GROUPS = 20
LONGEST_ID = 100
LONGEST_TITLE = 500
LONGEST_TEXT = 100_000
BASELINE = re.compile(r"\b(LOW|MODERATE|HIGH|PRIVACY)\b[- ]*(?:IMPACT[- ]*)?BASELINE", re.IGNORECASE)
FRAMEWORKS = (
    ("FedRAMP", re.compile("fedramp", re.IGNORECASE)),
    ("NIST SP 800-53", re.compile(r"800[-_ ]53", re.IGNORECASE)),
    ("NIST SP 800-171", re.compile(r"800[-_ ]171", re.IGNORECASE)),
)


class Unreadable(Exception):
    """The document cannot be taken; the message is a sentence that says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ReadControl:
    """One control: its id in upper case, `parent` the id of the one around it, "" where there is none."""

    control_id: str
    label: str = ""
    title: str = ""
    text: str = ""
    parent: str = ""
    depth: int = 0
    withdrawn: bool = False

    @property
    def family(self) -> str:
        """Return the id before its first hyphen; all of it where there is none."""
        return self.control_id.partition("-")[0]

    @property
    def is_enhancement(self) -> bool:
        """Tell whether it adds to another control."""
        return self.depth > 0 or "." in self.control_id


@dataclass(frozen=True, slots=True)
class Read:
    """What a document holds. `reading` is catalog, plain or resolved."""

    title: str
    version: str
    framework: str
    baseline: str
    reading: str
    controls: tuple[ReadControl, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many base controls, enhancements and withdrawn ones there are."""
        enhancements = sum(one.is_enhancement for one in self.controls)
        withdrawn = sum(one.withdrawn for one in self.controls)
        return {"base": len(self.controls) - enhancements, "enhancements": enhancements, "withdrawn": withdrawn}


def spelled(key: str) -> str:
    """Return the one spelling of a catalog's key: small letters, and `-` for `_`."""
    return key.strip().lower().replace("_", "-")


def document(raw: bytes) -> tuple[str, dict[str, Any]]:
    """Return the root's name, catalog or profile, and what it holds; raises Unreadable."""
    if len(raw) > MOST_BYTES:
        raise Unreadable(f"It is larger than {MOST_BYTES // 1024**2} MiB.")
    try:
        value = strict_json.loads(raw.removeprefix(b"\xef\xbb\xbf"), most_nested=MOST_NESTED)
    except NotJSON as refused:
        raise Unreadable(str(refused).replace("The body", "The file")) from None
    roots = [name for name in ("catalog", "profile") if isinstance(value, dict) and name in value]
    if len(roots) != 1 or not isinstance(value[roots[0]], dict):
        raise Unreadable("It is no OSCAL catalog or profile: its root is an object named catalog or profile.")
    return roots[0], value[roots[0]]


def read(raw: bytes) -> Read:
    """Return a catalog, or a profile in the plain reading: the ids as listed, each once; raises Unreadable."""
    root, value = document(raw)
    if root == "catalog":
        return described(value, "catalog", catalog_controls(value))
    return described(value, "plain", [ReadControl(one) for one in dict.fromkeys(_listed_ids(value))])


def described(value: dict[str, Any], reading: str, controls: list[ReadControl]) -> Read:
    """Return controls with what the document's metadata says of them; raises Unreadable where there are none."""
    metadata = _object(value.get("metadata", {}), "metadata")
    title = _text(metadata.get("title", ""), "metadata.title", LONGEST_TITLE)
    if not controls:
        raise Unreadable("It names no control at all.")
    if len(controls) > MOST_CONTROLS:
        raise Unreadable(f"It holds more than {MOST_CONTROLS:,} controls.")
    found = BASELINE.search(title)
    return Read(
        title=title,
        version=_text(metadata.get("version", ""), "metadata.version", 100),
        framework=next((name for name, pattern in FRAMEWORKS if pattern.search(title)), ""),
        baseline=found[1].upper() if found else "",
        reading=reading,
        controls=tuple(controls),
    )


def catalog_controls(value: dict[str, Any]) -> list[ReadControl]:
    """Return the controls of a catalog in their order, enhancements after what they add to; raises Unreadable."""
    found: dict[str, ReadControl] = {}
    for one in _of_groups(value, 0):
        if one.control_id in found:
            raise Unreadable(f"It has the control {one.control_id} twice.")
        found[one.control_id] = one
    return list(found.values())


def upper_id(value: Any, where: str) -> str:
    """Return a control's id in upper case; raises Unreadable where it is none."""
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_ID or not value.isascii():
        raise Unreadable(f"{where} is no id of a control: 1 to {LONGEST_ID} plain characters.")
    if has_control_characters(value) or any(one.isspace() for one in value):
        raise Unreadable(f"{where} holds blanks or control characters.")
    return value.upper()


def members(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects in the list `name` of an object, none where it is left out; raises Unreadable."""
    found = value.get(name, [])
    if not isinstance(found, list):
        raise Unreadable(f"{name} is no list.")
    return [_object(one, f"A member of {name}") for one in found]


def _of_groups(value: dict[str, Any], deep: int) -> Iterator[ReadControl]:
    if deep > DEEPEST_GROUPS:
        raise Unreadable(f"Its groups lie more than {DEEPEST_GROUPS} deep.")
    for group in members(value, "groups"):
        yield from _of_groups(group, deep + 1)
    yield from _of_controls(value, "", 0)


def _of_controls(value: dict[str, Any], parent: str, depth: int) -> Iterator[ReadControl]:
    if depth > DEEPEST_GROUPS:
        raise Unreadable(f"Its controls lie more than {DEEPEST_GROUPS} deep.")
    for control in members(value, "controls"):
        control_id = upper_id(control.get("id"), "The id of a control")
        properties = members(control, "props")
        yield ReadControl(
            control_id=control_id,
            label=_label(properties),
            title=_text(control.get("title", ""), f"The title of {control_id}", LONGEST_TITLE),
            text="\n".join(_statement(control))[:LONGEST_TEXT],
            parent=parent,
            depth=depth,
            withdrawn=_is_withdrawn(properties),
        )
        yield from _of_controls(control, control_id, depth + 1)


def _listed_ids(value: dict[str, Any]) -> Iterator[str]:
    for one in members(value, "imports"):
        for chosen in members(one, "include-controls"):
            ids = chosen.get("with-ids", [])
            if not isinstance(ids, list):
                raise Unreadable("with-ids is no list.")
            yield from (upper_id(each, "A member of with-ids") for each in ids)


def _label(properties: list[dict[str, Any]]) -> str:
    """Return the property `label` that has no class; other classes print the number in other ways."""
    found = [one.get("value") for one in properties if one.get("name") == "label" and "class" not in one]
    return found[0].strip()[:100] if found and isinstance(found[0], str) else ""


def _is_withdrawn(properties: list[dict[str, Any]]) -> bool:
    states = (one.get("value") for one in properties if one.get("name") == "status")
    return any(isinstance(state, str) and state.lower() == "withdrawn" for state in states)


def _statement(control: dict[str, Any]) -> Iterator[str]:
    """Yield what a control demands, line by line, each deeper one indented by two blanks."""
    for part in members(control, "parts"):
        if part.get("name") == "statement":
            yield from _lines(part, 0)


def _lines(part: dict[str, Any], deep: int) -> Iterator[str]:
    prose, label = part.get("prose", ""), _label(members(part, "props"))
    if isinstance(prose, str) and prose:
        yield f"{'  ' * deep}{label} {prose}".rstrip() if label else f"{'  ' * deep}{prose}"
    for inner in members(part, "parts"):
        yield from _lines(inner, deep + 1)


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"{where} is no object.")
    return value


def _text(value: Any, where: str, longest: int) -> str:
    if not isinstance(value, str):
        raise Unreadable(f"{where} is no text.")
    text = " ".join(value.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
