"""Take over what files declare: all of it in one transaction, or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError as ModelError
from django.db import connection, transaction
from rest_framework.exceptions import ValidationError

from integrations import audit, references
from integrations.channels import email
from integrations.channels.base import texts
from integrations.outbox_serializers import ChannelSerializer
from integrations.rest.problems import errors_of
from integrations.serializers import ConnectionSerializer
from jobtypes import registry
from jobtypes.compliance.serializers import SystemSerializer
from jobtypes.csv_import.serializers import ImportProjectSerializer
from schedules import defaults
from schedules.calendars.serializers import CalendarSerializer
from schedules.files import compliance, declaring, projects
from schedules.files.declaring import ACTOR, Desk
from schedules.files.entries import Declared, Entry, declared
from schedules.files.gathering import Gathered
from schedules.files.plan import Plan, Step
from schedules.files.problems import Path as Place
from schedules.files.problems import Problem, Refused, nearest
from schedules.files.scheduling import Scheduling
from schedules.limits_api import TagLimitSerializer
from schedules.models import Schedule
from schedules.patterns.serializers import TemplateSerializer
from schedules.serializers import ScheduleSerializer

SYNC_LOCK = 0x0CA8113  # PostgreSQL advisory lock: syncs take turns
UNKNOWN = "There is no such field."
STEPS: dict[str, Callable[[Entry, Desk], Step]] = {
    "connections": declaring.connection,
    "channels": declaring.channel,
    "calendars": declaring.calendar,
    "tag_limits": declaring.tag_limit,
    "templates": declaring.template,
    "catalogs": compliance.catalog,
    "systems": compliance.system,
    "environments": compliance.environment,
}
FIELDS: dict[str, Any] = {
    "connections": ConnectionSerializer,
    "channels": ChannelSerializer,
    "calendars": CalendarSerializer,
    "tag_limits": TagLimitSerializer,
    "templates": TemplateSerializer,
    "systems": SystemSerializer,
    "import_projects": ImportProjectSerializer,
    "schedules": ScheduleSerializer,
}


def sync(
    gathered: Gathered,
    *,
    environment: str = "",
    prune: bool = False,
    dry_run: bool = False,
    tells_fires: bool = True,
) -> Plan:
    """Bring what is stored to what the files say, and return what that did, or would do with `dry_run`.

    `environment` is where schedules live that name none. `prune` deletes, softly, the schedules that came from this
    source and are no longer there, and its import projects. Raises problems.Refused, and then nothing is changed.
    """
    desk = Desk(Path.cwd(), tells_fires)
    translators = [kind.translate for kind in registry.job_types().values()]
    found = declared(gathered.documents(), translators, environment or defaults.environment())
    who = audit.current()
    acting = audit.acting(who.name or ACTOR, source="yaml", user=who.user, reason=who.reason)
    with acting, audit.together(), transaction.atomic():
        _take_turns()
        steps, left = _Work(found, source_of(gathered.path, environment), environment, desk).steps(prune)
        if dry_run:
            transaction.set_rollback(True)
    return Plan(tuple(steps), (*_unset(found), *_unknown_words(found), *left), is_done=not dry_run)


def source_of(path: Path, environment: str = "") -> str:
    """Return what schedules remember as the place that they come from."""
    return _within(str(path), environment)


class _Work:
    """One sync under way."""

    def __init__(self, found: Declared, source: str, environment: str, desk: Desk) -> None:
        self.found, self.source, self.environment, self.desk = found, source, environment, desk
        self.problems: list[Problem] = []

    def steps(self, prune: bool) -> tuple[list[Step], list[str]]:
        """Do everything and return the steps, and warnings; raises Refused."""
        steps: list[Step] = []
        for section, take in STEPS.items():
            for entry in self.found.entries[section]:
                steps += self._tried(entry, partial(take, entry, self.desk))
        for entry in self.found.entries["import_projects"]:
            steps += self._tried(entry, partial(projects.declare, entry, self.desk, self._source_of(entry)))
        self._refuse()
        entries = self.found.entries["schedules"]
        rows = _meant(entries)
        gone = self._gone({row.pk for row in rows.values()})
        left = []
        for row in gone:
            if prune:
                row.discard(by=ACTOR)
                steps.append(Step("delete", "schedules", row.name, row.environment))
            else:
                left.append(
                    f"{row.name} in {row.environment} is in these files no more and stays; --prune deletes it."
                )
        scheduling = Scheduling(self.desk)
        for entry in _in_order(entries):
            meant = rows.get((entry.environment, entry.name))
            steps += self._tried(entry, partial(scheduling.schedule, entry, meant, self._source_of(entry)))
        self._refuse()
        names = [entry.name for entry in self.found.entries["import_projects"]]
        removed, stay = projects.remove_gone(self._sources(), names, prune=prune)
        return [*steps, *removed], [*left, *stay]

    def _gone(self, meant: set[int]) -> list[Schedule]:
        found = Schedule.objects.existing().declared_in(self._sources())
        return list(found.exclude(pk__in=meant).order_by("name"))

    def _sources(self) -> list[str]:
        return [self.source, *(_within(source, self.environment) for source in self.found.sources)]

    def _source_of(self, entry: Entry) -> str:
        return _within(entry.source, self.environment) if entry.source else self.source

    def _tried(self, entry: Entry, act: Callable[[], Step]) -> list[Step]:
        try:
            with transaction.atomic():
                return [act()]
        except (ValidationError, ModelError) as refused:
            self.problems += _problems(entry, refused)
            return []

    def _refuse(self) -> None:
        if self.problems:
            raise Refused(sorted(self.problems, key=lambda problem: (problem.file, problem.line)))


def _meant(entries: Sequence[Entry]) -> dict[tuple[str, str], Schedule]:
    """Return by environment and name the schedules that entries mean: of their name, else of the one they had."""
    names = {name for entry in entries for name in (entry.name, entry.was)}
    places = {entry.environment for entry in entries}
    existing = Schedule.objects.existing().filter(environment__in=places)
    meant = [pk for pk, name in existing.values_list("pk", "name") if name in names]
    Schedule.objects.lock(meant)  # before any other lock: who edits one of them has its row first, too
    rows = {(row.environment, row.name): row for row in existing.with_parents() if row.name in names}
    found = {}
    for entry in entries:
        row = rows.get((entry.environment, entry.name)) or rows.get((entry.environment, entry.was))
        if row is not None:
            found[entry.environment, entry.name] = row
    return found


def _in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Return parents before the children that wait for them, those that are renamed first of all."""
    names = {(entry.environment, entry.name): entry for entry in entries}
    ordered: dict[int, Entry] = {}

    def add(entry: Entry, under: frozenset[int]) -> None:
        if id(entry) in ordered or id(entry) in under:
            return
        for name in _parents(entry):
            if parent := names.get((entry.environment, name)):
                add(parent, under | {id(entry)})
        ordered[id(entry)] = entry

    for entry in sorted(entries, key=lambda one: not one.was):
        add(entry, frozenset())
    return list(ordered.values())


