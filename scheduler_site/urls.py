"""Every address of Carillon."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from scheduler_site import api, health, metrics
from scheduler_site.login import Login

admin.autodiscover()

urlpatterns = [
    path("", include("jobruns.urls")),
    path("", include("schedules.urls")),
    path("login", Login.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("admin/login/", RedirectView.as_view(pattern_name="login", query_string=True)),
    path("admin/", admin.site.urls),
    path("api/v1/", include(api.addresses)),
    path("health", health.live),
    path("live", health.live),
    path("ready", health.ready),
    path("health/detailed", health.DetailedHealth.as_view()),
    path("metrics", metrics.Metrics.as_view()),
]
handler400 = api.bad_request
handler404 = api.not_found
handler500 = api.server_error
