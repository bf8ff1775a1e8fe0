"""The search line of the list of schedules: words for the name, and qualifiers such as tag: and is:."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Case, F, IntegerField, Q, TextField, Value, When
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from jobtypes import registry
from schedules.queries import ScheduleQuerySet

FIELDS = {"type": "job_type", "env": "environment", "status": "status"}
IS = {
    "failing": Q(consecutive_failures__gt=0),
    "paused": Q(status="paused"),
    "active": Q(status="active"),
    "suspended": Q(status="suspended"),
}


@dataclass(frozen=True, slots=True)
class Search:
    """What a search line asks for; `problem` is a sentence if it cannot be read, and then nothing matches."""

    text: str
    conditions: Q = field(default_factory=Q)
    tags: tuple[str, ...] = ()
    problem: str = ""

    def apply(self, schedules: ScheduleQuerySet) -> ScheduleQuerySet:
        """Return those that match, trouble first, then the next to fire."""
        found = schedules.none() if self.problem else schedules.filter(self.conditions)
        for tag in self.tags:
            found = _tagged(found, tag)
        failing = Case(When(consecutive_failures__gt=0, then=Value(0)), default=Value(1), output_field=IntegerField())
        return found.select_related("calendar").order_by(failing, F("next_run_at").asc(nulls_last=True), "name", "pk")


def read(text: str) -> Search:
    """Read a search line; an unknown qualifier is a problem that says which there are."""
    conditions, tags = Q(), []
    try:
        split = words(text)
    except ValueError:
        return Search(text, problem=_("A quotation mark is open; close it."))
    for word in split:
        name, colon, value = word.partition(":")
        if not colon:
            conditions &= Q(name__icontains=word) | Q(description__icontains=word)
        elif name == "tag":
            tags.append(value)
        elif name == "is" and value in IS:
            conditions &= IS[value]
        elif name in FIELDS:
            conditions &= Q(**{FIELDS[name]: registry.canonical(value) if name == "type" else value})
        elif name == "is":
            return Search(text, problem=_("is: knows %(known)s.") % {"known": ", ".join(IS)})
        else:
            known = ", ".join(f"{one}:" for one in ("tag", *FIELDS, "is"))
            return Search(text, problem=_("There is no %(name)s:. Write %(known)s") % {"name": name, "known": known})
    return Search(text, conditions, tuple(tags))


def words(text: str) -> list[str]:
    """Split a search line at its blanks, outside quotation marks; raises ValueError if one is open."""
    return shlex.split(text[:500].replace("\0", " "))


def find(text: str, among: ScheduleQuerySet) -> ScheduleQuerySet:
    """Return the schedules `among` some that a search line means, deleted ones only when it asks for them."""
    search = read(text)
    return search.apply(among if "status:deleted" in text else among.existing())


def _tagged(schedules: ScheduleQuerySet, tag: str) -> ScheduleQuerySet:
    if connection.features.supports_json_field_contains:
        return schedules.filter(tags__contains=[tag])
    return schedules.annotate(tag_text=Cast("tags", TextField())).filter(tag_text__contains=json.dumps(tag))
