"""Runs and scheduler processes in the workshop: read, never written; a run can be cancelled or asked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.acting import together
from integrations.secrecy import masked
from integrations.workshop import ReadOnly
from jobruns.history import COUNTED
from jobruns.models import JobRun, SchedulerProcess
from jobruns.queries import FRESH
from jobruns.reading import Capped, Narrowed, iso, pretty, text
from jobruns.states import state_of, why
from schedules.badges import badge
from schedules.models import Schedule
from schedules.moments import span
from schedules.narrowing import ByEnvironment, ByJobType

if TYPE_CHECKING:
    RunAdminBase = admin.ModelAdmin[JobRun]
    ProcessAdminBase = admin.ModelAdmin[SchedulerProcess]
    Runs = QuerySet[JobRun]
else:
    RunAdminBase = ProcessAdminBase = admin.ModelAdmin

LOG_LINES = 200
AGAIN = 100  # runs that are asked for at once, at most


class ByRunStatus(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return list(JobRun.Status.choices)

    def queryset(self, request: HttpRequest, queryset: Runs) -> Runs:
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(JobRun)
class JobRunAdmin(ReadOnly, RunAdminBase):
    list_display = (
        "number",
        "schedule_name",
        "environment",
        "state",
        "what_happened",
        "due",
        "began",
        "took",
        "trigger",
    )
    list_display_links = ("number",)
    list_filter = (ByRunStatus, ByEnvironment, ByJobType, "trigger")
    search_fields = ("schedule_name",)
    search_help_text = "Schedule, number or correlation id"
    ordering = ("-id",)
    sortable_by = ()
    list_per_page = 50
    list_select_related = False
    show_full_result_count = False
    paginator = Capped
    actions = ("cancel_runs", "run_again")
    fields = (
        ("schedule_link", "environment"),
        ("state", "reason"),
        "summary",
        "what_went_wrong",
        "trace",
        ("due", "queued", "began", "ended"),
        ("took", "attempt", "trigger", "triggered_by"),
        "parameters",
        "outcome",
        "log",
        ("correlation_id", "idempotency_key"),
        ("owner", "schedule_version", "priority", "timeout_seconds"),
    )
    readonly_fields = (
        "schedule_link",
        "state",
        "what_went_wrong",
        "trace",
        "due",
        "queued",
        "began",
        "ended",
        "took",
        "parameters",
        "outcome",
        "log",
    )

    def get_queryset(self, request: HttpRequest) -> Runs:
        match = request.resolver_match
        listed = match is not None and match.url_name == "jobruns_jobrun_changelist"
        runs: Runs = JobRun.objects.light() if listed else JobRun.objects.all()
        return runs

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[Narrowed]:
        return Narrowed

    def get_search_results(self, request: HttpRequest, queryset: Runs, search_term: str) -> tuple[Runs, bool]:
        """Look where an index leads: the number, the correlation id, the schedules of that name."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(correlation_id=term) | Q(schedule__in=Schedule.objects.filter(name__icontains=term)[:1000])
        if term.isascii() and term.isdecimal() and len(term) < 19:
            found |= Q(pk=int(term))
        return queryset.filter(found), False

    @admin.display(description="Run")
    def number(self, run: JobRun) -> str:
        return f"#{run.pk}"

    @admin.display(description="Status")
    def state(self, run: JobRun) -> SafeString:
        found = state_of(run)
        return badge(found.key, found.word)

    @admin.display(description="What happened")
    def what_happened(self, run: JobRun) -> str:
        return why(run)[:200]

    @admin.display(description="Error")
    def what_went_wrong(self, run: JobRun) -> SafeString | str:
        return text(run.error)

    @admin.display(description="Traceback")
    def trace(self, run: JobRun) -> SafeString | str:
        return text(run.traceback)

    @admin.display(description="Scheduled for")
    def due(self, run: JobRun) -> SafeString | str:
        return iso(run.scheduled_for)

    @admin.display(description="Written")
    def queued(self, run: JobRun) -> SafeString | str:
        return iso(run.queued_at)

    @admin.display(description="Started")
    def began(self, run: JobRun) -> SafeString | str:
        return iso(run.started_at)

    @admin.display(description="Finished")
    def ended(self, run: JobRun) -> SafeString | str:
        return iso(run.finished_at)

    @admin.display(description="Took")
    def took(self, run: JobRun) -> str:
        return "–" if run.duration_seconds is None else span(run.duration_seconds)

    @admin.display(description="Schedule")
    def schedule_link(self, run: JobRun) -> SafeString:
        return format_html('<a href="{}">{}</a>', _address_of_schedule(run), run.schedule_name)

    @admin.display(description="Parameters as used")
    def parameters(self, run: JobRun) -> SafeString:
        return pretty(masked(run.params))

    @admin.display(description="Result")
    def outcome(self, run: JobRun) -> SafeString:
        return pretty(masked({"metrics": run.metrics, "result": run.result, "attributes": run.attributes}))

    @admin.display(description="Log")
    def log(self, run: JobRun) -> SafeString | str:
        """Show the last lines; the whole log is on the run's page."""
        lines = list(run.log_lines.order_by("-number")[:LOG_LINES])
        if not lines:
            return _("Nothing was logged.")
        shown = "\n".join(f"{line.number:>5} {line.level:<7} {line.text}" for line in reversed(lines))
        more = _("The last %d lines; the run's page has all.\n") % LOG_LINES if len(lines) == LOG_LINES else ""
        return format_html("<pre>{}{}</pre>", more, shown)

    @admin.action(description=_("Cancel…"), permissions=["cancel"])
    def cancel_runs(self, request: HttpRequest, queryset: Runs) -> HttpResponse | None:
        """Ask, then cancel those that wait and tell those that run to stop; others stay as they ended."""
        chosen = list(queryset.values_list("pk", flat=True)[:COUNTED])
        active = list(JobRun.objects.filter(pk__in=chosen).active())
        if active and "confirmed" not in request.POST:
            return self._ask_to_cancel(request, active)
        with together():
            asked = sum(run.cancel(by=request.user.get_username()) for run in active)
        if asked:
            said = ngettext("Cancelled %(number)d run.", "Cancelled %(number)d runs.", asked)
            messages.success(request, said % {"number": asked})
        else:
            messages.warning(request, _("They have ended already; there is nothing to cancel."))
        return None

    def _ask_to_cancel(self, request: HttpRequest, active: list[JobRun]) -> HttpResponse:
        number = len(active)
        title = ngettext("Cancel %(number)d run?", "Cancel %(number)d runs?", number) % {"number": number}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "runs": active[:20],
            "more": max(0, number - 20),
            "selected": [run.pk for run in active],
            "checkbox": ACTION_CHECKBOX_NAME,
            "back": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/jobruns/jobrun/cancel.html", context)

    @admin.action(description=_("Run again"), permissions=["trigger"])
    def run_again(self, request: HttpRequest, queryset: Runs) -> None:
        """Ask for a new run of each, with the parameters it had."""
        number, refused = 0, []
        chosen = list(queryset.values_list("pk", flat=True)[:AGAIN])
        own = Schedule.objects.visible_to(request.user)
        for run in JobRun.objects.filter(pk__in=chosen, schedule__in=own).select_related("schedule"):
            try:
                asked = {"by": request.user.get_username(), "trigger": "manual", "act": "retry"}
                run.schedule.runs.request(**asked, params=run.params)
            except ValidationError as refusal:
                refused.append((" ".join(refusal.messages),))
            else:
                number += 1
        if number:
            said = ngettext("Asked for %(number)d run.", "Asked for %(number)d runs.", number)
            messages.success(request, said % {"number": number})
        if refused:
            messages.warning(request, format_html_join(" ", "{}", refused[:20]))

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobruns.cancel_jobrun")

    def has_trigger_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("schedules.trigger_schedule")


