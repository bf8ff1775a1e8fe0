"""The list of schedules."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from schedules.pages import page


@page("schedules.view_schedule", "jobruns.view_jobrun")
def schedules(request: HttpRequest) -> HttpResponse:
    """Show the list."""
    return render(request, "schedules.html", {})
