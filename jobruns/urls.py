"""The addresses of the dashboard."""

from django.urls import path

from jobruns.views.again import again_with_changes
from jobruns.views.alerts import alert, alert_acknowledge, alert_silence, alert_unsilence, alerts, incidents
from jobruns.views.backfill import backfill_page, withdraw_backfill
from jobruns.views.changes import changes
from jobruns.views.compliance import compliance, compliance_system
from jobruns.views.deliveries import deliveries, delivery, send_again
from jobruns.views.importing import import_dry_run, import_now
from jobruns.views.imports import import_project, imports, run_rejects
from jobruns.views.importtrial import import_try
from jobruns.views.run import again, cancel, log_lines, raw_log, run
from jobruns.views.runs import runs
from jobruns.views.schedule import schedule
from jobruns.views.schedules import schedules
from jobruns.views.today import today
from jobruns.views.versions import version_page

urlpatterns = [
    path("", today, name="today"),
    path("schedules", schedules, name="schedules"),
    path("schedules/<int:pk>", schedule, name="schedule"),
    path("schedules/<int:pk>/backfill", backfill_page, name="schedule_backfill"),
    path("schedules/<int:pk>/backfill/withdraw", withdraw_backfill, name="schedule_backfill_withdraw"),
    path("deliveries", deliveries, name="deliveries"),
    path("deliveries/<int:pk>", delivery, name="delivery"),
    path("deliveries/<int:pk>/again", send_again, name="delivery_again"),
    path("schedules/<int:pk>/versions/<int:number>", version_page, name="schedule_version"),
    path("runs", runs, name="runs"),
    path("runs/<int:pk>", run, name="run"),
    path("runs/<int:pk>/log", raw_log, name="run_log"),
    path("runs/<int:pk>/rejects", run_rejects, name="run_rejects"),
    path("runs/<int:pk>/lines", log_lines, name="run_lines"),
    path("runs/<int:pk>/cancel", cancel, name="run_cancel"),
    path("runs/<int:pk>/again", again, name="run_again"),
    path("runs/<int:pk>/again/changed", again_with_changes, name="run_again_changed"),
    path("compliance", compliance, name="compliance"),
    path("compliance/<int:pk>", compliance_system, name="compliance_system"),
    path("changes", changes, name="changes"),
    path("alerts", alerts, name="alerts"),
    path("alerts/incidents", incidents, name="incidents"),
    path("alerts/<int:pk>", alert, name="alert"),
    path("alerts/<int:pk>/silence", alert_silence, name="alert_silence"),
    path("alerts/<int:pk>/unsilence", alert_unsilence, name="alert_unsilence"),
    path("alerts/<int:pk>/acknowledge", alert_acknowledge, name="alert_acknowledge"),
    path("imports", imports, name="imports"),
    path("imports/try", import_try, name="import_try"),
    path("imports/<int:pk>", import_project, name="import_project"),
    path("imports/<int:pk>/import", import_now, name="import_now"),
    path("imports/<int:pk>/dry-run", import_dry_run, name="import_dry_run"),
    path("imports/<int:pk>/try", import_try, name="import_project_try"),
]
