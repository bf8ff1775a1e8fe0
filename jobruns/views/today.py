"""Today: one sentence, the day as a timeline, and what fails, runs, comes and was."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from schedules.pages import page


@page("schedules.view_schedule", "jobruns.view_jobrun")
def today(request: HttpRequest) -> HttpResponse:
    """Show the day."""
    return render(request, "today.html", {})
