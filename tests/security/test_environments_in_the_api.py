"""To a user of one environment, what lies in another does not exist: in lists, numbers, bulk items and references."""

import pytest

from integrations.models import Channel, Connection
from schedules.models import Schedule

LISTS = ["schedules", "runs", "connections", "channels", "deliveries", "notice-rules", "calendars"]
LISTS += ["systems", "evidence", "waivers"]
NEW = {"name": "fresh", "job_type": "noop", "schedule_type": "manual", "environment": "staging"}


@pytest.fixture
def local(worlds, speaking):
    """An administrator of staging alone."""
    return speaking("admin", "staging")


@pytest.fixture
def everywhere(worlds, speaking):
    return speaking("admin")


@pytest.mark.parametrize("path", [*LISTS, "runs/running", "runs/by-correlation/shared", "schedules?search=nightly"])
def test_a_list_leaves_out_what_lies_elsewhere(local, everywhere, path):
    assert "production" not in local.get(path).content.decode()
    if path != "runs/running":
        assert "production" in everywhere.get(path).content.decode()
        assert "staging" in local.get(path).content.decode()


def test_a_filter_finds_nothing_elsewhere(local, worlds):
    other = worlds["production"].schedule
    for question in ("environment=production", f"schedule={other.pk}", "schedule=production nightly", "search=broke"):
        found = local.get(f"runs?{question}").json()["results"]
        assert all(run["environment"] == "staging" for run in found)


def test_statistics_count_what_one_sees(local, everywhere):
    assert local.get("runs/stats").json()["total_executions"] == 1
    assert local.get("runs/stats").json()["most_common_error"] == "staging broke"
    assert everywhere.get("runs/stats").json()["total_executions"] == 2


def test_a_simulation_follows_what_one_sees(local, everywhere):
    assert local.get("simulation?days=1").json()["schedules"] == 1
    assert local.get("simulation?days=1&environment=production").json()["schedules"] == 0
    assert everywhere.get("simulation?days=1").json()["schedules"] == 2


def test_a_calendar_of_everybody_counts_the_schedules_that_one_sees(local, everywhere, worlds):
    Schedule.objects.update(calendar=worlds[""].calendar)
    for caller, count in ((local, 1), (everywhere, 2)):
        address = f"calendars/{worlds[''].calendar.pk}"
        assert caller.get(address).json()["schedule_count"] == count
        [listed] = caller.get("calendars?name=everybody days").json()["results"]
        assert listed["schedule_count"] == count


def test_items_of_a_bulk_elsewhere_are_not_found(local, worlds):
    here, there = worlds["staging"].schedule, worlds["production"].schedule
    body = {"schedule_ids": [here.pk, there.pk], "operation": "pause"}
    answer = local.post("schedules/bulk/operation", body).json()
    assert answer == {"success": [here.pk], "failed": [{"schedule_id": str(there.pk), "error": "not found"}]}
    body = {"filter": {"tag": ["nightly"]}, "operation": "resume"}
    assert local.post("schedules/bulk/operation", body).json()["success"] == [here.pk]
    there.refresh_from_db()
    assert there.version == 1


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("calendar", lambda world: world.calendar.name),
        ("channels", lambda world: [world.channel.name]),
        ("depends_on", lambda world: [{"schedule_id": world.schedule.pk}]),
        ("depends_on", lambda world: [{"schedule": str(world.schedule.pk)}]),
        ("environment", lambda world: world.schedule.environment),
    ],
)
def test_a_schedule_refers_to_nothing_elsewhere(local, worlds, field, named):
    answer = local.post("schedules", {**NEW, field: named(worlds["production"])})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert not Schedule.objects.filter(name="fresh").exists()
    own = worlds["staging"].schedule
    assert local.patch(f"schedules/{own.pk}", {field: named(worlds["production"])}).status_code == 400
    assert local.post("schedules", {**NEW, field: named(worlds["staging"])}).status_code == 201


@pytest.mark.parametrize("missing", [lambda world: world.channel.name, lambda world: "no such thing"])
def test_what_lies_elsewhere_is_refused_like_what_there_is_not(local, worlds, missing):
    name = missing(worlds["production"])
    said = local.post("schedules", {**NEW, "channels": [name]}).json()["errors"]["channels"]
    assert said == [f"There is no channel {name!r} that serves staging."]


