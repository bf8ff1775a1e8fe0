"""What the frame around every page shows: where one is, where one can go, and whether a scheduler is alive."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from jobruns.models import SchedulerProcess
from schedules.models import Schedule

TABS = {"today", "schedules", "runs", "alerts"}  # at the foot of a phone
THEMES = {"light", "dark"}
GROUPS = (
    (
        ("today", "today", _("Today"), "schedules.view_schedule"),
        ("schedules", "schedules", _("Schedules"), "schedules.view_schedule"),
        ("runs", "runs", _("Runs"), "jobruns.view_jobrun"),
    ),
    (
        ("alerts", "bell", _("Alerts"), "jobtypes.view_alertstate"),
        ("imports", "imports", _("Imports"), "jobtypes.view_importproject"),
        ("compliance", "compliance", _("Compliance"), "jobtypes.view_validationresult"),
        ("deliveries", "deliveries", _("Deliveries"), "integrations.view_delivery"),
    ),
    (
        ("changes", "changes", _("Changes"), "integrations.view_auditentry"),
        ("admin:index", "workshop", _("Workshop"), ""),
    ),
)
BELONGS_TO = {
    "schedule": "schedules",
    "template": "schedules",
    "templates": "schedules",
    "run": "runs",
    "delivery": "deliveries",
    "alert": "alerts",
    "incidents": "alerts",
    "import": "imports",
}


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The sign of life of all schedulers together; `last_at` and `host` are those of the newest one."""

    schedulers: int
    free: int
    last_at: datetime | None
    host: str
    waiting: int

    @property
    def alive(self) -> bool:
        """Tell whether at least one scheduler fires."""
        return self.schedulers > 0


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the heartbeat, the environment, the links and the theme for the page's frame."""
    theme = request.COOKIES.get("theme", "")
    return {
        "heartbeat": SimpleLazyObject(heartbeat),
        "environment": settings.DEFAULT_ENVIRONMENT,
        "links": SimpleLazyObject(lambda: links(request)),
        "theme": theme if theme in THEMES else "",
        "moment": timezone.now(),
    }


def heartbeat() -> Heartbeat:
    """Read the processes' sign of life; fires that wait are counted only when nobody fires them."""
    alive = list(SchedulerProcess.objects.alive())
    firing = [one for one in alive if one.fires]
    newest = firing[0] if firing else SchedulerProcess.objects.filter(fires=True).first()
    return Heartbeat(
        schedulers=len(firing),
        free=sum(max(one.slots - one.busy, 0) for one in alive),
        last_at=newest.heartbeat_at if newest else None,
        host=newest.host if newest else "",
        waiting=0 if firing else Schedule.objects.due(timezone.now()).count(),
    )


def links(request: HttpRequest) -> list[list[dict[str, Any]]]:
    """Return the groups of the rail with what this user may open; `current` marks where the page belongs."""
    here = current(request)
    user = request.user
    return [
        [
            {
                "url": reverse(name),
                "name": name,
                "icon": icon,
                "label": label,
                "current": here == name,
                "tab": name in TABS,
            }
            for name, icon, label, permission in group
            if (user.has_perm(permission) if permission else getattr(user, "is_staff", False))
        ]
        for group in GROUPS
    ]


def current(request: HttpRequest) -> str:
    """Return the name of the link that the page belongs to, empty if none."""
    match = request.resolver_match
    if match is None:
        return ""
    if match.app_name == "admin":
        return "admin:index"
    name = (match.url_name or "").split("_")[0]
    return BELONGS_TO.get(name, name)
