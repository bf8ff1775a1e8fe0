"""Templates over HTTP: kept in versions, made into schedules, and taken over when asked."""

import pytest
from django.test import override_settings

from integrations.access import limit
from integrations.trail import AuditEntry
from schedules import shorthand
from schedules.models import Origin, Schedule, Template
from schedules.patterns.definition import FIELDS
from schedules.serializers import ScheduleSerializer

pytestmark = pytest.mark.django_db

BOOKS = {
    "name": "close the books",
    "definition": {
        "job_type": "http_request",
        "params": {"url": "https://books.example.com/{{ shop }}", "json": {"keep": "{{ days }}"}, "method": "POST"},
        "cron_expression": "15 {{ hour }} * * *",
        "timezone": "Europe/Riga",
        "tags": ["books", "{{ shop }}"],
        "priority": 6,
    },
    "parameters": [
        {"name": "shop", "required": True, "pattern": "[a-z]+"},
        {"name": "hour", "type": "integer", "default": 2, "min": 0, "max": 23},
        {"name": "days", "type": "integer", "default": 90},
    ],
}


@pytest.fixture
def template(admin):
    answer = admin.post("templates", BOOKS)
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.fixture
def make(admin, template):
    def made(name="close riga", **sent):
        answer = admin.post(
            f"templates/{template['id']}/instantiate", {"name": name, "parameters": {"shop": "riga"}, **sent}
        )
        assert answer.status_code in {200, 201}, answer.content
        return answer.json()

    return made


def errors(answer, status=400):
    assert answer.status_code == status, answer.content
    return answer.json()["errors"]


