"""The editor's rows of schedules that one waits for: a name to search by, and how that one must have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from schedules.dependencies import MOST, Dependency, Wanted
from schedules.models import Schedule

SPARE = 2  # empty rows below those that are filled in
OFFERED = 500  # names that a browser offers while one types
CHOICES = {"success": _("succeeded"), "failure": _("failed"), "finished": _("ended, however")}


class ParentRows(forms.Widget):
    """One row a parent, and some empty ones; the names of the environment's schedules are offered."""

    names: Sequence[str] = ()

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows: list[Wanted] = [*(value or []), *[Wanted()] * SPARE][: max(MOST, len(value or []))]
        own = (attrs or {}).get("id", f"id_{name}")
        drawn = format_html_join("", "{}", ((_row(name, own, place, one),) for place, one in enumerate(rows)))
        offered = format_html_join("", '<option value="{}">', ((offer,) for offer in self.names))
        return format_html('<div class="rows">{}</div><datalist id="{}_names">{}</datalist>', drawn, own, offered)

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[Wanted] | None:
        """Return the rows that were filled in; None if the form had none at all."""
        if f"{name}-0-schedule" not in data:
            return None
        found = []
        place = 0
        while (text := data.get(f"{name}-{place}-schedule")) is not None and place <= 2 * MOST:
            if text.strip():
                found.append(Wanted(schedule=text.strip(), on=data.get(f"{name}-{place}-on", "")))
            place += 1
        return found

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return f"{name}-0-schedule" not in data

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0"


class ParentsField(forms.Field):
    """What a schedule waits for, as `schedules.dependencies.Wanted`; None leaves it as it is."""

    widget = ParentRows

    def __init__(self) -> None:
        help_text = _(
            "Schedules of the same environment by name, others by number. With no timing of its own it runs when "
            "they have ended so; else each instant runs only if they have since the one before."
        )
        super().__init__(required=False, label=_("Only after"), help_text=help_text)

    def show(self, schedule: Schedule) -> list[Wanted]:
        """Offer the names that fit `schedule`, and return its parents as the rows show them."""
        here = Schedule.objects.existing().filter(environment=schedule.environment).exclude(pk=schedule.pk)
        rows: Any = self.widget
        rows.names = list(here.order_by("name").values_list("name", flat=True)[:OFFERED])
        if schedule.pk is None:
            return []
        return [_typed(schedule, one) for one in schedule.dependencies.select_related("parent")]


def _typed(schedule: Schedule, one: Dependency) -> Wanted:
    """Return a parent as a person would type it: one of elsewhere, or a deleted one, by its number."""
    near = one.parent.environment == schedule.environment and not one.parent.is_deleted
    return Wanted(schedule=one.parent.name if near else str(one.parent_id), on=one.on)


def _row(name: str, own: str, place: int, one: Wanted) -> SafeString:
    options = format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((on, SafeString(" selected") if on == one.on else "", label) for on, label in CHOICES.items()),
    )
    return format_html(
        '<div class="parent-row"><input type="text" name="{name}-{place}-schedule" id="{own}_{place}" value="{text}" '
        'list="{own}_names" maxlength="255" autocomplete="off" aria-label="{what}"> '
        '<select name="{name}-{place}-on" aria-label="{how}">{options}</select></div>',
        name=name,
        place=place,
        own=own,
        text=one.schedule,
        what=_("Schedule"),
        how=_("How it must have ended"),
        options=options,
    )
