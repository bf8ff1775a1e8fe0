"""Fields of the editor: cards that say what a choice leads to, moments in the schedule's zone, tags."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from schedules.clock import zone_names

CONSEQUENCES = {
    "schedule_type": {
        "cron": _("At the minutes an expression names."),
        "interval": _("Again and again, so many seconds apart."),
        "one_time": _("At one moment, then it is completed."),
        "immediate": _("As soon as it is saved, once."),
        "manual": _("When somebody asks for it, or after others."),
    },
    "calendar_rule": {
        "skip": _("It is recorded as skipped."),
        "next": _("At the same time on the next open day; at the end of a maintenance window."),
        "previous": _("At the same time on the open day before; skipped in a maintenance window."),
    },
    "overlap_policy": {
        "skip": _("The new one is recorded as skipped."),
        "buffer_one": _("One waits; any others are skipped."),
        "buffer_all": _("They start one after the other."),
        "cancel_other": _("The old one is asked to stop, then the new one starts."),
        "terminate_other": _("The old one is killed, then the new one starts."),
        "allow": _("As many as allowed below share the slots."),
    },
    "misfire_policy": {
        "latest": _("One run stands for all of them."),
        "all": _("Oldest first, as many as allowed below."),
        "skip": _("They are recorded as missed."),
    },
}


FIRST_YEAR, LAST_YEAR = 1970, 9998
SELECTED = mark_safe(" selected")


class Cards(forms.RadioSelect):
    """Radio buttons that say what each choice leads to, one line each."""

    def __init__(self, consequences: dict[str, Any]) -> None:
        super().__init__()
        self.consequences = consequences

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **options)
        return {**option, "consequence": self.consequences.get(str(value), "")}


class Zones(forms.Select):
    """A plain list of time zones: there are six hundred, so each option is as short as can be."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        shown = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        names = (zone for zone, _label in self.choices)
        options = format_html_join(
            "", "<option{}>{}</option>", ((SELECTED if zone == value else "", zone) for zone in names)
        )
        return format_html("<select{}>{}</select>", shown, options)


class MomentField(forms.CharField):
    """A moment as the schedule's zone writes it, such as 2026-11-27T06:00; one with an offset is taken as it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), **options)

    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None:
            raise ValidationError(_("Write a date and a time, such as 2026-11-27 06:00."))
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValidationError(_("Write a year from %d to %d.") % (FIRST_YEAR, LAST_YEAR))
        return moment


class TagsField(forms.CharField):
    """Words parted by commas."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        words = (word.strip() for word in super().clean(value).split(","))
        return list(dict.fromkeys(word for word in words if word))


def local_text(moment: datetime | None, zone: str) -> str | None:
    """Return an aware moment as its zone's clocks show it, in the shortest form that browsers send back."""
    if moment is None or zone not in zone_names():
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return moment.isoformat()
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
    return local.isoformat(timespec="seconds" if local.second else "minutes")
