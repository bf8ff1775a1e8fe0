"""What rights are for: the scopes of tokens and the roles of people, from one table. Pure."""

from __future__ import annotations

from collections.abc import Iterable

SCOPES = {
    "read": "see everything that its user may see",
    "operate": "run, import, pause, resume, cancel, acknowledge and send again",
    "edit": "make, change and delete schedules, calendars, import projects and what belongs to them",
    "admin": "make, change and delete connections, channels, limits, tokens and users, and see who did what",
}
ROLES = {"viewer": "read", "operator": "operate", "editor": "edit", "admin": "admin"}  # each includes those before it
OPERATING = {"trigger", "import", "pause", "cancel", "replay", "silence", "acknowledge", "backfill"}
CONFIDENTIAL = {
    "apitoken",
    "auditentry",
    "evidenceaccess",
    "user",
    "group",
    "permission",
    "access",
}  # seen by administrators only
GUARDED = {*CONFIDENTIAL, "connection", "channel", "taglimit"}


def scope_of(right: str) -> str:
    """Return the scope that a right such as "schedules.pause_schedule" belongs to."""
    verb, _, what = right.partition(".")[2].partition("_")
    if verb == "view":
        return "admin" if what in CONFIDENTIAL else "read"
    if verb in OPERATING:
        return "operate"
    return "admin" if what in GUARDED else "edit"


def role_for(right: str) -> str:
    """Return the least role that has a right."""
    scope = scope_of(right)
    return next(role for role, own in ROLES.items() if own == scope)


def includes(role: str, right: str) -> bool:
    """Tell whether a role has a right; no role, "", has none."""
    if role not in ROLES:
        return False
    order = list(ROLES)
    return order.index(role_for(right)) <= order.index(role)


def highest(names: Iterable[str]) -> str:
    """Return the role among names of groups that includes the others; "" where none is a role."""
    found = set(names)
    return next((role for role in reversed(ROLES) if role in found), "")


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
