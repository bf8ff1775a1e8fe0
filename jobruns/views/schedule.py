"""A schedule: what it does and when, how it did, when it fires next, and how it is defined."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.secrecy import masked
from jobruns.backfill import going_on
from jobruns.models import JobRun
from jobruns.panels import facts
from jobruns.parentage import Awaited, awaited, condition, warning
from jobruns.states import State, state_of, why
from jobruns.strips import counted, sparkline
from jobruns.views.schedules import line, when
from jobruns.views.versions import LISTED
from jobtypes import registry
from jobtypes.base import InvalidParams
from schedules.dependencies import Dependency
from schedules.models import Schedule
from schedules.moments import span
from schedules.months import grid, listed, month_named, neighbours
from schedules.pages import page, row_number, viewer_zone
from schedules.queries import ScheduleQuerySet
from schedules.telling import NoticeRule, subscribers
from schedules.timing import TimingError, preview

STRIP, PAGE, AHEAD, CHILDREN = 30, 30, 15, 50
TABS = {"runs", "future", "definition"}


@page("schedules.view_schedule", "jobruns.view_jobrun")
def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one schedule under the chosen tab."""
    shown = get_object_or_404(Schedule.objects.visible_to(request.user), pk=pk)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "runs"
    recent = JobRun.objects.visible_to(request.user).outline().newest_of([pk], STRIP).get(pk, [])
    took = [run.duration_seconds for run in recent if run.duration_seconds is not None]
    fill = {"runs": history, "future": future, "definition": definition}[tab]
    return render(
        request,
        "schedule.html",
        {
            "schedule": shown,
            "line": line(shown, recent),
            "outcomes": counted([state_of(run).word for run in recent]),
            "spark": sparkline(took, shown.usual_seconds, width=110),
            "band": (min(took), max(took)) if took else None,
            "kind": dict(registry.choices()).get(shown.job_type, shown.job_type),
            "does": does(shown),
            "tab": tab,
            "parents": parents(shown),
            "children": children(shown, Schedule.objects.visible_to(request.user)),
            "warning": warning(shown),
            "follows": follows(shown),
            "zone": viewer_zone(request),
            **fill(request, shown),
        },
    )


def parents(shown: Schedule) -> list[tuple[Awaited, State | None]]:
    """Return what it waits for, each with how that ended last."""
    found = awaited(shown)
    words = dict(JobRun.Status.choices)
    return [(one, State(one.ended_as, str(words[one.ended_as])) if one.ended_as else None) for one in found]


def follows(shown: Schedule) -> str:
    """Say of a schedule without timing of its own when it runs; "" if nobody but a person starts it."""
    needed = condition(shown) if shown.schedule_type == Schedule.Kind.MANUAL else ""
    return _("When %(condition)s") % {"condition": needed} if needed else ""


def children(shown: Schedule, seen: ScheduleQuerySet) -> list[tuple[Dependency, State | None]]:
    """Return what of `seen` waits for it, each with how its own last run ended."""
    found = shown.dependants.select_related("child").filter(child__in=seen.existing()).order_by("child__name")
    words = dict(JobRun.Status.choices)
    return [
        (one, State(one.child.last_status, str(words[one.child.last_status])) if one.child.last_status else None)
        for one in found[:CHILDREN]
    ]


def does(shown: Schedule) -> str:
    """Say what it does, in the words of its job type; empty where its parameters are no longer valid."""
    try:
        kind = registry.job_type(shown.job_type)
        return kind.summarise(registry.parse(shown.job_type, shown.params))
    except InvalidParams:
        return ""


def history(request: HttpRequest, shown: Schedule) -> dict[str, Any]:
    """Return one page of its runs, newest first."""
    before = row_number(request.GET.get("before"))
    found = shown.runs.visible_to(request.user).light().order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    runs = list(found[: PAGE + 1])
    return {
        "runs": [(run, state_of(run), why(run)) for run in runs[:PAGE]],
        "older": runs[PAGE - 1].pk if len(runs) > PAGE else None,
        "before": before,
        "backfills": going_on(shown),
    }


def future(request: HttpRequest, shown: Schedule) -> dict[str, Any]:
    """Return the month grid, the next instants and what the next clock changes do to them."""
    now = timezone.now()
    zone = ZoneInfo(shown.timezone)
    today = now.astimezone(zone).date()
    month = month_named(request.GET.get("month", ""), today)
    earlier, later = neighbours(month)
    try:
        weeks, ahead = grid(shown.timing, month, now), preview(shown.timing, now, AHEAD)
    except TimingError as broken:
        return {"broken": str(broken)}
    return {
        "weeks": weeks,
        "month": month,
        "earlier": earlier if earlier >= today.replace(day=1) else None,
        "later": later,
        "fires": sum(day.count for week in weeks for day in week if not day.other),
        "instants": listed(shown.timing, ahead, 2 * AHEAD),
        "effects": [(effect.change.at.astimezone(zone), effect.sentence) for effect in ahead.effects],
    }


