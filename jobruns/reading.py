"""What the workshop's lists of what happened share: nobody writes in them, and they never count millions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobruns.history import COUNTED

if TYPE_CHECKING:
    Pages = Paginator[Any]
else:
    Pages = Paginator


class Capped(Pages):
    """Pages that never count beyond the newest 10,000 rows."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:COUNTED].count())


class Narrowed(ChangeList):
    """A list whose whole length is not asked for; unless it is narrowed down, its length is all there is to say."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.has_active_filters and not self.query:
            self.full_result_count = self.result_count


def iso(moment: datetime | None) -> SafeString | str:
    """Return a moment in UTC, in ISO form; a dash for none."""
    if moment is None:
        return "–"
    utc = moment.astimezone(UTC)
    return format_html(
        '<time class="mono" datetime="{}">{}</time>', utc.isoformat(), utc.strftime("%Y-%m-%d %H:%M:%SZ")
    )


def text(value: str) -> SafeString | str:
    """Return text with its lines and blanks as they are; a dash for none."""
    return format_html("<pre>{}</pre>", value) if value else "–"


def pretty(value: Any) -> SafeString:
    """Return JSON as a person reads it."""
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
