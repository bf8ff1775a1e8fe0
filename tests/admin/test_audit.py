"""Whatever is changed in the workshop is written down, with the reason that was typed."""

from datetime import date

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User

from integrations.models import ApiToken, AuditEntry, Channel, Connection, Delivery
from integrations.workshop import ReadOnly
from jobruns.models import JobRun
from jobtypes.models import ControlRequirement, ImportProject, System, Waiver
from schedules.models import Calendar, Schedule, TagLimit, Template
from schedules.telling import NoticeRule

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    user = User.objects.create_superuser("ada", password="a-long-password")
    client.force_login(user)
    client.user = user
    return client


@pytest.fixture
def channel():
    made = Channel(name="hook", kind="webhook")
    made.offer({"url": "https://hooks.example.com/x"})
    made.store(by="tester")
    return made


def last():
    return AuditEntry.objects.order_by("-pk").first()


def said(entry):
    return entry.actor, entry.source, entry.act, entry.kind, entry.reason


PERSON = {
    "username": "bob",
    "usable_password": "true",
    "password1": "a-long-pass-word",
    "password2": "a-long-pass-word",
}


def test_a_user_is_made_changed_and_removed(ada):
    ada.post("/admin/auth/user/add/", {**PERSON, "role": "viewer", "environments": "", "change_reason": "New here"})
    bob = User.objects.get(username="bob")
    entries = {entry.act: entry for entry in AuditEntry.objects.filter(kind="user", object_id=bob.pk)}
    assert said(entries["create"]) == ("ada", "admin", "create", "user", "New here")
    assert entries["create"].after["password"] == "***"
    assert entries["grant"].after == {"role": "viewer"}
    sent = {
        "username": "bob",
        "email": "bob@example.com",
        "is_active": "on",
        "role": "editor",
        "environments": "staging",
    }
    ada.post(f"/admin/auth/user/{bob.pk}/change/", sent)
    changed = AuditEntry.objects.filter(act="update", kind="user").get()
    assert (changed.before["email"], changed.after["email"]) == ("", "bob@example.com")
    assert last().after == {"role": "editor", "environments": ["staging"]}
    ada.post(f"/admin/auth/user/{bob.pk}/delete/", {"post": "yes"})
    assert said(last())[:4] == ("ada", "admin", "delete", "user")
    assert not User.objects.filter(pk=bob.pk).exists()


def test_passwords_are_told_as_changed_and_never_shown(ada):
    bob = User.objects.create_user("bob", password="first-pass-word")
    sent = {"usable_password": "true", "password1": "a-second-pass-word", "password2": "a-second-pass-word"}
    ada.post(f"/admin/auth/user/{bob.pk}/password/", sent)
    assert said(last())[:4] == ("ada", "admin", "password", "user")
    assert (last().name, last().after) == ("bob", {"password": "***"})
    own = {
        "old_password": "a-long-password",
        "new_password1": "a-third-pass-word",
        "new_password2": "a-third-pass-word",
    }
    assert ada.post("/admin/password_change/", own).status_code == 302
    assert (last().act, last().name) == ("password", "ada")
    wrong = {**own, "old_password": "nonsense"}
    before = AuditEntry.objects.count()
    ada.post("/admin/password_change/", wrong)
    assert AuditEntry.objects.count() == before


def test_a_group_is_written_down_with_its_rights(ada):
    ada.post("/admin/auth/group/add/", {"name": "helpers", "permissions": ["1", "2"]})
    assert said(last())[:4] == ("ada", "admin", "create", "group")
    assert len(last().after["permissions"]) == 2
    group = Group.objects.get(name="helpers")
    ada.post(f"/admin/auth/group/{group.pk}/change/", {"name": "helpers", "permissions": ["1"]})
    assert (len(last().before["permissions"]), len(last().after["permissions"])) == (2, 1)


def test_tokens_are_written_down_without_their_text(ada):
    answer = ada.post("/admin/integrations/apitoken/add/", {"user": ada.user.pk, "name": "nightly", "scopes": "read"})
    token = ApiToken.objects.get()
    assert said(last())[:4] == ("ada", "admin", "create", "token")
    assert answer.context["text"] not in last().changes
    ada.post("/admin/integrations/apitoken/", {"action": "revoke", "_selected_action": [token.pk]})
    assert said(last())[:4] == ("ada", "admin", "revoke", "token")


def test_the_reason_typed_in_the_schedule_s_form_is_kept(ada, make_schedule):
    schedule = make_schedule(name="nightly")
    page = ada.get(f"/admin/schedules/schedule/{schedule.pk}/change/")
    form = page.context["adminform"].form
    sent = {name: value for name, value in form.initial.items() if value not in (None, [], {})}
    sent |= {"job_type": "noop", "tags": "", "channels": "", "depends_on": "", "seen_version": "1", "priority": "9"}
    sent |= {"change_reason": "More urgent"}
    answer = ada.post(f"/admin/schedules/schedule/{schedule.pk}/change/", sent)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert said(last()) == ("ada", "admin", "update", "schedule", "More urgent")
    assert schedule.versions.first().reason == "More urgent"
    assert 'name="change_reason"' in page.content.decode()


