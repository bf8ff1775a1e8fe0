"""What a schedule depends on, over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from schedules.dependencies import Dependency
from schedules.models import Schedule

pytestmark = pytest.mark.django_db
MANUAL = {"job_type": "noop", "schedule_type": "manual"}


@pytest.fixture
def chain(admin):
    """Return a function that makes schedules of which each depends on the one before it, and returns their ids."""

    def make(*names):
        ids = []
        for before, name in zip((None, *names), names, strict=False):
            depends_on = [{"schedule": before}] if before else None
            answer = admin.post("schedules", {**MANUAL, "name": name, "depends_on": depends_on})
            assert answer.status_code == 201, answer.content
            ids.append(answer.json()["id"])
        return ids

    return make


def refusal(answer):
    assert answer.status_code == 400, answer.content
    return " ".join(answer.json()["errors"]["depends_on"])


def test_a_dependency_is_shown_with_names_and_may_be_sent_back(admin, chain):
    first, second = chain("a", "b")
    shown = admin.get(f"schedules/{second}").json()
    expected = {"schedule": "a", "schedule_id": first, "on": "success"}
    assert shown["depends_on"] == [{**expected, "environment": shown["environment"], "status": "active"}]
    assert admin.put(f"schedules/{second}", shown).json()["depends_on"] == shown["depends_on"]


@pytest.mark.parametrize("nothing", [None, []])
def test_null_and_an_empty_list_clear_what_it_depends_on(admin, chain, nothing):
    _, second = chain("a", "b")
    assert admin.patch(f"schedules/{second}", {"depends_on": nothing}).json()["depends_on"] == []
    assert not Dependency.objects.exists()


def test_an_edit_of_something_else_leaves_what_it_depends_on(admin, chain):
    _, second = chain("a", "b")
    assert len(admin.patch(f"schedules/{second}", {"priority": 9}).json()["depends_on"]) == 1


def test_a_change_of_dependencies_alone_is_a_new_version(admin, chain):
    _, second = chain("a", "b")
    body = admin.patch(f"schedules/{second}", {"depends_on": [{"schedule": "a", "on": "finished"}]}).json()
    assert (body["version"], body["depends_on"][0]["on"]) == (2, "finished")


def test_a_circle_is_refused_with_its_path(admin, chain):
    first, *_ = chain("a", "b", "c")
    answer = admin.patch(f"schedules/{first}", {"depends_on": [{"schedule": "c"}], "priority": 9})
    assert refusal(answer) == "It would wait for itself: a → b → c → a."
    assert Schedule.objects.get(pk=first).priority == 5


def test_a_schedule_cannot_depend_on_itself(admin, chain):
    [first] = chain("a")
    assert refusal(admin.patch(f"schedules/{first}", {"depends_on": [{"schedule": "a"}]})).endswith("a → a.")


def test_a_name_is_looked_up_in_the_same_environment_and_an_id_in_any(admin, chain):
    [first] = chain("a")
    body = {**MANUAL, "name": "b", "environment": "elsewhere"}
    assert "There is no schedule 'a'" in refusal(admin.post("schedules", {**body, "depends_on": [{"schedule": "a"}]}))
    for sent in ({"schedule": first}, {"schedule_id": first}, {"schedule": "a", "schedule_id": first}):
        answer = admin.post("schedules", {**body, "name": f"b-{len(str(sent))}", "depends_on": [sent]})
        assert answer.json()["depends_on"][0]["schedule_id"] == first


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ([{"schedule": "nobody"}], "There is no schedule 'nobody'"),
        ([{}], "Name a schedule"),
        ([{"schedule_id": 999}], "There is no schedule of the id 999."),
        ([{"schedule": "a"}, {"schedule": "a", "on": "failure"}], "a is named twice."),
        ([{"schedule": "a"}] * 21, "At most 20"),
    ],
)
def test_what_cannot_be_depended_on_is_refused_with_a_sentence(admin, chain, sent, said):
    chain("a")
    assert said in refusal(admin.post("schedules", {**MANUAL, "name": "b", "depends_on": sent}))
    assert not Schedule.objects.filter(name="b").exists()


def test_an_unknown_ending_is_refused_at_its_place(admin, chain):
    chain("a")
    answer = admin.post("schedules", {**MANUAL, "name": "b", "depends_on": [{"schedule": "a", "on": "luck"}]})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["depends_on.0.on"]


def test_a_deleted_parent_is_shown_as_such_and_may_stay_but_not_be_added(admin, chain):
    first, second = chain("a", "b")
    admin.delete(f"schedules/{first}")
    shown = admin.get(f"schedules/{second}").json()["depends_on"]
    assert shown[0]["status"] == "deleted"
    assert admin.patch(f"schedules/{second}", {"depends_on": shown}).status_code == 200
    assert "There is no" in refusal(
        admin.post("schedules", {**MANUAL, "name": "c", "depends_on": [{"schedule_id": first}]})
    )


def test_a_schedule_is_not_removed_with_its_history_while_others_depend_on_it(admin, chain):
    first, second = chain("a", "b")
    answer = admin.delete(f"schedules/{first}?hard_delete=true")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "b depends on a; change that first."
    admin.patch(f"schedules/{second}", {"depends_on": []})
    assert admin.delete(f"schedules/{first}?hard_delete=true").status_code == 204


def test_a_deleted_child_keeps_nobody(admin, chain):
    first, second = chain("a", "b")
    admin.delete(f"schedules/{second}")
    assert admin.delete(f"schedules/{first}?hard_delete=true").status_code == 204


@pytest.mark.django_db(transaction=True)
def test_two_edits_at_once_cannot_close_a_circle_together(admin, chain):
    ids = [chain(name)[0] for name in "ab"]
    for _ in range(5):
        start = Barrier(2)

        def edit(number, start=start):
            start.wait()
            try:
                body = {"depends_on": [{"schedule_id": ids[1 - number]}]}
                return admin.patch(f"schedules/{ids[number]}", body).status_code
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(edit, range(2))) == [200, 400]
        Dependency.objects.all().delete()
