"""Make schedules of a crontab, line by line: each line stands by itself, and says what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from jobtypes import registry
from jobtypes.base import Adopted, CommandLine, InvalidParams
from schedules import changes
from schedules.crontab import naming
from schedules.crontab.reader import Entry
from schedules.crontab.shell import NotSimple, simple
from schedules.models import Schedule
from schedules.timing import TimingError, sentence

TAG = "crontab"
IDLE = "noop"  # what keeps a timing until a person says what it is for
UNKNOWN = (
    "No kind of work does what {program} does, and Carillon runs no shell. Make it a management command or an "
    "address to call, or give --as-noop to move its timing first."
)
NOT_OURS = "A schedule of this name is there that did not come from a crontab. Write another comment above the line."
FOR_ITS_TIMING = "Only the timing was taken over, paused: choose what it does, then resume it."
NOT_YET = "Imported from a crontab; resume it once its line there is gone."


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the one who imports asked for. `zone` holds where the crontab names none."""

    source: str
    environment: str
    zone: str
    by: str
    as_noop: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a line: made, changed, unchanged, noted or refused, and why."""

    line: int
    result: str
    name: str = ""
    schedule_id: int | None = None
    job_type: str = ""
    cron_expression: str = ""
    timezone: str = ""
    fires: str = ""
    summary: str = ""
    notes: list[str] = field(default_factory=list)
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Work:
    """What a line is to do here: the kind of work, its parameters, and what is proposed with them."""

    job_type: str
    adopted: Adopted
    notes: tuple[str, ...] = ()
    is_pause: bool = False


class Refused(Exception):
    """Nothing can come of a line; the message is a sentence."""


def take_over(entries: Sequence[Entry], wishes: Wishes) -> Iterator[Report]:
    """Store a schedule for each line that names a job, and yield what became of each line.

    A schedule that came from a crontab before, known by its tag and its name, is brought to what the line says now.
    """
    names: set[str] = set()
    for entry in entries:
        if entry.refusal:
            yield Report(entry.number, "refused", cron_expression=entry.expression, error=entry.refusal)
        elif not entry.expression:
            if entry.remark:
                yield Report(entry.number, "noted", notes=[entry.remark])
        else:
            yield _take_over(entry, wishes, names)


def _take_over(entry: Entry, wishes: Wishes, names: set[str]) -> Report:
    name = ""
    try:
        work = _work(entry, as_noop=wishes.as_noop)
        name = naming.unique(_name(entry, work), names)
        names.add(name)
        with transaction.atomic():
            result, schedule = _store(entry, work, name, wishes)
    except Refused as refused:
        return Report(entry.number, "refused", name, cron_expression=entry.expression, error=str(refused))
    except ValidationError as refused:
        said = " ".join(dict.fromkeys(refused.messages))
        return Report(entry.number, "refused", name, cron_expression=entry.expression, error=said)
    return Report(
        line=entry.number,
        result=result,
        name=schedule.name,
        schedule_id=schedule.pk,
        job_type=schedule.job_type,
        cron_expression=schedule.cron_expression,
        timezone=schedule.timezone,
        fires=_fires(schedule),
        summary=_summary(schedule),
        notes=list(work.notes),
    )


def _work(entry: Entry, *, as_noop: bool) -> Work:
    """Return what the line is to do here; raises Refused where nothing here does it, unless it need not be done."""
    try:
        return _adopted(entry)
    except Refused:
        if not as_noop:
            raise
    adopted = Adopted(params={}, name=naming.from_command(entry.command), max_retries=0)
    return Work(IDLE, adopted, (FOR_ITS_TIMING,), is_pause=True)


def _adopted(entry: Entry) -> Work:
    try:
        found = simple(entry.command, entry.variables)
        line = CommandLine(found.words, entry.stdin)
        for kind in registry.job_types().values():
            if (adopted := kind.adopt(line)) is not None:
                if found.timeout_seconds is not None:
                    kept = min(found.timeout_seconds, adopted.timeout_seconds or found.timeout_seconds)
                    adopted = Adopted(adopted.params, adopted.name, adopted.notes, kept, adopted.max_retries)
                registry.validate(kind.name, adopted.params)
                return Work(kind.name, adopted, (*found.notes, *adopted.notes))
    except NotSimple as refused:
        raise Refused(f"{refused} Carillon runs no shell.") from None
    except InvalidParams as refused:
        raise Refused(" ".join(refused.sentences())) from None
    raise Refused(UNKNOWN.format(program=naming.masked(found.words[0])[:80]))


def _name(entry: Entry, work: Work) -> str:
    """Return the name that the comment above gives, if it is for this line alone, or else the one of the command."""
    return (entry.is_alone and naming.from_comment(entry.comment)) or work.adopted.name[: naming.LONGEST]


def _store(entry: Entry, work: Work, name: str, wishes: Wishes) -> tuple[str, Schedule]:
    timing = {
        "schedule_type": "cron",
        "cron_expression": entry.expression,
        "timezone": entry.zone or wishes.zone,
    }
    job = {
        "job_type": work.job_type,
        "params": work.adopted.params,
        "max_retries": work.adopted.max_retries or 0,  # cron tries nothing again
        **({"timeout_seconds": work.adopted.timeout_seconds} if work.adopted.timeout_seconds else {}),
    }
    namesakes = Schedule.objects.existing().filter(environment=wishes.environment, name=name)
    before = namesakes.select_for_update(of=("self",)).first()
    if before is not None:
        return _bring(before, timing if work.is_pause else {**timing, **job}, wishes)
    schedule = Schedule(name=name, environment=wishes.environment, tags=[TAG])
    changes.apply(schedule, {**timing, **job})
    schedule.description = naming.described(
        comment=entry.comment,
        number=entry.number,
        source=wishes.source,
        user=entry.user,
        command=entry.command if work.is_pause else "",
    )
    schedule.store(by=wishes.by)
    if work.is_pause or wishes.paused:
        schedule.pause(by=wishes.by, reason=FOR_ITS_TIMING if work.is_pause else NOT_YET)
    return "made", schedule


def _bring(schedule: Schedule, values: dict[str, Any], wishes: Wishes) -> tuple[str, Schedule]:
    """Bring a schedule that came from a crontab to what its line says now; raises Refused for any other."""
    if TAG not in schedule.tags:
        raise Refused(NOT_OURS)
    if all(getattr(schedule, name) == value for name, value in values.items()):
        return "unchanged", schedule
    changes.apply(schedule, values)
    schedule.store(by=wishes.by)
    return "changed", schedule


def _fires(schedule: Schedule) -> str:
    try:
        return sentence(schedule.timing)
    except TimingError as refused:
        return str(refused)


def _summary(schedule: Schedule) -> str:
    kind = registry.job_type(schedule.job_type)
    return kind.summarise(registry.parse(schedule.job_type, schedule.params))
