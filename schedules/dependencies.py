"""What a schedule waits for: other schedules that must have ended in a certain way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import F, Q

from integrations.access import environments_of

if TYPE_CHECKING:
    from schedules.models import Schedule

MOST = 20
GRAPH_LOCK = 0x0CA8112  # PostgreSQL advisory lock: edits of dependencies take turns


class Dependency(models.Model):
    """`child` runs only after `parent` ended as asked. The engine keeps here what it heard of the parent.

    `ended_*` tell of the parent's last ending, `met_*` of the last one that was as asked. `is_heard` says that the
    parent has ended since the child's last row, `is_met` that it did so as asked; only a child that has no timing of
    its own uses these two. Old runs may be pruned, so nothing is read from history.
    """

    class On(models.TextChoices):
        SUCCESS = "success", "has succeeded"
        FAILURE = "failure", "has failed"
        FINISHED = "finished", "has ended, in whatever way"

    child = models.ForeignKey("schedules.Schedule", on_delete=models.CASCADE, related_name="dependencies")
    parent = models.ForeignKey("schedules.Schedule", on_delete=models.PROTECT, related_name="dependants")
    on = models.CharField(max_length=8, choices=On, default=On.SUCCESS)
    ended_run_id = models.BigIntegerField(null=True, blank=True)
    ended_as = models.CharField(max_length=16, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    met_run_id = models.BigIntegerField(null=True, blank=True)
    met_at = models.DateTimeField(null=True, blank=True)
    is_heard = models.BooleanField(default=False)
    is_met = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "dependencies"
        constraints = [
            models.UniqueConstraint(fields=["child", "parent"], name="one_dependency_per_pair"),
            models.CheckConstraint(condition=~Q(child=F("parent")), name="nothing_depends_on_itself"),
            models.CheckConstraint(
                condition=Q(on__in=["success", "failure", "finished"]), name="dependency_ending_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.child} after {self.parent}"

    def fits(self, status: str) -> bool:
        """Tell whether a parent's run that ended with this status ended as asked."""
        return self.on == self.On.FINISHED or status == {"success": "success", "failure": "failed"}[self.on]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A dependency as a caller names it: by name in the child's environment, by id in any, or by both."""

    schedule: str = ""
    schedule_id: int | None = None
    on: str = Dependency.On.SUCCESS


def resolve(child: Schedule, wanted: Sequence[Wanted]) -> list[tuple[Schedule, str]]:
    """Return the parents that are meant and the endings that are asked for; raises ValidationError on `depends_on`.

    Refused are unknown and deleted schedules (one that was there before it was deleted may stay), one named twice,
    more than 20, and what closes a circle.
    """
    if len(wanted) > MOST:
        raise _refusal(f"At most {MOST} schedules; these are {len(wanted)}.")
    kept = set(child.dependencies.values_list("parent_id", flat=True)) if child.pk else set[int]()
    found: dict[int, tuple[Schedule, str]] = {}
    for one in wanted:
        parent = _named(child, one, kept)
        if one.on not in Dependency.On.values:
            raise _refusal(f"{parent.name}: choose one of {', '.join(Dependency.On.values)}.")
        if parent.pk in found:
            raise _refusal(f"{parent.name} is named twice.")
        found[parent.pk] = (parent, one.on)
    if child.pk and (circle := _circle(child, found)):
        raise _refusal(f"It would wait for itself: {' → '.join(circle)}.")
    return list(found.values())


def replace_parents(child: Schedule, wanted: Sequence[Wanted]) -> None:
    """Let the stored `child` depend on exactly these, in a transaction that holds its lock; raises as `resolve` does.

    What the engine heard of a parent stays known; of a new one the ledger tells how it ended last. Edits take turns,
    so that two of them cannot close a circle together.
    """
    _take_turns()
    parents = resolve(child, wanted)
    child.dependencies.exclude(parent_id__in=[parent.pk for parent, _ in parents]).delete()
    before = {one.parent_id: one for one in child.dependencies.all()}
    for parent, on in parents:
        known = before.get(parent.pk)
        if known is not None and known.on == on:
            continue
        fresh = known or Dependency(child=child, parent=parent)
        fresh.on = on
        fresh.is_met = fresh.is_heard = False
        _recall(fresh)
        fresh.save()


def forget_rounds(child: Schedule) -> None:
    """Forget what was heard since the last run of a child that has timing of its own: only one without counts it."""
    child.dependencies.filter(Q(is_heard=True) | Q(is_met=True)).update(is_heard=False, is_met=False)


