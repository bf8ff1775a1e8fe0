"""Resolve an OSCAL profile: follow what it imports in local files, and choose among the controls found there. Pure.

An id that a profile lists and no import has, a lost href and a cycle are errors: a baseline with a hole in it must
not look whole. Everything that is chosen counts as listed, so it is at depth 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jobtypes.compliance import oscal
from jobtypes.compliance.oscal import Read, ReadControl, Unreadable

MOST_DOCUMENTS = 100  # read for one profile
LONGEST_CHAIN = 20  # profiles of profiles
LONGEST_PATTERN = 200
MOST_PATTERNS = 200  # of one import

Opener = Callable[[Path], bytes]


def resolve(path: Path, open_file: Opener) -> Read:
    """Return what a profile comes to, or the catalog that the file is; raises Unreadable.

    `open_file` returns the bytes of a local file, or raises Unreadable.
    """
    root, value = oscal.document(open_file(path))
    if root == "catalog":
        return oscal.described(value, "catalog", oscal.catalog_controls(value))
    found = _Resolving(open_file).controls(path, value, ())
    chosen = {one.control_id for one in found}
    flat = [replace(one, depth=0, parent=one.parent if one.parent in chosen else "") for one in found]
    return oscal.described(value, "resolved", flat)


@dataclass(slots=True)
class _Resolving:
    open_file: Opener
    documents: int = 0

    def controls(self, path: Path, profile: dict[str, Any], chain: tuple[Path, ...]) -> list[ReadControl]:
        """Return the controls that a profile chooses, in the order of its imports, each once."""
        here = path.resolve()
        if here in chain:
            raise Unreadable(f"{path.name} imports itself: {' → '.join(one.name for one in (*chain, here))}.")
        if len(chain) >= LONGEST_CHAIN:
            raise Unreadable(f"It is a profile of profiles more than {LONGEST_CHAIN} deep.")
        found: dict[str, ReadControl] = {}
        for one in oscal.members(profile, "imports"):
            there = _target(path, profile, one)
            for control in _chosen(one, self._imported(there, (*chain, here)), there.name):
                found.setdefault(control.control_id, control)
        return list(found.values())

    def _imported(self, path: Path, chain: tuple[Path, ...]) -> list[ReadControl]:
        self.documents += 1
        if self.documents > MOST_DOCUMENTS:
            raise Unreadable(f"It imports more than {MOST_DOCUMENTS} documents.")
        root, value = oscal.document(self.open_file(path))
        return oscal.catalog_controls(value) if root == "catalog" else self.controls(path, value, chain)


def _target(path: Path, profile: dict[str, Any], one: dict[str, Any]) -> Path:
    """Return the file that an import names: beside the profile, or by way of its back-matter."""
    href = one.get("href")
    if not isinstance(href, str) or not href:
        raise Unreadable(f"An import of {path.name} has no href.")
    if href.startswith("#"):
        return _local(path, _link(path, profile, href.removeprefix("#")))
    return _local(path, href)


def _link(path: Path, profile: dict[str, Any], uuid: str) -> str:
    matter = profile.get("back-matter", {})
    resources = oscal.members(matter, "resources") if isinstance(matter, dict) else []
    links = [link for one in resources if one.get("uuid") == uuid for link in oscal.members(one, "rlinks")]
    for link in links:
        href = link.get("href")
        if isinstance(href, str) and ("json" in str(link.get("media-type", "")) or href.endswith(".json")):
            return href
    raise Unreadable(f"{path.name} imports #{uuid[:100]}, which its back-matter does not lead to as a JSON file.")


def _local(path: Path, href: str) -> Path:
    try:
        parts = urlsplit(href)
    except ValueError:
        raise Unreadable(f"{path.name} imports {href[:200]!r}, which is no address.") from None
    if parts.scheme or parts.netloc:
        raise Unreadable(
            f"{path.name} imports {href[:200]}, which is no local file. Save it beside the profile and name it there."
        )
    return path.parent / unquote(parts.path)


def _chosen(one: dict[str, Any], there: list[ReadControl], name: str) -> list[ReadControl]:
    """Return the controls of an import that are included and not excluded; all where it includes nothing by name."""
    if "include-all" in one and "include-controls" in one:
        raise Unreadable(f"The import of {name} has include-all and include-controls; one of them.")
    every = {control.control_id for control in there}
    kept = _named(oscal.members(one, "include-controls"), there, name) if "include-controls" in one else every
    dropped = _named(oscal.members(one, "exclude-controls"), there, name)
    return [control for control in there if control.control_id in kept and control.control_id not in dropped]


def _named(choices: list[dict[str, Any]], there: list[ReadControl], name: str) -> set[str]:
    """Return the ids that these choices name; raises Unreadable for an id that is not there."""
    every = [control.control_id for control in there]
    found: set[str] = set()
    for choice in choices:
        ids = _ids(choice)
        if lost := [each for each in ids if each not in every]:
            raise Unreadable(f"{name} has no control {', '.join(lost[:10])}, and the profile names it.")
        chosen = {*ids, *_matching(choice, every)}
        found |= chosen | (_below(chosen, there) if choice.get("with-child-controls") == "yes" else set())
    return found


def _ids(choice: dict[str, Any]) -> list[str]:
    ids = choice.get("with-ids", [])
    if not isinstance(ids, list):
        raise Unreadable("with-ids is no list.")
    return [oscal.upper_id(each, "A member of with-ids") for each in ids]


def _matching(choice: dict[str, Any], every: Iterable[str]) -> set[str]:
    patterns = [one.get("pattern") for one in oscal.members(choice, "matching")]
    if len(patterns) > MOST_PATTERNS:
        raise Unreadable(f"At most {MOST_PATTERNS} patterns are matched at once.")
    found: set[str] = set()
    for pattern in patterns:
        if not isinstance(pattern, str) or not 1 <= len(pattern) <= LONGEST_PATTERN:
            raise Unreadable(f"A pattern is a text of 1 to {LONGEST_PATTERN} characters, such as ac-*.")
        found |= {each for each in every if fnmatchcase(each, pattern.upper())}
    return found


def _below(chosen: set[str], there: list[ReadControl]) -> set[str]:
    """Return the ids of all controls inside the chosen ones; a parent stands before what is in it."""
    found: set[str] = set()
    for control in there:
        if control.parent in chosen or control.parent in found:
            found.add(control.control_id)
    return found
