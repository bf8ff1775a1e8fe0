"""Bring one schedule to what its entry says.

Fields that the entry leaves out have their default; how the schedule stands is its operators' own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from integrations.acting import because
from integrations.models import Channel
from schedules import changes, consequences, rules
from schedules.definition import APART
from schedules.dependencies import Wanted, resolve
from schedules.depends_on import wanted
from schedules.files.declaring import ACTOR, Desk, Values, step
from schedules.files.entries import Entry
from schedules.files.plan import Step
from schedules.models import Schedule
from schedules.serializers import ScheduleSerializer
from schedules.tables import moment
from schedules.timing import TimingError

STAYS = {"anchor_at", "name", "environment"}  # where a file does not say it


class Scheduling:
    """Takes over the schedules of one sync, one after the other."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.reader = ScheduleSerializer(context=desk.context)  # made once: that takes longer than reading with it
        said = {str(field.source) for field in self.reader.fields.values() if not field.read_only}
        self.fields = said & {field.name for field in Schedule._meta.concrete_fields} - STAYS

    def schedule(self, entry: Entry, row: Schedule | None, source: str) -> Step:
        """Store the schedule, `row` being the one that the entry means, and return what that did.

        It is paused where the file says `enabled: false`. `enabled: true` resumes only what a file paused: the pause
        of a person stays. Raises what serializers and models raise.
        """
        data = {**entry.values, "name": entry.name, "environment": entry.environment}
        checked = dict(self.reader.run_validation(data))
        enabled, why = checked.pop("enabled", None), checked.pop("reason", "")
        parents = wanted(checked) or []
        draft = copy.copy(row) if row else Schedule()
        draft.__dict__.pop("_prefetched_objects_cache", None)  # the copy will have other parents
        draft.owner, draft.source = None, source
        changes.apply(draft, {**self._left_out(checked, row), **checked})
        with because(why):
            stored, found = _stored(entry, row, draft, parents, self.desk)
            return _standing(stored, enabled, found)

    def _left_out(self, checked: Values, row: Schedule | None) -> dict[str, Any]:
        """Return None, which means the default, for each field that a file may say and does not."""
        once = row is not None and row.schedule_type == Schedule.Kind.IMMEDIATE
        return dict.fromkeys(self.fields - checked.keys() - ({"scheduled_at"} if once else set()))


def _stored(
    entry: Entry, row: Schedule | None, draft: Schedule, parents: Sequence[Wanted], desk: Desk
) -> tuple[Schedule, Step]:
    parents_stay = _has_parents(row, draft, parents)
    if row is not None and parents_stay and _is_same(row, draft):
        return row, Step(
            *("unchanged", entry.section, entry.name, entry.environment, entry.document.file, entry.line)
        )
    before = _snapshot(row) if row else {}
    fires: list[str] = []

    def store() -> Values:
        draft.store(by=ACTOR, depends_on=None if parents_stay else parents)  # edits of dependencies take turns
        if desk.tells_fires:
            fires.append(_fires(row, draft))
        return _snapshot(draft)

    taken_over = [f"It was {_origin(row)} and is declared here now."] if row and row.source != draft.source else []
    found = step(entry, before, store, fires=fires, notes=taken_over)
    return (row or draft) if found.action == "unchanged" else draft, found


def _standing(schedule: Schedule, enabled: bool | None, found: Step) -> Step:
    """Pause or resume as the file says, and return the step with what that changed."""
    status, notes = schedule.status, found.notes
    if enabled is False and status == Schedule.Status.ACTIVE:
        schedule.pause(by=ACTOR, reason="Its file says: enabled: false.")
    elif enabled and status == Schedule.Status.PAUSED and schedule.status_changed_by == ACTOR:
        schedule.resume(by=ACTOR)
    elif enabled and status in {Schedule.Status.PAUSED, Schedule.Status.SUSPENDED}:
        who = f" by {schedule.status_changed_by}" if schedule.status_changed_by else ""
        return replace(found, notes=(*notes, f"It is {status}{who} and stays so until somebody resumes it."))
    else:
        return found
    if found.action == "create":
        return replace(found, fires="It is paused: its file says so.")
    pair = (status == Schedule.Status.ACTIVE, schedule.status == Schedule.Status.ACTIVE)
    return replace(found, action="update", changes={**found.changes, "enabled": pair})


def _is_same(row: Schedule, draft: Schedule) -> bool:
    """Tell whether storing `draft` would change nothing but its parents, without trying it."""
    rules.fill(draft)
    if draft.timeout_seconds is None or draft.max_retries is None:
        rules.check_job(draft, {})
    told = [field.attname for field in Schedule._meta.concrete_fields if field.name not in APART]
    return all(getattr(row, name) == getattr(draft, name) for name in told)


def _has_parents(row: Schedule | None, draft: Schedule, parents: Sequence[Wanted]) -> bool:
    """Tell whether it depends on exactly these already."""
    had = [(one.parent_id, one.on) for one in row.dependencies.all()] if row else []
    if not parents or not had:
        return not parents and not had
    return sorted(had) == sorted((parent.pk, on) for parent, on in resolve(draft, parents))


def _snapshot(schedule: Schedule) -> dict[str, Any]:
    """Return what the schedule says, with the channels that it defines itself."""
    own = Channel.objects.filter(schedule_id=schedule.pk).order_by("name") if schedule.pk else []
    said = schedule.definition()
    parents = [{"schedule": one["schedule"], "on": one["on"]} for one in said["depends_on"]]
    return {
        **said,
        "depends_on": sorted(parents, key=str),
        **{f"channel {one.name}": one.recorded() for one in own},
    }


def _fires(row: Schedule | None, stored: Schedule) -> str:
    now = timezone.now()
    if row is None:
        return f"Next: {moment(stored.next_run_at, stored.timezone)}." if stored.next_run_at else ""
    try:
        same = row.timing == stored.timing
    except TimingError:
        return ""
    return "" if same else " ".join(filter(None, [consequences.difference(row.timing, stored.timing, now)]))


def _origin(row: Schedule) -> str:
    return f"declared in {row.source}" if row.source else "not from a file"