def test_a_job_uses_no_connection_elsewhere(local, worlds):
    def body(world):
        params = {"connection": world.connection.name, "url": "/x"}
        return {**NEW, "job_type": "http_request", "params": params}

    refused = local.post("schedules", body(worlds["production"]))
    assert refused.status_code == 400
    assert "There is no connection named 'production api'." in refused.json()["errors"]["params"][0]
    made = local.post("schedules", body(worlds["staging"])).json()
    override = {"override_params": {"connection": worlds["production"].connection.name}}
    assert local.post(f"schedules/{made['id']}/trigger", override).status_code == 400
    assert local.post(f"schedules/{made['id']}/trigger", {}).status_code == 202
    assert local.patch(f"schedules/{made['id']}", body(worlds[""])).status_code == 200


def test_a_rule_is_about_no_schedule_and_no_environment_elsewhere(local, worlds):
    rule = {"event": "failure", "channels": ["staging mail"]}
    there = {"schedule_id": worlds["production"].schedule.pk}
    assert list(local.post("notice-rules", {**rule, **there}).json()["errors"]) == ["schedule_id"]
    assert list(local.post("notice-rules", {**rule, "environment": "production"}).json()["errors"]) == ["environment"]
    assert list(local.post("notice-rules", rule).json()["errors"]) == ["environment"]
    assert local.post("notice-rules", {**rule, "environment": "staging"}).status_code == 201


@pytest.mark.parametrize("place", ["production", ""])
def test_nothing_is_made_for_other_environments(local, place):
    mail = {"name": "new", "kind": "email", "recipients": ["ops@example.com"], "environment": place}
    api = {"name": "new", "kind": "http", "address": "https://x.example", "environment": place}
    for path, body in (("channels", mail), ("connections", api), ("calendars", {"name": "n", "environment": place})):
        answer = local.post(path, body)
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == ["environment"]
        assert local.post(path, {**body, "environment": "staging"}).status_code == 201


def test_what_is_everybodys_is_seen_and_not_changed(local, everywhere, worlds):
    shared = worlds[""]
    addresses = [
        f"channels/{shared.channel.pk}",
        f"connections/{shared.connection.pk}",
        f"calendars/{shared.calendar.pk}",
        f"notice-rules/{shared.rule.pk}",
        f"import-projects/{shared.project.pk}",
    ]
    for address in addresses:
        assert local.get(address).status_code == 200
        refused = local.patch(address, {})
        assert refused.status_code == 403
        assert "for all environments" in refused.json()["detail"]
        assert local.delete(address).status_code == 403
        assert everywhere.patch(address, {}).status_code == 200
    assert local.post(f"channels/{shared.channel.pk}/test").status_code == 403
    assert local.post("tag-limits", {"tag": "t", "max_running": 1}).status_code == 403
    assert (Channel.objects.count(), Connection.objects.count()) == (3, 6)


def test_a_new_owner_answers_for_what_he_stores(worlds, speaking):
    editor = speaking("editor", "staging")
    own = worlds["staging"].schedule
    assert editor.patch(f"schedules/{own.pk}", {"description": "mine"}).status_code == 200
    own.refresh_from_db()
    assert own.owner == editor.user


def test_a_parent_that_one_does_not_see_stays(worlds, speaking):
    own, other = worlds["staging"].schedule, worlds["production"].schedule
    boss, editor = speaking("editor"), speaking("editor", "staging")
    assert boss.patch(f"schedules/{own.pk}", {"depends_on": [{"schedule_id": other.pk}]}).status_code == 200
    shown = editor.get(f"schedules/{own.pk}").json()
    sent = {"description": "mine", "depends_on": shown["depends_on"]}
    assert editor.patch(f"schedules/{own.pk}", sent).status_code == 200
    assert editor.get(f"schedules/{other.pk}").status_code == 404


def test_tokens_of_others_are_for_administrators_of_everything(worlds, speaking):
    owner, boss, local = speaking("viewer"), speaking("admin"), speaking("admin", "staging")
    token = owner.user.api_tokens.get()
    assert speaking("editor").get(f"tokens/{token.pk}").status_code == 404
    assert local.get(f"tokens/{token.pk}").status_code == 404
    assert boss.delete(f"tokens/{token.pk}").status_code == 204
