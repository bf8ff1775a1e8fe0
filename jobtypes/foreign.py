"""What a job type must know to take over the files of another program: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Path = tuple[str | int, ...]  # keys and positions from the top of a file


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file as it was read. `name` is its file name without the ending.

    `repeated` holds what else was written for keys that stand twice in one mapping, in order.
    """

    name: str
    values: dict[str, Any]
    repeated: Mapping[Path, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Translation:
    """The same as a schedule file of Carillon's.

    `origins` tells for paths in `sections` where in the file they come from, `taken` which repeated keys were
    understood.
    """

    sections: dict[str, Any]
    origins: Mapping[Path, Path]
    taken: Collection[Path] = ()


class Fault(NamedTuple):
    """What is wrong at a path of the file; `known` are words of which one was probably meant."""

    path: Path
    sentence: str
    known: tuple[str, ...] = ()


class Untranslatable(Exception):
    """The file is of the format, but not right."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.sentence for fault in faults))
        self.faults = list(faults)
