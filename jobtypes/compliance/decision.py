"""Whether each control of one system is shown by its evidence: a function of ids and present types. Pure.

The order is part of the answer: controls that others wait for come first, the rest by name.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from integrations.boundary import contained
from jobtypes.compliance.requirements import ADVICE, PREREQUISITES, Requirement, Requirements

Status = Literal["pass", "fail", "insufficient_evidence", "unknown"]


@dataclass(frozen=True, slots=True)
class Decided:
    """The answer for one control. `evidence_keys` are the types that made it pass; `metadata` shows the reasoning."""

    control_id: str
    status: Status
    message: str
    evidence_keys: tuple[str, ...] = ()
    remediation: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a custom validator says of a control."""

    status: Status
    message: str
    evidence_keys: tuple[str, ...] = ()
    remediation: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What a custom validator is asked: the control, the present types, and where each of them lies.

    `pieces` is type → what is known of each piece of it, the newest first: key, path, sha256, version, collected_at
    and attributes.
    """

    control_id: str
    present: frozenset[str]
    locations: Mapping[str, str]
    pieces: Mapping[str, Sequence[Mapping[str, Any]]]


Check = Callable[[Question], Answer | None]


@dataclass(frozen=True, slots=True)
class Validator:
    """A check of one installation's own for one control; lower priorities are asked first."""

    control_id: str
    check: Check
    priority: int = 100
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Present:
    types: frozenset[str]
    locations: Mapping[str, str]
    pieces: Mapping[str, Sequence[Mapping[str, Any]]]
    stand_ins: Mapping[str, str]


def decide(
    controls: Iterable[str],
    present: Collection[str],
    *,
    requirements: Requirements | None = None,
    validators: Sequence[Validator] = (),
    locations: Mapping[str, str] | None = None,
    pieces: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    stand_ins: Mapping[str, str] | None = None,
    standing: Mapping[str, str] | None = None,
    prerequisites: Mapping[str, tuple[str, ...]] = PREREQUISITES,
) -> list[Decided]:
    """Return an answer for each control, each once, in the order in which they were decided.

    `locations` is type → where it lies, `pieces` what validators may read of it. `stand_ins` is type → the alias that
    counts as it. `standing` is the statuses of controls that belong to the same run and are not decided anew.
    """
    requirements = requirements or Requirements()
    types = frozenset(present) | frozenset(stand_ins or {})
    evidence = _Present(types, locations or {}, pieces or {}, stand_ins or {})
    own = _by_control(validators)
    statuses = {name.upper(): status for name, status in (standing or {}).items()}
    found: list[Decided] = []
    for control_id in ordered(controls, prerequisites):
        answer = _blocked(control_id, prerequisites.get(control_id, ()), statuses)
        answer = answer or _asked(control_id, own.get(control_id, ()), evidence)
        answer = answer or _required(control_id, requirements.of(control_id), evidence)
        statuses[control_id] = answer.status
        found.append(answer)
    return [_advised(answer, statuses) for answer in found]


def ordered(controls: Iterable[str], prerequisites: Mapping[str, tuple[str, ...]] = PREREQUISITES) -> list[str]:
    """Return the ids in upper case, each once: what others wait for first, by name within a layer.

    Those that wait for each other in a circle, and those that wait for these, come last, by name.
    """
    left = {control_id.upper() for control_id in controls}
    order: list[str] = []
    while left:
        free = sorted(one for one in left if not left.intersection(prerequisites.get(one, ())))
        if not free:
            return order + sorted(left)
        order += free
        left.difference_update(free)
    return order


def _by_control(validators: Sequence[Validator]) -> dict[str, list[Validator]]:
    found: dict[str, list[Validator]] = {}
    for one in sorted(validators, key=lambda validator: validator.priority):
        found.setdefault(one.control_id.upper(), []).append(one)
    return found


