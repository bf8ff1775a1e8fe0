"""Roles: each includes the one below, and covers every model without a row to keep in step."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

from integrations import access, roles, scopes

LEAST = {
    "schedules.view_schedule": "viewer",
    "jobruns.view_jobrun": "viewer",
    "integrations.view_connection": "viewer",
    "schedules.trigger_schedule": "operator",
    "jobruns.cancel_jobrun": "operator",
    "integrations.replay_delivery": "operator",
    "jobtypes.silence_alertstate": "operator",
    "jobtypes.view_alertstate": "viewer",
    "jobtypes.view_evidence": "viewer",
    "jobtypes.acknowledge_finding": "operator",
    "jobtypes.change_waiver": "editor",
    "jobtypes.view_evidenceaccess": "admin",
    "schedules.change_schedule": "editor",
    "schedules.delete_calendar": "editor",
    "schedules.add_noticerule": "editor",
    "integrations.change_connection": "admin",
    "integrations.delete_channel": "admin",
    "schedules.change_taglimit": "admin",
    "integrations.view_auditentry": "admin",
    "integrations.view_apitoken": "admin",
    "auth.view_user": "admin",
}


def person(role="", *environments):
    user = User.objects.create_user(f"{role or 'nobody'}-{User.objects.count()}", password="a-long-password")
    roles.give(user, role, environments)
    return User.objects.get(pk=user.pk)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(("right", "least"), LEAST.items())
def test_a_right_belongs_to_the_least_role_and_all_above(right, least):
    having = [role for role in scopes.ROLES if scopes.includes(role, right)]
    assert having == list(scopes.ROLES)[list(scopes.ROLES).index(least) :]
    assert not scopes.includes("", right)


@pytest.mark.django_db
@pytest.mark.parametrize(("right", "least"), LEAST.items())
def test_a_user_has_the_rights_of_his_role(right, least):
    below = dict(zip(["operator", "editor", "admin"], scopes.ROLES, strict=False)).get(least, "")
    assert person(least).has_perm(right)
    assert not person(below).has_perm(right)


def test_an_inactive_user_has_no_role(db):
    user = person("admin")
    user.is_active = False
    assert not user.has_perm("schedules.view_schedule")
    assert roles.role_of(user) == ""


def test_the_groups_are_there_without_a_command(db):
    assert {group.name for group in Group.objects.all()} >= set(scopes.ROLES)


def test_a_new_role_takes_the_place_of_the_old_one(db):
    user = person("admin", "staging")
    roles.give(user, "viewer", [])
    assert not user.has_perm("schedules.change_schedule")
    assert access.environments_of(user) is None
    roles.give(user, "", [])
    assert not user.has_perm("schedules.view_schedule")
    assert not user.is_staff


def test_the_command_gives_a_role_in_some_environments(db):
    User.objects.create_user("sten")
    out = StringIO()
    call_command("grantrole", "sten", "--role", "operator", "--environment", "staging", stdout=out)
    user = User.objects.get()
    assert out.getvalue() == "sten is operator now, in staging only.\n"
    assert roles.role_of(user) == "operator"
    assert access.environments_of(user) == {"staging"}


@pytest.mark.parametrize("words", [["norma", "--role", "viewer"], ["sten", "--role", "viewer", "--environment", ""]])
def test_the_command_refuses_what_it_does_not_know(db, words):
    User.objects.create_user("sten")
    with pytest.raises(CommandError) as refused:
        call_command("grantrole", *words)
    assert refused.value.returncode == 2
    assert roles.role_of(User.objects.get()) == ""


def test_a_page_says_which_role_it_needs(db, make_schedule):
    schedule = make_schedule()
    answer = signed_in(person("viewer")).post(f"/schedules/{schedule.pk}/run")
    assert answer.status_code == 403
    assert "This needs the role operator; yours is viewer." in answer.content.decode()
    assert "you have none" in signed_in(person()).get("/").content.decode()


def test_the_api_says_which_role_it_needs(db, make_schedule):
    schedule = make_schedule()
    answer = signed_in(person("operator")).delete(f"/api/v1/schedules/{schedule.pk}")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "This needs the role editor; yours is operator. Ask an administrator for it."


def test_the_workshop_says_so_to_a_user_without_a_role(db):
    answer = signed_in(person()).get("/admin/")
    assert answer.status_code == 403
    assert "The workshop needs a role" in answer.content.decode()
    assert signed_in(person("viewer")).get("/admin/").status_code == 200


def form_of(client, address, **typed):
    form = client.get(address).context["adminform"].form
    shown = {field.html_name: field.value() for field in form}
    return {**{name: value for name, value in shown.items() if value not in (None, False)}, **typed}


def test_an_administrator_gives_a_role_in_the_workshop(db):
    admin, user = signed_in(person("admin")), person()
    address = f"/admin/auth/user/{user.pk}/change/"
    sent = form_of(admin, address, role="editor", environments="staging, test")
    assert admin.post(address, sent).status_code == 302
    user = User.objects.get(pk=user.pk)
    assert roles.role_of(user) == "editor"
    assert access.environments_of(user) == {"staging", "test"}
    assert form_of(admin, address)["environments"] == "staging, test"


def test_an_administrator_makes_nobody_a_superuser_and_changes_none(db):
    admin, user = signed_in(person("admin")), person()
    address = f"/admin/auth/user/{user.pk}/change/"
    admin.post(address, form_of(admin, address, role="admin", is_superuser="on", user_permissions=["1"]))
    user = User.objects.get(pk=user.pk)
    assert roles.role_of(user) == "admin"
    assert not user.is_superuser
    assert not user.user_permissions.exists()
    ada = User.objects.create_superuser("ada", password="before")
    assert admin.post(f"/admin/auth/user/{ada.pk}/password/", {"password1": "x", "password2": "x"}).status_code == 403
    assert admin.post(f"/admin/auth/user/{ada.pk}/delete/", {"post": "yes"}).status_code == 403
    delete = {"action": "delete_selected", "_selected_action": [ada.pk], "post": "yes"}
    admin.post("/admin/auth/user/", delete)
    assert User.objects.get(pk=ada.pk).check_password("before")


def test_an_administrator_of_some_environments_changes_no_user(db):
    admin = person("admin", "staging")
    client = signed_in(admin)
    assert client.get(f"/admin/auth/user/{admin.pk}/change/").status_code == 200
    assert client.post(f"/admin/auth/user/{admin.pk}/change/", {"role": "admin"}).status_code == 403
    assert client.get("/admin/auth/user/add/").status_code == 403
