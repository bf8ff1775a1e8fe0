"""The addresses of the dashboard."""

from django.urls import path

from jobruns.views.runs import runs
from jobruns.views.schedules import schedules
from jobruns.views.today import today

urlpatterns = [
    path("", today, name="today"),
    path("schedules", schedules, name="schedules"),
    path("runs", runs, name="runs"),
]