@admin.register(SchedulerProcess)
class SchedulerProcessAdmin(ReadOnly, ProcessAdminBase):
    list_display = ("name", "state", "work", "version", "slots", "busy", "began", "heard_of")
    sortable_by = ()
    fields = ("name", "host", "pid", "version", "work", ("slots", "busy"), "began", "heard_of", "ended")
    readonly_fields = ("work", "began", "heard_of", "ended")

    @admin.display(description="Status")
    def state(self, process: SchedulerProcess) -> SafeString:
        if process.stopped_at is not None:
            return badge("cancelled", _("Stopped"))
        alive = process.heartbeat_at >= timezone.now() - FRESH
        return badge("success", _("Alive")) if alive else badge("missed", _("Silent"))

    @admin.display(description="Work")
    def work(self, process: SchedulerProcess) -> str:
        if process.fires:
            return _("Fires and executes") if process.slots else _("Fires")
        return _("Executes %(queues)s") % {"queues": ", ".join(process.queues)} if process.slots else _("One run")

    @admin.display(description="Started")
    def began(self, process: SchedulerProcess) -> SafeString | str:
        return iso(process.started_at)

    @admin.display(description="Last sign of life")
    def heard_of(self, process: SchedulerProcess) -> SafeString | str:
        return iso(process.heartbeat_at)

    @admin.display(description="Stopped")
    def ended(self, process: SchedulerProcess) -> SafeString | str:
        return iso(process.stopped_at)


def _address_of_schedule(run: JobRun) -> str:
    return reverse("admin:schedules_schedule_change", args=[run.schedule_id])
