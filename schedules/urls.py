"""The addresses of what is done to schedules from the dashboard, and of templates."""

from django.urls import path

from schedules.patterns.views import fill, fill_preview, made_from, templates
from schedules.views import act_on_many, act_on_one

urlpatterns = [
    path("templates", templates, name="templates"),
    path("templates/<int:pk>", fill, name="template"),
    path("templates/<int:pk>/preview", fill_preview, name="template_preview"),
    path("templates/<int:pk>/instances", made_from, name="template_instances"),
    path("schedules/act/<slug:verb>", act_on_many, name="schedules_act"),
    path("schedules/<int:pk>/<slug:verb>", act_on_one, name="schedule_act"),
]
