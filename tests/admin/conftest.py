"""People of each standing at the workshop's pages, and forms filled in as a browser would."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

ADD = "/admin/schedules/schedule/add/"


@pytest.fixture
def boss(db):
    """A client of somebody who may do everything."""
    return signed_in(User.objects.create_superuser("boss"))


@pytest.fixture
def person_who_may(db):
    """Return a function that makes a client of somebody with these rights alone."""

    def make(*rights):
        user = User.objects.create_user(f"person-{User.objects.count()}", is_staff=True)
        for right in rights:
            app, codename = right.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return signed_in(user)

    return make


def signed_in(user):
    client = Client()
    client.force_login(user)
    client.user = user
    return client


def filled(client, page, /, **typed):
    """Return what a browser would send from the form at `page`, with `typed` in its fields."""
    form = client.get(page).context["adminform"].form
    shown = {field.html_name: field.value() for field in form}
    sent = {name: "" if value is None else value for name, value in shown.items() if value is not False}
    return {**sent, **typed}


def add(client, kind, **typed):
    """Send the form for a new schedule of one job type; every five minutes unless told otherwise."""
    address = f"{ADD}?job_type={kind}"
    return client.post(address, filled(client, address, **{"cron_expression": "*/5 * * * *", **typed}))


def errors(response):
    """Return the form's errors, field by field; the page must have come back with nothing saved."""
    assert response.status_code == 200
    return {name: " ".join(texts) for name, texts in response.context["adminform"].form.errors.items()}
