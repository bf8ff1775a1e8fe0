"""How many runs of schedules with one tag may go on at once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q

from integrations import audit
from integrations.access import Common
from integrations.naming import has_control_characters
from schedules.wakeup import wake_schedulers

MOST = 10_000


class TagLimitQuerySet(Common, models.QuerySet["TagLimit"]):
    pass


class TagLimit(models.Model):
    """At most `max_running` runs at once of all schedules that carry `tag`, in every process together."""

    trail_kind = "tag-limit"

    tag = models.CharField(max_length=64, unique=True, help_text="As the schedules have it, letter by letter.")
    max_running = models.PositiveIntegerField(
        "at most at once",
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
        help_text="Further runs wait in line and hold up no others.",
    )
    note = models.CharField(max_length=500, blank=True, default="", help_text="Why there is this limit.")
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TagLimitQuerySet.as_manager()

    class Meta:
        ordering = ["tag"]
        verbose_name = "limit of a tag"
        verbose_name_plural = "limits of tags"
        constraints = [models.CheckConstraint(condition=Q(max_running__gte=1), name="a_limit_lets_one_run")]

    def __str__(self) -> str:
        return self.tag

    def clean(self) -> None:
        """Refuse what no schedule can carry; raises ValidationError by field."""
        if self.tag != self.tag.strip() or has_control_characters(self.tag):
            raise ValidationError({"tag": ["Control characters and blanks at the ends are not allowed."]})

    def store(self, *, by: str) -> None:
        """Check and save it, and let waiting runs know; raises ValidationError by field."""
        new = self._state.adding
        if new:
            self.created_by = by
        self.updated_by = by
        with transaction.atomic():
            before = {} if new else TagLimit.objects.get(pk=self.pk).recorded()
            self.full_clean()
            self.save()
            audit.record("create" if new else "update", self, by=by, before=before, after=self.recorded())
            wake_schedulers()

    def remove(self, *, by: str) -> None:
        """Delete it, and let waiting runs know."""
        with transaction.atomic():
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()
            wake_schedulers()

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        return {"tag": self.tag, "max_running": self.max_running, "note": self.note}
