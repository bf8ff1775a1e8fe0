"""A filter by kind of work, under any of its names."""

from __future__ import annotations

from typing import Any

import django_filters

from jobtypes import registry


class JobTypeFilter(django_filters.CharFilter):
    """Keeps what is done by the job type of that name or alias; no other word matches anything."""

    def filter(self, rows: Any, value: str) -> Any:
        """Return the rows that pass."""
        return super().filter(rows, registry.canonical(value) if value else value)
