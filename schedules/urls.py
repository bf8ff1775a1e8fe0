"""The addresses of what is done to schedules from the dashboard."""

from django.urls import path

from schedules.views import act_on_many, act_on_one

urlpatterns = [
    path("schedules/act/<slug:verb>", act_on_many, name="schedules_act"),
    path("schedules/<int:pk>/<slug:verb>", act_on_one, name="schedule_act"),
]