def import_project():
    Connection(name="warehouse", kind="sql", address="postgresql://db.example/stock").store(by="tester")
    return ImportProject(name="files", connection="warehouse", config={"defaults": {"primary_key": "id"}})


ROWS = {
    Connection: lambda: Connection(name="crm", kind="http", address="https://crm.example.com"),
    TagLimit: lambda: TagLimit(tag="a", max_running=1),
    Calendar: lambda: Calendar(name="Works"),
    Template: lambda: Template(name="form", definition={"job_type": "noop", "schedule_type": "manual"}),
    NoticeRule: lambda: NoticeRule(event="failure", channels=["hook"]),
    ImportProject: import_project,
    System: lambda: System(name="harbour", environment="production"),
    Waiver: lambda: Waiver(control_id="AC-2", reason="Accepted.", expires=date(2099, 1, 1)),
    ControlRequirement: lambda: ControlRequirement(control_id="AC-2", required_all=["audit-log"]),
}


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_what_is_deleted_in_the_workshop_is_written_down(ada, channel, model):
    row = ROWS[model]()
    row.store(by="tester")
    place = f"/admin/{model._meta.app_label}/{model._meta.model_name}/{row.pk}/delete/"
    assert ada.post(place, {"post": "yes"}).status_code == 302
    assert (last().act, last().object_id, last().actor) == ("delete", row.pk, "ada")
    assert not model.objects.filter(pk=row.pk).exists()


def test_many_deleted_at_once_share_an_id(ada):
    rows = [TagLimit(tag=tag, max_running=1) for tag in ("a", "b")]
    for row in rows:
        row.store(by="tester")
    sent = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
    ada.post("/admin/schedules/taglimit/", sent)
    first, second = AuditEntry.objects.filter(act="delete")
    assert first.bulk_id == second.bulk_id != ""


@pytest.mark.parametrize(("address", "act"), [("test", "test"), ("rotate", "update")])
def test_what_is_done_to_a_channel_is_written_down(ada, channel, address, act):
    ada.post(f"/admin/integrations/channel/{channel.pk}/{address}/")
    assert said(last())[:4] == ("ada", "admin", act, "channel")


@pytest.mark.parametrize("act", ["pause", "run", "delete"])
def test_what_is_done_to_schedules_is_written_down(ada, make_schedule, act):
    schedule = make_schedule()
    ada.post(f"/admin/schedules/schedule/{schedule.pk}/act/{act}/", {"confirmed": "1"})
    assert said(last())[:3] == ("ada", "admin", "trigger" if act == "run" else act)


def test_what_is_done_to_runs_and_deliveries_is_written_down(ada, make_schedule):
    run = make_schedule().runs.request(by="tester")
    ada.post("/admin/jobruns/jobrun/", {"action": "cancel_runs", "_selected_action": [run.pk], "confirmed": "1"})
    assert said(last())[:4] == ("ada", "admin", "cancel", "run")
    JobRun.objects.update(status="failed")
    ada.post("/admin/jobruns/jobrun/", {"action": "run_again", "_selected_action": [run.pk]})
    assert said(last())[:4] == ("ada", "admin", "retry", "schedule")
    delivery = Delivery.objects.create(event="x", url="https://hooks.example.com", status="failed")
    ada.post("/admin/integrations/delivery/", {"action": "send_again", "_selected_action": [delivery.pk]})
    assert said(last())[:4] == ("ada", "admin", "replay", "delivery")


WRITTEN_DOWN = {
    *("integrations.Connection", "integrations.Channel", "integrations.ApiToken", "integrations.Delivery"),
    *("schedules.Schedule", "schedules.Calendar", "schedules.TagLimit", "schedules.NoticeRule", "schedules.Template"),
    *("jobruns.JobRun", "auth.User", "auth.Group"),
    *("jobtypes.ImportProject", "jobtypes.System", "jobtypes.Waiver", "jobtypes.ControlRequirement"),
}


def test_every_model_that_the_workshop_changes_is_tried_above():
    registered = admin.site._registry.items()
    changed = {model._meta.label for model, own in registered if not isinstance(own, ReadOnly) or own.actions}
    ours = {label for label in changed if not label.startswith("django_")}
    assert ours - WRITTEN_DOWN == set(), "see that its changes are written down, and try it"


def test_nobody_writes_to_the_trail_in_the_workshop(ada, make_schedule):
    make_schedule()
    pk = last().pk
    assert ada.get("/admin/integrations/auditentry/add/").status_code == 403
    assert ada.post(f"/admin/integrations/auditentry/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert ada.post(f"/admin/integrations/auditentry/{pk}/change/", {"reason": "x"}).status_code == 403
    assert ada.get(f"/admin/integrations/auditentry/{pk}/change/").status_code == 200
    assert Schedule.objects.count() == 1
