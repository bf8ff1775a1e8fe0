"""What a schedule depends on as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from integrations.rest.fields import StrictFields
from schedules.dependencies import Dependency, Wanted


class DependsOnSerializer(StrictFields):
    """A schedule that this one waits for."""

    kept_by_us = frozenset(["environment", "status"])

    schedule = serializers.CharField(
        max_length=255, required=False, help_text="A name in the same environment, or the id of one in any."
    )
    schedule_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    on = serializers.ChoiceField(
        Dependency.On.choices, default=Dependency.On.SUCCESS, help_text="How its run must have ended."
    )
    environment = serializers.CharField(read_only=True)
    status = serializers.CharField(read_only=True, help_text="Of that schedule; one that was deleted ends no more.")

    def to_representation(self, dependency: Dependency) -> dict[str, Any]:
        """Return the dependency with the names as they are now."""
        parent = dependency.parent
        return {
            "schedule": parent.name,
            "schedule_id": parent.pk,
            "on": dependency.on,
            "environment": parent.environment,
            "status": parent.status,
        }


class DependenciesField(serializers.ListField):
    """What a schedule depends on: null and an empty list clear it."""

    child = DependsOnSerializer()

    def to_representation(self, rows: Any) -> list[Any]:
        """Return each dependency in the order in which it was made."""
        return [self.child.to_representation(one) for one in rows.all()]


def wanted(values: dict[str, Any]) -> list[Wanted] | None:
    """Take out of `values` what the schedule is to depend on; None if nothing was sent."""
    if "dependencies" not in values:
        return None
    return [Wanted(**one) for one in values.pop("dependencies") or ()]