def _blocked(control_id: str, needed: tuple[str, ...], statuses: Mapping[str, str]) -> Decided | None:
    for name in needed:
        if statuses.get(name) != "pass":
            why = f"it is {statuses[name]}" if name in statuses else "it is not among the controls of this run"
            remedy = f"Make {name} pass first." if name in statuses else f"Validate {name} in the same run."
            about = {"blocked_by": name}
            return Decided(
                control_id, "insufficient_evidence", f"Blocked by {name} ({why}).", (), remedy, _metadata(about)
            )
    return None


def _asked(control_id: str, validators: Sequence[Validator], evidence: _Present) -> Decided | None:
    """Return the first pass of the custom validators, else the last answer; None where none has one."""
    said: Decided | None = None
    question = Question(control_id, evidence.types, evidence.locations, evidence.pieces)
    for one in validators:
        broken: list[Exception] = []
        answer: Answer | None = None
        with contained(broken.append):  # code that is not ours: its crash says nothing of any other control
            answer = one.check(question)
        if broken:
            text = f"{type(broken[0]).__name__}: {broken[0]}"[:1_000]
            answer = Answer("unknown", f"The validator {one.name} broke: {text}")
        if answer is None:
            continue
        locations = {name: evidence.locations[name] for name in answer.evidence_keys if name in evidence.locations}
        about = {**answer.metadata, "validator": one.name, "locations": locations}
        said = Decided(
            control_id,
            answer.status,
            answer.message,
            tuple(answer.evidence_keys),
            answer.remediation,
            _metadata(about),
        )
        if answer.status == "pass":
            return said
    return said


def _required(control_id: str, requirement: Requirement | None, evidence: _Present) -> Decided:
    if requirement is None:
        remedy = f"Store a requirement for {control_id} or for its family."
        return Decided(control_id, "unknown", f"No requirement is known for {control_id}.", (), remedy, _metadata({}))
    matched_all = [name for name in requirement.all if name in evidence.types]
    matched_any = [name for name in requirement.any if name in evidence.types]
    missing = [name for name in requirement.all if name not in evidence.types]
    keys = tuple(dict.fromkeys(matched_all + matched_any))
    about = {
        "required_all": list(requirement.all),
        "required_any": list(requirement.any),
        "matched_all": matched_all,
        "matched_any": matched_any,
        "locations": {name: evidence.locations[name] for name in keys if name in evidence.locations},
    }
    if used := {name: evidence.stand_ins[name] for name in keys if name in evidence.stand_ins}:
        about["aliases"] = used
    if missing:
        message = f"Missing: {', '.join(missing)}."
    elif requirement.any and not matched_any:
        message = f"None of these is there: {', '.join(requirement.any)}."
    else:
        return Decided(control_id, "pass", _shown_by(keys, used), keys, "", about)
    remedy = requirement.remediation or _remedy(missing, () if matched_any else requirement.any)
    return Decided(control_id, "insufficient_evidence", message, (), remedy, about)


def _shown_by(keys: Sequence[str], used: Mapping[str, str]) -> str:
    if not keys:
        return "No evidence is asked for."
    return f"Shown by {', '.join(f'{name} (as {used[name]})' if name in used else name for name in keys)}."


def _remedy(missing: Sequence[str], options: Sequence[str]) -> str:
    parts = [", ".join(missing)] if missing else []
    if options:
        parts.append(f"one of {', '.join(options)}" if len(options) > 1 else options[0])
    return f"Collect {', and '.join(parts)}, and load it for this system."


def _advised(answer: Decided, statuses: Mapping[str, str]) -> Decided:
    """Note which controls should pass before this one, and do not; that never blocks it."""
    if wanted := [name for name in ADVICE.get(answer.control_id, ()) if statuses.get(name) != "pass"]:
        answer.metadata["advised_first"] = wanted
    return answer


def _metadata(about: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {name: [] for name in ("required_all", "required_any", "matched_all", "matched_any")}
    return {**empty, "locations": {}, **about}