def changed(admin, template, **fields):
    answer = admin.patch(
        f"templates/{template['id']}", {"definition": {**template["definition"], **fields}, "reason": "why not"}
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


def upgrade(admin, template, *ids, **sent):
    answer = admin.post(f"templates/{template['id']}/upgrade", {"schedule_ids": list(ids), **sent})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_every_field_of_a_schedule_but_its_name_and_state_may_be_in_a_template():
    writable = {name for name, field in ScheduleSerializer().fields.items() if not field.read_only}
    assert set(FIELDS) == writable - {"name", "enabled", "reason", *shorthand.fields()}


def test_a_template_is_read_as_it_was_written(admin, template):
    shown = admin.get(f"templates/{template['id']}")
    assert shown.json()["definition"] == BOOKS["definition"]
    assert shown.json()["parameters"] == BOOKS["parameters"]
    assert (shown.json()["version"], shown["ETag"]) == (1, '"1"')
    assert [one["name"] for one in admin.get("templates?search=BOOKS").json()["results"]] == ["close the books"]


def test_an_unknown_placeholder_is_refused_at_save_and_nothing_is_kept(admin):
    body = {**BOOKS, "definition": {**BOOKS["definition"], "queue": "{{ line }}"}}
    assert errors(admin.post("templates", body)) == {"definition.queue": ["There is no parameter 'line'."]}
    assert not Template.objects.exists()


def test_a_wrong_parameter_is_refused_where_it_is_wrong(admin):
    body = {**BOOKS, "parameters": [*BOOKS["parameters"], {"name": "x", "type": "date"}]}
    assert set(errors(admin.post("templates", body))) == {"parameters.3.type"}


def test_a_taken_name_is_a_conflict(admin, template):
    assert admin.post("templates", BOOKS).status_code == 409


def test_every_change_is_a_version_and_an_outdated_one_is_refused(admin, template):
    changed(admin, template, priority=8)
    found = admin.get(f"templates/{template['id']}/versions").json()["results"]
    assert [(one["version"], one["definition"]["priority"], one["reason"]) for one in found] == [
        (2, 8, "why not"),
        (1, 6, ""),
    ]
    late = admin.patch(f"templates/{template['id']}", {"description": "x"}, If_Match='"1"')
    assert late.status_code == 412


def test_an_instance_is_a_schedule_with_the_values_filled_in(admin, make):
    made = make(parameters={"shop": "riga", "days": 30})
    assert made["params"] == {"url": "https://books.example.com/riga", "json": {"keep": 30}, "method": "POST"}
    assert (made["cron_expression"], made["tags"], made["priority"]) == ("15 2 * * *", ["books", "riga"], 6)
    assert (made["template"], made["template_version"]) == ("close the books", 1)
    assert (made["created_by"], made["status"]) == ("ada", "active")
    assert admin.get(f"schedules/{made['id']}").json() == made
    assert Origin.objects.get().parameters == {"shop": "riga", "hour": 2, "days": 30}


def test_a_schedule_made_by_hand_has_no_template_and_takes_none(admin, a_schedule):
    made = a_schedule()
    assert (made["template"], made["template_version"]) == (None, None)
    assert admin.patch(f"schedules/{made['id']}", {**made, "template": "close the books"}).status_code == 200
    assert admin.get(f"schedules/{made['id']}").json()["template"] is None


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        ({"parameters": {}}, "parameters.shop"),
        ({"parameters": {"shop": "RIGA"}}, "parameters.shop"),
        ({"parameters": {"shop": "a", "hour": 24}}, "parameters.hour"),
        ({"parameters": {"shop": "a", "colour": "red"}}, "parameters.colour"),
        ({"name": "", "parameters": {"shop": "a"}}, "name"),
        ({"name": " a", "parameters": {"shop": "a"}}, "name"),
        ({"parameters": {"shop": "a"}, "priority": 3}, "priority"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_is_made(admin, template, sent, where):
    answer = admin.post(f"templates/{template['id']}/instantiate", {"name": "x", **sent})
    assert set(errors(answer)) == {where}
    assert not Schedule.objects.exists()


def test_the_gate_of_every_schedule_stands_here_too(admin, template, make):
    make()
    place = f"templates/{template['id']}/instantiate"
    assert admin.post(place, {"name": "close riga", "parameters": {"shop": "a"}}).status_code == 409
    changed(admin, template, channels=["nowhere"])
    assert "channels" in errors(admin.post(place, {"name": "y", "parameters": {"shop": "a"}}))
    changed(admin, template, cron_expression="61 * * * *")
    assert "cron_expression" in errors(admin.post(place, {"name": "y", "parameters": {"shop": "a"}}))
    changed(admin, template, job_type="no_such_work")
    assert "job_type" in errors(admin.post(place, {"name": "y", "parameters": {"shop": "a"}}))
    with override_settings(MAX_SCHEDULES_PER_CREATOR=1):
        changed(admin, template)
        full = admin.post(place, {"name": "y", "parameters": {"shop": "a"}})
    assert (full.status_code, full["Retry-After"]) == (429, "3600")
    assert Schedule.objects.count() == 1


def test_a_rehearsal_says_what_would_be_made_and_makes_nothing(make):
    told = make(dry_run=True)
    assert (told["schedule"]["id"], told["schedule"]["name"]) == (None, "close riga")
    assert len(told["preview"]["instants"]) == 10
    assert not Schedule.objects.exists()
    assert not Origin.objects.exists()


def test_a_template_of_one_environment_makes_schedules_there(admin, template):
    admin.patch(f"templates/{template['id']}", {"environment": "staging"})
    made = admin.post(f"templates/{template['id']}/instantiate", {"name": "x", "parameters": {"shop": "a"}})
    assert made.json()["environment"] == "staging"


def test_a_callback_secret_is_shown_once(admin, template):
    changed(admin, template, callback_url="https://partner.example.com/done")
    body = {"name": "x", "parameters": {"shop": "a"}}
    first = admin.post(f"templates/{template['id']}/instantiate", body, Idempotency_Key="k")
    again = admin.post(f"templates/{template['id']}/instantiate", body, Idempotency_Key="k")
    assert first.json()["callback_secret"].startswith("whsec_")
    assert again.json()["callback_secret"] == "***"


def test_a_changed_template_changes_no_instance_until_asked(admin, template, make):
    made = make()
    changed(admin, template, priority=8, cron_expression="45 {{ hour }} * * *")
    assert admin.get(f"schedules/{made['id']}").json() == made
    found = admin.get(f"templates/{template['id']}/instances").json()["results"]
    assert [(one["id"], one["template_version"], one["is_outdated"], one["edited"]) for one in found] == [
        (made["id"], 1, True, [])
    ]
    told = admin.get(f"templates/{template['id']}/upgrade").json()["results"][0]
    assert [(one["field"], one["before"], one["after"]) for one in told["changes"]] == [
        ("cron_expression", "15 2 * * *", "45 2 * * *"),
        ("priority", 6, 8),
    ]
    assert (told["fires"]["added_count"], told["fires"]["removed_count"]) == (30, 30)
    assert admin.get(f"schedules/{made['id']}").json() == made


def test_an_upgrade_takes_over_the_newest_version(admin, template, make):
    made = make()
    changed(admin, template, priority=8, params={"url": "https://new.example.com/{{ shop }}", "method": "POST"})
    assert upgrade(admin, template, made["id"], dry_run=True)["success"] == []
    assert upgrade(admin, template, made["id"], 10**9)["failed"] == [{"schedule_id": 10**9, "error": "not found"}]
    now = admin.get(f"schedules/{made['id']}").json()
    assert now["params"] == {"url": "https://new.example.com/riga", "method": "POST"}
    assert (now["priority"], now["template_version"], now["version"]) == (8, 2, 2)
    told = AuditEntry.objects.filter(kind="schedule").order_by("pk").values_list("act", "reason")
    assert list(told) == [
        ("create", "From the template close the books."),
        ("update", "Version 2 of the template close the books."),
    ]
    assert admin.get(f"templates/{template['id']}/upgrade").json()["results"] == []


def test_an_edit_by_hand_is_told_and_stays_unless_it_shall_not(admin, template, make):
    made = make()
    admin.patch(f"schedules/{made['id']}", {"priority": 1, "description": "mine"})
    changed(admin, template, priority=8, queue="slow")
    told = upgrade(admin, template, made["id"])["results"][0]
    assert [(one["field"], one["before"], one["after"]) for one in told["by_hand"]] == [("priority", 1, 8)]
    now = admin.get(f"schedules/{made['id']}").json()
    assert (now["priority"], now["queue"], now["description"]) == (1, "slow", "mine")
    found = admin.get(f"templates/{template['id']}/instances").json()["results"][0]
    assert found["edited"] == ["description", "priority"]
    changed(admin, template, priority=9)
    upgrade(admin, template, made["id"], overwrite=True)
    now = admin.get(f"schedules/{made['id']}").json()
    assert (now["priority"], now["description"]) == (9, "mine")


def test_a_new_required_parameter_is_asked_for(admin, template, make):
    made = make()
    more = [*BOOKS["parameters"], {"name": "line", "required": True}]
    body = {"definition": {**BOOKS["definition"], "queue": "{{ line }}"}, "parameters": more}
    assert admin.patch(f"templates/{template['id']}", body).status_code == 200
    told = admin.get(f"templates/{template['id']}/upgrade").json()["results"][0]
    assert told["errors"] == {"parameters.line": ["This parameter is required."]}
    assert "parameters.line" in upgrade(admin, template, made["id"])["failed"][0]["error"]
    assert upgrade(admin, template, made["id"], parameters={"line": "slow"})["success"] == [made["id"]]
    assert admin.get(f"schedules/{made['id']}").json()["queue"] == "slow"


def test_an_instance_that_the_gate_refuses_stays_and_the_others_go_on(admin, template, make):
    one, two = make("one"), make("two", parameters={"shop": "oslo", "hour": 3})
    changed(admin, template, cron_expression="0 {{ hour }} * * *", calendar="gone")
    failed = upgrade(admin, template, one["id"], two["id"])
    assert failed["success"] == []
    assert all("calendar" in each["error"] for each in failed["failed"])
    assert admin.get(f"schedules/{one['id']}").json() == one


def test_a_template_stays_while_schedules_came_from_it(admin, template, make):
    made = make()
    held = admin.delete(f"templates/{template['id']}")
    assert held.status_code == 409
    assert "close riga" in held.json()["detail"]
    admin.delete(f"schedules/{made['id']}")
    assert admin.delete(f"templates/{template['id']}").status_code == 204
    assert Schedule.objects.count() == 1


def test_each_act_needs_its_right(having, nobody, admin, template):
    place, body = f"templates/{template['id']}", {"name": "x", "parameters": {"shop": "a"}}
    assert nobody.get(place).status_code == 403
    viewer = having("schedules.view_template")
    assert viewer.get(place).status_code == 200
    assert viewer.get(f"{place}/instances").status_code == 403
    assert viewer.patch(place, {"description": "x"}).status_code == 403
    assert viewer.post(f"{place}/instantiate", body).status_code == 403
    assert viewer.post(f"{place}/upgrade", {"schedule_ids": [1]}).status_code == 403
    maker = having("schedules.view_template", "schedules.add_schedule")
    assert maker.post(f"{place}/instantiate", body).status_code == 201


def test_who_is_limited_sees_what_is_his_and_everybodys_and_changes_his_own(having, admin, template, make):
    make()
    his = admin.post("templates", {**BOOKS, "name": "his", "environment": "staging"}).json()
    admin.post("templates", {**BOOKS, "name": "another", "environment": "test"})
    rights = ["schedules.view_template", "schedules.change_template", "schedules.add_template"]
    caller = having(*rights, "schedules.add_schedule")
    limit(caller.user, ["staging"])
    seen = caller.get("templates").json()["results"]
    assert [(one["name"], one["instance_count"]) for one in seen] == [("close the books", 0), ("his", 0)]
    assert caller.get(f"templates/{template['id']}").json()["instance_count"] == 0
    assert admin.get(f"templates/{template['id']}").json()["instance_count"] == 1
    assert caller.patch(f"templates/{his['id']}", {"description": "x"}).status_code == 200
    assert caller.patch(f"templates/{template['id']}", {"description": "x"}).status_code == 403
    assert set(errors(caller.post("templates", {**BOOKS, "name": "new"}))) == {"environment"}
    assert set(errors(caller.patch(f"templates/{his['id']}", {"environment": "test"}))) == {"environment"}
    body = {"name": "x", "parameters": {"shop": "a"}}
    assert caller.post(f"templates/{his['id']}/instantiate", body).json()["environment"] == "staging"
    assert set(errors(caller.post(f"templates/{template['id']}/instantiate", body))) == {"environment"}