def _parents(entry: Entry) -> list[str]:
    listed = entry.values.get("depends_on")
    named = [one.get("schedule") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [name for name in named if isinstance(name, str)]


def _problems(entry: Entry, refused: ValidationError | ModelError) -> Iterable[Problem]:
    """Return each reason with its line and, where a word is unknown, the nearest that is known."""
    detail: Any = refused.detail if isinstance(refused, ValidationError) else None
    if isinstance(refused, ModelError):
        detail = refused.message_dict if hasattr(refused, "error_dict") else refused.messages
    for where, sentences in errors_of(detail).items():
        place: Place = tuple(int(part) if part.isdecimal() else part for part in where.split(".") if part)
        for sentence in sentences:
            if place == ("params",):
                yield _of_params(entry, sentence)
            else:
                known = FIELDS[entry.section]().fields if sentence == UNKNOWN and len(place) == 1 else ()
                yield entry.problem(place, sentence, nearest(place[-1], known) if known else "")


def _of_params(entry: Entry, sentence: str) -> Problem:
    """Return what is said of a parameter at the line where it stands."""
    name, colon, rest = sentence.partition(": ")
    kind = registry.job_types().get(str(entry.values.get("job_type")))
    known = kind.Config.model_fields if kind else {}
    params = entry.values.get("params")
    if not colon or not isinstance(params, dict) or name.partition(".")[0] not in {*known, *params}:
        return entry.problem(("params",), sentence)
    place = tuple(int(part) if part.isdecimal() else part for part in name.split("."))
    return entry.problem(("params", *place), rest, nearest(name, known) if rest == UNKNOWN else "")


def _unset(found: Declared) -> list[str]:
    """Return a warning for each variable that is referred to and not set here."""
    entries = [entry for section in ("connections", "channels", "schedules") for entry in found.entries[section]]
    return [
        f"{entry.place}: {name} is not set here; {entry.name} needs it where the scheduler runs."
        for entry in entries
        for name in sorted({name for text in texts(_referring(entry)) for name in references.names(text)})
        if name not in os.environ
    ]


def _unknown_words(found: Declared) -> list[str]:
    """Return a warning for each word in braces that a subject keeps as it is."""
    entries = [entry for section in ("channels", "schedules") for entry in found.entries[section]]
    return [
        f"{entry.place}: {{{word}}} in the subject of {entry.name} stays as it is; known: {', '.join(email.WORDS)}."
        for entry in entries
        for one in ([entry.values] if entry.section == "channels" else _referring(entry))
        for word in email.unknown_words(str(one.get("subject", "")))
    ]


def _referring(entry: Entry) -> Any:
    """Return what of an entry may refer to the environment: of a schedule only channels that it defines itself."""
    if entry.section != "schedules":
        return entry.values
    kind = registry.job_types().get(str(entry.values.get("job_type")))
    params = entry.values.get("params")
    own = params.get(kind.inline_channels) if kind and isinstance(params, dict) else None
    return [one for one in own if isinstance(one, dict)] if isinstance(own, list) else []


def _within(source: str, environment: str) -> str:
    return f"{source} in {environment}"[:500] if environment else source[:500]


def _take_turns() -> None:
    """Let one sync at a time past this point; SQLite's write lock does it already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SYNC_LOCK])
