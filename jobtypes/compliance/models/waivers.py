"""Waivers: a risk that somebody accepted for a control, until a day. They never change what a validation says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Exists, OuterRef

from integrations import access, audit
from jobtypes.compliance.models.refusals import refuse_no_texts, refuse_odd_texts
from jobtypes.compliance.models.systems import System

if TYPE_CHECKING:
    from integrations.access import Viewer

SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class WaiverReport:
    """How many waivers there are on a day; `expiring` are active ones that end within 30 days."""

    total: int
    active: int
    expired: int
    expiring: int


class WaiverQuerySet(models.QuerySet["Waiver"]):
    def active_on(self, day: date) -> WaiverQuerySet:
        """Return the waivers that hold on a day; the day on which one expires is its last."""
        return self.filter(expires__gte=day)

    def expired_on(self, day: date) -> WaiverQuerySet:
        """Return the waivers that hold no more on a day."""
        return self.filter(expires__lt=day)

    def expiring_on(self, day: date) -> WaiverQuerySet:
        """Return the waivers that hold on a day and end within the 30 days after it."""
        return self.active_on(day).filter(expires__lte=day + timedelta(days=SOON_DAYS))

    def report(self, day: date) -> WaiverReport:
        """Count the waivers as they stand on a day."""
        return WaiverReport(
            total=self.count(),
            active=self.active_on(day).count(),
            expired=self.expired_on(day).count(),
            expiring=self.expiring_on(day).count(),
        )

    def for_system(self, system: System) -> WaiverQuerySet:
        """Return the waivers that name a system, and those for all."""
        named = WaiverSystem.objects.filter(waiver=OuterRef("pk"))
        return self.filter(Exists(named.filter(system=system)) | ~Exists(named))

    def scopes(self) -> dict[str, list[frozenset[int]]]:
        """Return control id → for each of its waivers the numbers of its systems, none meaning all; two queries."""
        named: dict[int, set[int]] = {}
        pairs = WaiverSystem.objects.filter(waiver__in=self.order_by())
        for waiver_id, system_id in pairs.values_list("waiver_id", "system_id"):
            named.setdefault(waiver_id, set()).add(system_id)
        found: dict[str, list[frozenset[int]]] = {}
        for pk, control_id in self.values_list("pk", "control_id"):
            found.setdefault(control_id, []).append(frozenset(named.get(pk, ())))
        return found

    def visible_to(self, user: Viewer) -> Self:
        """Return what is for all systems, and what names one that the user may see."""
        return self.within(access.environments_of(user))

    def within(self, places: Iterable[str] | None) -> Self:
        """Return the waivers that hold for systems of these environments; all of them for None."""
        if places is None:
            return self
        named = WaiverSystem.objects.filter(waiver=OuterRef("pk"))
        here = named.filter(system__environment__in=sorted(places))
        return self.filter(Exists(here) | ~Exists(named))

    def changeable_by(self, user: Viewer) -> Self:
        """Return the waivers all of whose systems a user sees; one for all systems needs a user without a limit."""
        places = access.environments_of(user)
        if places is None:
            return self
        named = WaiverSystem.objects.filter(waiver=OuterRef("pk"))
        return self.filter(Exists(named), ~Exists(named.exclude(system__environment__in=sorted(places))))


class Waiver(models.Model):
    """Why a control need not pass, for these systems or all, through the day on which it expires."""

    control_id = models.CharField(max_length=100, help_text="In upper case, such as AC-2.")
    systems = models.ManyToManyField(
        System, through="WaiverSystem", related_name="waivers", blank=True, help_text="None: for all systems."
    )
    reason = models.TextField(max_length=2000, validators=[MaxLengthValidator(2000)])
    compensating_controls = models.JSONField(default=list, blank=True, help_text="What is done instead.")
    approved_by = models.CharField(max_length=150, blank=True, default="")
    approved_on = models.DateField(null=True, blank=True)
    expires = models.DateField(help_text="The last day on which it holds, in UTC.")
    notes = models.TextField(max_length=5000, validators=[MaxLengthValidator(5000)], blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering = ["control_id", "expires"]
        indexes = [models.Index(fields=["control_id", "expires"], name="waiver_of_control")]

    def __str__(self) -> str:
        return f"{self.control_id} until {self.expires}"

    @property
    def environment(self) -> str:
        """Return the one environment of its systems; empty if it is for more than one."""
        places = {one.environment for one in self.systems.all()} if self.pk else set()
        return places.pop() if len(places) == 1 else ""

    def clean(self) -> None:
        """Write the control's id in upper case; raises ValidationError by field."""
        self.control_id = self.control_id.upper()
        refuse_odd_texts(self, ["control_id", "approved_by"])
        refuse_no_texts("compensating_controls", self.compensating_controls, longest=500)
        if self.approved_on and self.expires and self.expires < self.approved_on:
            raise ValidationError({"expires": ["It expires before it was approved."]})

    def store(self, *, by: str, systems: Iterable[System] | None = None) -> None:
        """Check and save it, for these systems or for those it had; raises ValidationError by field."""
        with transaction.atomic():
            new, before = self._state.adding, dict[str, Any]()
            if new:
                self.created_by = by
            else:
                stored = Waiver.objects.select_for_update().get(pk=self.pk)
                self.version, before = stored.version + 1, stored.recorded()
            self.updated_by = by
            self.full_clean()
            self.save()
            if systems is not None:
                self.systems.set(systems)
            audit.record("create" if new else "update", self, by=by, before=before, after=self.recorded())

    def remove(self, *, by: str) -> None:
        """Delete it; the trail keeps what it said."""
        with transaction.atomic():
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        names = ("control_id", "reason", "compensating_controls", "approved_by", "approved_on", "expires", "notes")
        systems = sorted(one.name for one in self.systems.all())
        return {**{name: getattr(self, name) for name in names}, "systems": systems}


class WaiverSystem(models.Model):
    """A system that a waiver names. It keeps the system from being deleted: without it the waiver were for all."""

    waiver = models.ForeignKey(Waiver, on_delete=models.CASCADE, db_index=False)
    system = models.ForeignKey(System, on_delete=models.PROTECT)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["waiver", "system"], name="a_system_once_in_a_waiver")]

    def __str__(self) -> str:
        return f"{self.waiver}: {self.system}"