def refuse_while_needed(parent: Schedule) -> None:
    """Raise ValidationError, code "conflict", while existing schedules depend on `parent`; let go of deleted ones."""
    _take_turns()
    named = parent.dependants.exclude(child__status="deleted").order_by("child__name")
    near = list(named.filter(child__environment=parent.environment).values_list("child__name", flat=True)[:5])
    far = (
        ["what lies in another environment"] if named.exclude(child__environment=parent.environment).exists() else []
    )
    if names := [*near, *far]:
        sentence = f"{', '.join(names)} depends on {parent.name}; change that first."
        raise ValidationError(sentence if len(names) == 1 else sentence.replace("depends", "depend"), code="conflict")
    parent.dependants.all().delete()


def _named(child: Schedule, one: Wanted, kept: Iterable[int]) -> Schedule:
    everywhere = type(child).objects
    name = one.schedule
    here = everywhere.existing().filter(environment=child.environment, name=name).first() if name else None
    if here is None and one.schedule_id is None:
        here = _numbered(child, name, kept)
    elif one.schedule_id is not None:
        by_id = _within_sight(child, kept).filter(pk=one.schedule_id).first()
        if by_id is None or (by_id.is_deleted and by_id.pk not in kept):
            raise _refusal(f"There is no schedule of the id {one.schedule_id}.")
        if name and by_id.name != name and str(by_id.pk) != name:
            raise _refusal(f"The schedule of the id {by_id.pk} is called {by_id.name}, not {name}; send one of both.")
        here = by_id
    if here is None:
        raise _refusal(_unknown(child, name))
    if here.pk == child.pk:
        raise _refusal(f"It would wait for itself: {child.name} → {child.name}.")
    return here


def _numbered(child: Schedule, text: str, kept: Iterable[int]) -> Schedule | None:
    """Return the schedule whose id is written in `text`, in whatever environment."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        return None
    found = _within_sight(child, kept).filter(pk=int(text)).first()
    return None if found is None or (found.is_deleted and found.pk not in kept) else found


def _within_sight(child: Schedule, kept: Iterable[int]) -> Any:
    """Return the schedules that the child's owner sees, and those that it depends on already."""
    everywhere = type(child).objects
    places = None if child.owner is None else environments_of(child.owner)
    return everywhere.all() if places is None else everywhere.filter(Q(environment__in=places) | Q(pk__in=list(kept)))


def _unknown(child: Schedule, name: str) -> str:
    if not name:
        return "Name a schedule, or send its id."
    try:
        type(child).objects.named(name, child.environment)
    except type(child).DoesNotExist as unknown:
        return str(unknown)
    return f"There is no schedule {name!r} in {child.environment}."


def _circle(child: Schedule, parents: Iterable[int]) -> list[str]:
    """Return the names along a circle that these parents of `child` would close, from it and back; else nothing."""
    leads_to = dict.fromkeys(parents, child.pk)
    frontier = list(leads_to)
    while frontier and child.pk not in leads_to:
        edges = Dependency.objects.filter(child_id__in=frontier).values_list("child_id", "parent_id")
        frontier = []
        for child_id, parent_id in edges:
            if parent_id not in leads_to:
                leads_to[parent_id] = child_id
                frontier.append(parent_id)
    if child.pk not in leads_to:
        return []
    path = [child.pk]
    while (following := leads_to[path[-1]]) != child.pk:
        path.append(following)
    names = dict(type(child).objects.filter(pk__in=path).values_list("pk", "name"))
    return [*(child.name if pk == child.pk else names[pk] for pk in path), child.name]


def _recall(dependency: Dependency) -> None:
    """Note how the parent ended last, and when it last ended as asked."""
    runs: Any = dependency.parent.runs
    ended = runs.concluded().order_by("-id").values_list("pk", "status", "finished_at")
    last = ended.first()
    dependency.ended_run_id, dependency.ended_as, dependency.ended_at = last or (None, "", None)
    fitting = {"success": ["success"], "failure": ["failed"]}.get(dependency.on, ["success", "failed", "cancelled"])
    met = ended.filter(status__in=fitting).first()
    dependency.met_run_id, _, dependency.met_at = met or (None, "", None)


def _take_turns() -> None:
    """Let one transaction at a time past this point; SQLite's write lock does it already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GRAPH_LOCK])


def _refusal(sentence: str) -> ValidationError:
    return ValidationError({"depends_on": [sentence]})
