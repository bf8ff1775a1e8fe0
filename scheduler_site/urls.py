"""Every address of Carillon."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from scheduler_site import api, health, metrics
from scheduler_site.login import Login
from scheduler_site.sso_settings import PROVIDER

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
if settings.SSO is not None:
    from scheduler_site import sso  # its package is there only where single sign-on is set up

    urlpatterns += [
        path("sso/login", sso.start, name="sso_login"),
        re_path(f"^sso/(?P<provider_id>{PROVIDER})/callback$", sso.finish, name="openid_connect_callback"),
    ]
    for model in sso.kept():
        admin.site.unregister(model)  # what it is asked comes from the environment alone
handler400 = api.bad_request
handler404 = api.not_found
handler500 = api.server_error
