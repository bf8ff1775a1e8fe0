import pytest


@pytest.fixture
def three(a_schedule):
    return {
        "a": a_schedule(name="a-mail", tags=["email", "daily"], description="Sends Mail"),
        "b": a_schedule(name="b-sms", tags=["email"], environment="staging", enabled=False),
        "c": a_schedule(name="c-once", tags=['d"a%', "Email"], schedule_type="manual", cron_expression=""),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "abc"),
        ("name=a-mail", "a"),
        ("environment=staging", "b"),
        ("job_type=noop", "abc"),
        ("schedule_type=manual", "c"),
        ("enabled=true", "ac"),
        ("enabled=false", "b"),
        ("is_active=0", "b"),
        ("status=paused", "b"),
        ("status=deleted", ""),
        ("tag=email", "ab"),
        ("tag=email&tag=daily", "a"),
        ("tag=d%22a%25", "c"),
        ("tag=ema", ""),
        ("created_by=ada", "abc"),
        ("created_by=someone", ""),
        ("search=mail", "a"),
        ("search=100%25", ""),
        ("ordering=-name", "cba"),
        ("ordering=priority", "abc"),
        ("tag=email&enabled=true&ordering=-name", "a"),
    ],
)
def test_a_filter_keeps_what_fits(admin, three, query, found):
    answer = admin.get(f"schedules?{query}")
    assert answer.status_code == 200, answer.content
    names = [one["name"][0] for one in answer.json()["results"]]
    assert names == list(found)


@pytest.mark.parametrize("query", ["enabled=perhaps", "schedule_type=weekly", "status=asleep", "colour=x", "tags=x"])
def test_a_filter_that_is_none_is_refused(admin, three, query):
    answer = admin.get(f"schedules?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]


def test_pages_keep_filter_and_order(admin, a_schedule):
    for number in range(5):
        a_schedule(name=f"n{number}", tags=["x"] if number else [])
    page = admin.get("schedules?tag=x&ordering=-name&limit=2").json()
    rest = admin.get(page["next"]).json()
    names = [one["name"] for one in page["results"] + rest["results"]]
    assert names == ["n4", "n3", "n2", "n1"]
    assert rest["next"] is None


def test_a_list_of_schedules_costs_the_same_whatever_its_length(admin, a_schedule, django_assert_max_num_queries):
    for number in range(20):
        a_schedule(name=f"n{number}")
    admin.get("schedules?limit=1")
    with django_assert_max_num_queries(3):
        admin.get("schedules?limit=20")


def test_job_types_carry_the_schema_of_their_parameters(admin):
    kinds = {one["name"]: one for one in admin.get("job-types").json()["results"]}
    assert kinds["noop"]["params_schema"]["properties"]["sleep_seconds"]["type"] == "number"
    assert kinds["noop"]["params_schema"]["additionalProperties"] is False
    assert admin.get("job-types/noop").json() == kinds["noop"]
