"""A token is for no more than its scopes say, whatever its user may."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from integrations import scopes
from integrations.models import ApiToken
from tests.api.conftest import Caller


@pytest.fixture
def scoped(admin):
    """Return a function that speaks for the administrator with a token of these scopes."""

    def speak(*names):
        caller = Caller(admin.user)
        text = ApiToken.issue(user=admin.user, name="scoped", only=names)[1]
        caller.client = Client(headers={"Authorization": f"Bearer {text}"})
        return caller

    return speak


BODY = {"name": "nightly", "job_type": "noop", "schedule_type": "manual"}


def outcomes(caller, schedule):
    address = f"schedules/{schedule['id']}"
    deletion = {"schedule_ids": [schedule["id"]], "operation": "delete"}
    mail = {"name": "ops", "kind": "email", "recipients": ["ops@example.com"]}
    return [
        caller.get(address).status_code,
        caller.post(f"{address}/trigger").status_code,
        caller.patch(address, {"description": "new"}).status_code,
        caller.post("channels", mail).status_code,
        caller.post("tokens", {"name": "more"}).status_code,
        caller.post("schedules/bulk/operation", deletion).status_code,
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["read"], [200, 403, 403, 403, 403, 403]),
        (["operate"], [403, 202, 403, 403, 403, 403]),
        (["read", "operate"], [200, 202, 403, 403, 403, 403]),
        (["read", "edit"], [200, 403, 200, 403, 403, 200]),
        (["admin"], [403, 403, 403, 201, 201, 403]),
        ([], [200, 202, 200, 201, 201, 200]),
    ],
)
def test_a_token_does_what_its_scopes_say(admin, scoped, names, expected):
    schedule = admin.post("schedules", BODY).json()
    assert outcomes(scoped(*names), schedule) == expected


def test_a_token_makes_no_token_for_more_than_itself(scoped):
    caller = scoped("admin", "read")
    assert caller.post("tokens", {"name": "x", "scopes": ["edit"]}).status_code == 403
    assert caller.post("tokens", {"name": "x", "scopes": ["read"]}).json()["scopes"] == ["read"]
    assert caller.post("tokens", {"name": "x"}).json()["scopes"] == ["admin", "read"]


def test_a_scope_that_there_is_not_is_refused(admin):
    answer = admin.post("tokens", {"name": "x", "scopes": ["everything"]})
    assert answer.status_code == 400
    assert any(name.startswith("scopes") for name in answer.json()["errors"])
    assert not ApiToken.objects.filter(name="x").exists()


def test_the_command_issues_a_token_with_scopes(admin):
    out = StringIO()
    call_command("createtoken", "ada", "--name", "cli", "--scope", "read", "--scope", "operate", stdout=out)
    assert ApiToken.objects.get(name="cli").scopes == ["read", "operate"]
    with pytest.raises(CommandError, match="no scope 'root'"):
        call_command("createtoken", "ada", "--name", "cli", "--scope", "root")


def test_every_right_belongs_to_a_scope():
    expected = {
        "schedules.view_schedule": "read",
        "schedules.trigger_schedule": "operate",
        "jobruns.cancel_jobrun": "operate",
        "integrations.replay_delivery": "operate",
        "schedules.add_schedule": "edit",
        "integrations.delete_connection": "admin",
        "auth.change_user": "admin",
    }
    assert {right: scopes.scope_of(right) for right in expected} == expected
