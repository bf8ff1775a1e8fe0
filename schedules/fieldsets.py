"""The parts of the editor, in order, the job type's own fields among what a schedule does."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


def fieldsets(params: dict[str, forms.Field]) -> list[tuple[Any, dict[str, Any]]]:
    """Return the parts, `params` being the fields of the job type."""
    return [
        (_("What it does"), {"fields": [("name", "environment"), *_in_lines(params), "description", "tags"]}),
        (
            _("When"),
            {
                "fields": [
                    "schedule_type",
                    ("cron_expression", "scheduled_at", "interval_seconds", "timezone"),
                    "anchor_at",
                    "depends_on",
                ]
            },
        ),
        (_("On days off"), {"fields": ["calendar", "calendar_rule"]}),
        (_("If the last run is still going"), {"fields": ["overlap_policy", "max_instances"]}),
        (_("If fires were missed"), {"fields": ["misfire_policy", ("misfire_grace_seconds", "catchup_limit")]}),
        (_("Who is told"), {"classes": ["collapse"], "fields": ["channels", "callback_url"]}),
        (
            _("Retries, timeout, priority, start and end"),
            {
                "classes": ["collapse"],
                "fields": [
                    ("max_retries", "retry_delay_seconds", "retry_backoff"),
                    ("timeout_seconds", "priority", "jitter_seconds"),
                    ("start_at", "end_at", "max_runs"),
                    "queue",
                ],
            },
        ),
    ]


def _in_lines(fields: dict[str, forms.Field]) -> list[tuple[str, ...]]:
    """Return the names of `fields` in order, two short ones beside each other, a text area on a line of its own."""
    lines: list[tuple[str, ...]] = []
    half = ""
    for name, field in fields.items():
        if isinstance(field.widget, forms.Textarea):
            lines += [(half,), (name,)] if half else [(name,)]
            half = ""
        elif half:
            lines.append((half, name))
            half = ""
        else:
            half = name
    return [*lines, (half,)] if half else lines
