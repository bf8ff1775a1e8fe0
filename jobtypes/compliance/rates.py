"""What many results say together: rates, the word above them, and how far evidence covers a catalog. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tally:
    """How many results ended how, and how many have an active waiver, told apart by status."""

    passed: int = 0
    failed: int = 0
    insufficient: int = 0
    unknown: int = 0
    waived_passed: int = 0
    waived_insufficient: int = 0
    waived_other: int = 0

    @property
    def total(self) -> int:
        """Return the number of results."""
        return self.passed + self.failed + self.insufficient + self.unknown

    @property
    def waived(self) -> int:
        """Return the number of results with an active waiver."""
        return self.waived_passed + self.waived_insufficient + self.waived_other

    @property
    def ready(self) -> int:
        """Return how many pass or are waived; one that is both counts once."""
        return self.passed + self.waived_insufficient + self.waived_other

    @property
    def pass_rate(self) -> float | None:
        """Return the percentage that pass, one decimal; None of nothing."""
        return percent(self.passed, self.total)

    @property
    def readiness(self) -> float | None:
        """Return the percentage that pass or are waived, one decimal; None of nothing."""
        return percent(self.ready, self.total)

    @property
    def banner(self) -> str:
        """Return the word above the results."""
        if not self.total:
            return "NOT ASSESSED"
        if self.failed:
            return "ACTION REQUIRED"
        if self.insufficient > self.waived_insufficient:
            return "EVIDENCE NEEDED"
        return "REVIEW NEEDED" if self.unknown else "COMPLIANT"

    def __add__(self, other: "Tally") -> "Tally":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Tally(*(one + more for one, more in pairs))

    def as_json(self) -> dict[str, Any]:
        """Return the counts, the rates and the banner."""
        return {
            "results": self.total,
            "pass": self.passed,
            "fail": self.failed,
            "insufficient_evidence": self.insufficient,
            "unknown": self.unknown,
            "waived": self.waived,
            "pass_rate": self.pass_rate,
            "readiness": self.readiness,
            "banner": self.banner,
        }


def tally(results: Iterable[tuple[str, bool]]) -> Tally:
    """Count (status, waived) pairs."""
    counts: dict[tuple[str, bool], int] = {}
    for status, waived in results:
        counts[status, waived] = counts.get((status, waived), 0) + 1
    return counted(counts)


def counted(counts: Mapping[tuple[str, bool], int]) -> Tally:
    """Return the tally of (status, waived) → number."""

    def of(status: str) -> int:
        return counts.get((status, False), 0) + counts.get((status, True), 0)

    return Tally(
        passed=of("pass"),
        failed=of("fail"),
        insufficient=of("insufficient_evidence"),
        unknown=of("unknown"),
        waived_passed=counts.get(("pass", True), 0),
        waived_insufficient=counts.get(("insufficient_evidence", True), 0),
        waived_other=counts.get(("fail", True), 0) + counts.get(("unknown", True), 0),
    )


def percent(part: int, whole: int) -> float | None:
    """Return a percentage with one decimal, halves up; None of nothing. Less than all is never 100."""
    if whole <= 0:
        return None
    tenths = (2_000 * part + whole) // (2 * whole)
    return min(tenths, 999) / 10 if part < whole else tenths / 10


class BadMappings(ValueError):
    """A file of mappings cannot be read as such; the message says what it lacks."""


def coverage(
    mappings: Any, controls: Collection[str], evidence: Mapping[str, Iterable[Mapping[str, Any]]]
) -> dict[str, Any]:
    """Return {covered, total, percent, covered_ids, uncovered_ids} of `controls`.

    `mappings` is what a file holds: {"mappings": [{"evidence_kind", "control_ids": [], "required_metadata": {}}]}.
    `evidence` is type → the attributes of each piece of it. A control is covered when some piece of a mapped type has
    all the metadata that its mapping asks for. Raises BadMappings.
    """
    wanted = {one.upper() for one in controls}
    covered: set[str] = set()
    for number, entry in enumerate(_entries(mappings), 1):
        kind, ids, metadata = _entry(entry, number)
        if any(_has(attributes, metadata) for attributes in evidence.get(kind, ())):
            covered |= wanted.intersection(ids)
    return {
        "covered": len(covered),
        "total": len(wanted),
        "percent": percent(len(covered), len(wanted)),
        "covered_ids": sorted(covered),
        "uncovered_ids": sorted(wanted - covered),
    }


def _entries(content: Any) -> list[Any]:
    found = content.get("mappings") if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise BadMappings('It needs a list "mappings".')
    return found


def _entry(entry: Any, number: int) -> tuple[str, set[str], dict[str, Any]]:
    if not isinstance(entry, dict):
        raise BadMappings(f"Mapping {number} is no object.")
    kind, ids, metadata = entry.get("evidence_kind"), entry.get("control_ids"), entry.get("required_metadata") or {}
    if not isinstance(kind, str) or not kind:
        raise BadMappings(f"Mapping {number} needs evidence_kind, a text.")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise BadMappings(f"Mapping {number} needs control_ids, a list of texts.")
    if not isinstance(metadata, dict):
        raise BadMappings(f"Mapping {number}: required_metadata is no object.")
    return kind, {one.upper() for one in ids}, metadata


def _has(attributes: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in attributes and attributes[name] == value for name, value in wanted.items())
