"""Users of each standing, and clients that speak for them with a token."""

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from integrations.models import ApiToken
from integrations.rest import throttles


class Caller:
    """A program with a token: bodies go out as JSON, answers are Django's test responses."""

    def __init__(self, user):
        self.user = user
        self.token = ApiToken.issue(user=user, name="tests")[1]
        self.client = Client(headers={"Authorization": f"Bearer {self.token}"}, raise_request_exception=False)

    def send(self, method, path, body=None, **headers):
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        address = path if path.startswith(("/", "http:")) else f"/api/v1/{path}"
        address = address.removeprefix("http://testserver")  # as the links of a page begin
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(method, address, raw, content_type="application/json", headers=named)

    def get(self, path, **headers):
        return self.send("GET", path, **headers)

    def post(self, path, body=None, **headers):
        return self.send("POST", path, body, **headers)

    def patch(self, path, body=None, **headers):
        return self.send("PATCH", path, body, **headers)

    def put(self, path, body=None, **headers):
        return self.send("PUT", path, body, **headers)

    def delete(self, path, **headers):
        return self.send("DELETE", path, **headers)


@pytest.fixture(autouse=True)
def no_throttle_is_left_over():
    throttles.forget()
    yield
    throttles.forget()


@pytest.fixture
def admin(db):
    return Caller(User.objects.create_superuser("ada", password="x"))


@pytest.fixture
def nobody(db):
    return Caller(User.objects.create_user("norma"))


@pytest.fixture
def having(db):
    def make(*names):
        user = User.objects.create_user(f"user-{User.objects.count()}")
        for name in names:
            app, codename = name.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return Caller(user)

    return make


@pytest.fixture
def a_schedule(admin):
    def make(**fields):
        body = {
            "name": "nightly",
            "job_type": "noop",
            "schedule_type": "cron",
            "cron_expression": "30 2 * * *",
            "timezone": "Europe/Riga",
            **fields,
        }
        answer = admin.post("schedules", body)
        assert answer.status_code == 201, answer.content
        return answer.json()

    return make