def definition(request: HttpRequest, shown: Schedule) -> dict[str, Any]:
    """Return its fields in groups, each with its name and a text, secrets hidden; and its newest versions."""
    versions = list(shown.versions.defer("definition")[: LISTED + 1])
    return {
        "versions": versions[:LISTED],
        "more_versions": len(versions) > LISTED,
        "groups": [
            (_("What"), [(_("Type"), shown.job_type), *facts(masked(shown.params))]),
            (_("When"), timing_facts(shown)),
            (_("When things go wrong"), policy_facts(shown)),
            (_("Who is told"), told_facts(shown)),
            (_("About"), about_facts(shown)),
        ],
    }


def timing_facts(shown: Schedule) -> list[tuple[str, str]]:
    """Return when it fires, field by field, leaving out what is empty."""
    moments = {_("Starts"): shown.start_at, _("Ends"): shown.end_at, _("Once, at"): shown.scheduled_at}
    zone = ZoneInfo(shown.timezone)
    return [
        (_("Sentence"), when(shown)),
        *([(_("Only if"), needed)] if (needed := condition(shown)) else []),
        *([(_("Cron"), shown.cron_expression)] if shown.cron_expression else []),
        *([(_("Interval"), span(shown.interval_seconds))] if shown.interval_seconds else []),
        (_("Time zone"), shown.timezone),
        *[(name, at.astimezone(zone).strftime("%Y-%m-%d %H:%M")) for name, at in moments.items() if at],
        *([(_("Calendar"), calendar_words(shown))] if shown.calendar else []),
        *([(_("At most"), _("%(n)s runs") % {"n": shown.max_runs})] if shown.max_runs else []),
        *([(_("Put off by up to"), span(shown.jitter_seconds))] if shown.jitter_seconds else []),
    ]


def told_facts(shown: Schedule) -> list[tuple[str, str]]:
    """Return who is told what of it, by its own word or by default."""
    rules = NoticeRule.objects.about({shown.pk: shown.environment})[shown.pk]
    found = [
        (str(NoticeRule.Event(event).label), ", ".join(sorted(names)))
        for (event, _threshold), names in subscribers(shown.channels, rules).items()
        if event not in {"daily", "weekly"}
    ]
    if shown.callback_url:
        found.append((_("Every ending"), shown.callback_url))
    own = registry.job_types().get(shown.job_type)
    if own is not None and own.inline_channels and (names := shown.params.get(own.inline_channels)):
        found.append((_("Of what it finds"), ", ".join(map(str, names))))
    return found or [(_("Nobody"), _("name channels in the editor, or make a default rule in the workshop"))]


def calendar_words(shown: Schedule) -> str:
    """Say which calendar it goes by, and what becomes of an instant on a closed day."""
    return f"{shown.calendar}, {shown.get_calendar_rule_display().lower()}"


def policy_facts(shown: Schedule) -> list[tuple[str, str]]:
    """Return the rules for overlap, missed instants, timeouts and retries."""
    retries = _("none")
    if shown.max_retries:
        words = {
            "n": shown.max_retries,
            "span": span(shown.retry_delay_seconds),
            "how": shown.get_retry_backoff_display().lower(),
        }
        retries = _("%(n)s, after %(span)s, %(how)s") % words
    return [
        (_("The one before still runs"), str(shown.get_overlap_policy_display())),
        (_("Instants were missed"), str(shown.get_misfire_policy_display())),
        (_("On time up to"), span(shown.misfire_grace_seconds)),
        (_("Killed after"), span(shown.timeout_seconds)),
        (_("Retries"), retries),
        (_("Priority"), _("%(n)s of 10") % {"n": shown.priority}),
    ]


def about_facts(shown: Schedule) -> list[tuple[str, str]]:
    """Return who made it and what it is called."""
    return [
        (_("Environment"), shown.environment),
        (_("Tags"), ", ".join(shown.tags) or "–"),
        (_("Description"), shown.description or "–"),
        (_("Version"), str(shown.version)),
        *([(_("Declared in"), _("%(file)s; edit it there") % {"file": shown.source})] if shown.source else []),
        *([(_("Template"), template_words(shown))] if hasattr(shown, "origin") else []),
        (_("Created"), f"{timezone.localtime(shown.created_at):%Y-%m-%d %H:%M}, {shown.created_by or '–'}"),
        (_("Changed"), f"{timezone.localtime(shown.updated_at):%Y-%m-%d %H:%M}, {shown.updated_by or '–'}"),
    ]


def template_words(shown: Schedule) -> str:
    """Say which template it was made from, at which version, and which one there is now."""
    origin = shown.origin
    words = {"name": origin.template.name, "version": origin.version, "newest": origin.template.version}
    said = _("%(name)s, version %(version)s") % words
    return _("%(said)s; the newest is %(newest)s") % {**words, "said": said} if origin.is_outdated else said
