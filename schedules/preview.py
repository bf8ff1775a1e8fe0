"""What a timing that somebody tries out would do; checked by the gate that every schedule passes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from schedules import changes, rules, timing
from schedules.models import Schedule


def of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return sentence, timezone, instants, closed, local_times and clock_changes of the timing in `values`.

    `values` are a schedule's timing fields with `count` and `after`. Raises ValidationError by field.
    """
    now = timezone.now()
    schedule = Schedule()
    changes.apply(schedule, {name: value for name, value in values.items() if name not in {"count", "after"}})
    schedule.anchor_at = schedule.anchor_at or now.replace(microsecond=0)
    if schedule.schedule_type == Schedule.Kind.IMMEDIATE:
        schedule.scheduled_at = now + timedelta(seconds=1)
    errors: rules.Errors = {}
    rules.check_timing(schedule, errors)
    if errors:
        raise ValidationError(errors)
    after = changes.localise(values["after"], schedule.timezone) or now
    found = timing.preview(schedule.timing, after, values["count"])
    zone = timing.zone(schedule.timezone)
    return {
        "sentence": found.sentence,
        "timezone": schedule.timezone,
        "instants": found.instants,
        "closed": found.closed,
        "local_times": [instant.astimezone(zone).isoformat() for instant in found.instants],
        "clock_changes": [
            {
                "at": effect.change.at,
                "offset_before": int(effect.change.before.total_seconds()),
                "offset_after": int(effect.change.after.total_seconds()),
                "effect": effect.sentence,
            }
            for effect in found.effects
        ],
    }


def check_range(start: datetime, end: datetime) -> None:
    """Refuse a stretch that runs backwards or is longer than MAX_SCHEDULE_LOOKAHEAD_DAYS; raises ValidationError."""
    if end < start:
        raise ValidationError({"to": ["It lies before from."]})
    if end - start > timedelta(days=settings.MAX_SCHEDULE_LOOKAHEAD_DAYS):
        raise ValidationError({"to": [f"At most {settings.MAX_SCHEDULE_LOOKAHEAD_DAYS} days after from."]})
