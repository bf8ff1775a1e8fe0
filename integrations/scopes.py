"""What a token may be used for, within the rights of its user. Pure."""

from __future__ import annotations

from collections.abc import Iterable

SCOPES = {
    "read": "see everything that its user may see",
    "operate": "run, pause, resume, cancel and send again",
    "edit": "make, change and delete schedules, calendars and what belongs to them",
    "admin": "make, change and delete connections, channels, tokens and users",
}
OPERATING = {"trigger", "pause", "cancel", "replay", "silence"}
GUARDED = {"connection", "channel", "apitoken", "user", "group", "permission", "access", "taglimit"}


def scope_of(right: str) -> str:
    """Return the scope that a right such as "schedules.pause_schedule" belongs to."""
    verb, _, what = right.partition(".")[2].partition("_")
    if verb == "view":
        return "read"
    if verb in OPERATING:
        return "operate"
    return "admin" if what in GUARDED else "edit"


def allow(scopes: Iterable[str], right: str) -> bool:
    """Tell whether a token with these scopes may use a right of its user; without any it may use all."""
    chosen = set(scopes)
    return not chosen or scope_of(right) in chosen


def refusal(scopes: object) -> str:
    """Return why these are no scopes; empty if they are."""
    if not isinstance(scopes, list) or not all(isinstance(one, str) for one in scopes):
        return "Scopes are a list of words."
    if wrong := [one for one in scopes if one not in SCOPES]:
        return f"There is no scope {', '.join(map(repr, wrong))}. Choose of {', '.join(SCOPES)}."
    return ""
