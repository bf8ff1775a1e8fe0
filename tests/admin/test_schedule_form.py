"""The editor: each job type's own fields, the one gate behind them, and errors where they belong."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from integrations.models import Connection
from jobruns.models import JobRun
from schedules.models import Schedule
from tests.admin.conftest import ADD, add, errors, filled

pytestmark = pytest.mark.django_db


def change(schedule):
    return f"/admin/schedules/schedule/{schedule.pk}/change/"


@pytest.fixture
def shop():
    connection = Connection(name="shop", kind="sql", address="sqlite:///shop.sqlite3")
    connection.store(by="tester")
    return connection


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.MANAGEMENT_COMMAND_ALLOWLIST = {"check": {}}
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]


WORK = [
    ("noop", {"message": "hello", "sleep_seconds": "3"}, {"message": "hello", "sleep_seconds": 3}),
    ("noop", {}, {}),
    (
        "http_request",
        {"url": "http://127.0.0.1/x", "headers": "Accept: text/csv\r\nX-Two: a:b", "json": '{"a": [1]}'},
        {"url": "http://127.0.0.1/x", "headers": {"Accept": "text/csv", "X-Two": "a:b"}, "json": {"a": [1]}},
    ),
    (
        "sql_alert",
        {"connection": "shop", "query": "SELECT 'OK' AS status,\r\n 1 AS actual_value", "severity": "critical"},
        {"connection": "shop", "query": "SELECT 'OK' AS status,\n 1 AS actual_value", "severity": "critical"},
    ),
    ("management_command", {"command": "check"}, {"command": "check"}),
]


@pytest.mark.parametrize(("kind", "typed", "params"), WORK)
def test_a_schedule_of_each_job_type_is_stored_as_the_api_would_store_it(boss, shop, kind, typed, params):
    typed = {f"params__{name}": value for name, value in typed.items()}
    answer = add(boss, kind, name="made here", tags="daily, money, daily", **typed)
    assert answer.status_code == 302, errors(answer)
    made = Schedule.objects.get(name="made here")
    assert (made.job_type, made.params, made.tags) == (kind, params, ["daily", "money"])
    assert (made.created_by, made.owner.username, made.version) == ("boss", "boss", 1)
    assert made.next_run_at is not None
    by_program = Schedule(name="made by a program", job_type=kind, params=params, cron_expression="*/5 * * * *")
    by_program.store(by="boss")
    same = [
        "timeout_seconds",
        "max_retries",
        "overlap_policy",
        "misfire_policy",
        "priority",
        "timezone",
        "next_run_at",
    ]
    assert [getattr(made, name) for name in same] == [getattr(by_program, name) for name in same]


@pytest.mark.parametrize(("kind", "typed", "params"), WORK)
def test_saving_again_without_a_change_keeps_the_parameters(boss, shop, make_schedule, kind, typed, params):
    schedule = make_schedule(job_type=kind, params=params)
    assert boss.post(change(schedule), filled(boss, change(schedule))).status_code == 302
    assert Schedule.objects.get(pk=schedule.pk).params == params


def test_the_job_type_is_chosen_first(boss):
    page = boss.get(ADD).content.decode()
    for kind in ("noop", "http_request", "sql_alert", "management_command"):
        assert f'href="?job_type={kind}"' in page
    assert "cron_expression" not in page


def test_an_unknown_job_type_leads_back_to_the_choice(boss):
    assert 'href="?job_type=noop"' in boss.get(f"{ADD}?job_type=nope").content.decode()


def test_a_bad_cron_expression_is_shown_at_its_field_with_what_was_typed(boss):
    answer = add(boss, "noop", name="kept", cron_expression="*/5 22-4 * * *", description="typed before")
    assert errors(answer) == {
        "cron_expression": "Hour, characters 5 to 8: 22-4 runs backwards. Write 22-23,0-4.",
    }
    page = answer.content.decode()
    assert 'value="*/5 22-4 * * *"' in page
    assert '<pre class="caret" aria-hidden="true">    ^^^^</pre>' in page
    assert "typed before" in page
    assert not Schedule.objects.exists()


def test_a_parameter_that_the_job_type_refuses_is_shown_at_its_own_field(boss):
    answer = add(boss, "http_request", name="x", params__url="http://169.254.169.254/")
    assert list(errors(answer)) == ["params__url"]


@pytest.mark.parametrize(
    ("typed", "field", "word"),
    [
        ({"params__json": "{"}, "params__json", "line 1, character 2"),
        ({"params__json": "NaN"}, "params__json", "finite"),
        ({"params__json": "[" * 100_000}, "params__json", "JSON"),
        ({"params__headers": "no colon"}, "params__headers", "Line 1"),
        ({"params__headers": "A: 1\nA: 2"}, "params__headers", "twice"),
    ],
)
def test_what_cannot_be_read_says_what_to_write(boss, typed, field, word):
    found = errors(add(boss, "http_request", name="x", params__url="http://127.0.0.1/", **typed))
    assert word in found[field]


def test_a_required_parameter_is_asked_for(boss):
    assert set(errors(add(boss, "sql_alert", name="x"))) == {"params__connection", "params__query"}


def test_a_taken_name_is_refused_at_the_name(boss, make_schedule):
    make_schedule(name="taken")
    assert list(errors(add(boss, "noop", name="taken"))) == ["name"]


def test_only_the_fields_of_the_chosen_timing_count(boss):
    answer = add(boss, "noop", name="x", schedule_type="interval", interval_seconds="600", cron_expression="rubbish")
    assert answer.status_code == 302
    made = Schedule.objects.get()
    assert (made.interval_seconds, made.cron_expression) == (600, "")


def test_times_are_read_in_the_schedules_zone_and_shown_in_it(boss):
    add(boss, "noop", name="x", schedule_type="one_time", scheduled_at="2027-07-01T06:30", timezone="Europe/Riga")
    made = Schedule.objects.get()
    assert made.scheduled_at == datetime(2027, 7, 1, 3, 30, tzinfo=UTC)
    assert filled(boss, change(made))["scheduled_at"] == "2027-07-01T06:30"


def test_a_moment_that_the_clocks_skip_is_refused(boss):
    typed = {"name": "x", "timezone": "Europe/Berlin", "start_at": "2027-03-28T02:30"}
    assert list(errors(add(boss, "noop", **typed))) == ["start_at"]


def test_a_moment_in_the_repeated_hour_survives_an_edit_that_does_not_touch_it(boss, make_schedule):
    second_pass = datetime(2027, 10, 31, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    schedule = make_schedule(timezone="Europe/Berlin", end_at=second_pass)
    boss.post(change(schedule), filled(boss, change(schedule), description="new"))
    stored = Schedule.objects.get(pk=schedule.pk)
    assert (stored.description, stored.end_at) == ("new", second_pass)


def test_a_schedule_that_runs_at_once_is_due_when_saved(boss):
    assert add(boss, "noop", name="x", schedule_type="immediate").status_code == 302
    assert Schedule.objects.get().next_run_at is not None


def test_an_edit_made_from_an_older_version_is_refused_and_keeps_what_was_typed(boss, make_schedule):
    schedule = make_schedule(name="edited twice")
    mine = filled(boss, change(schedule), description="mine")
    Schedule.objects.get(pk=schedule.pk).store(by="somebody else")
    answer = boss.post(change(schedule), mine)
    assert "version 2 now" in errors(answer)["__all__"]
    assert Schedule.objects.get(pk=schedule.pk).description == ""
    shown = answer.context["adminform"].form
    assert (shown["description"].value(), shown["seen_version"].value()) == ("mine", "2")
    again = {**mine, "seen_version": "2"}
    assert boss.post(change(schedule), again).status_code == 302
    assert Schedule.objects.get(pk=schedule.pk).description == "mine"


def test_an_edit_that_does_not_say_which_version_it_saw_is_refused(boss, make_schedule):
    schedule = make_schedule()
    assert "__all__" in errors(boss.post(change(schedule), filled(boss, change(schedule), seen_version="")))


def test_the_job_type_of_a_schedule_can_be_changed(boss, make_schedule):
    schedule = make_schedule(params={"message": "old"})
    address = f"{change(schedule)}?job_type=management_command"
    assert boss.post(address, filled(boss, address, params__command="check")).status_code == 302
    stored = Schedule.objects.get(pk=schedule.pk)
    assert (stored.job_type, stored.params, stored.version) == ("management_command", {"command": "check"}, 2)


def test_saving_runs_nothing(boss, make_schedule):
    schedule = make_schedule()
    boss.post(change(schedule), filled(boss, change(schedule)))
    assert not JobRun.objects.exists()


def test_a_name_cannot_carry_markup_into_a_page(boss, make_schedule):
    hostile = "<script>alert(1)</script>"
    schedule = make_schedule(name=hostile, description=hostile, tags=[hostile])
    for address in (
        "/admin/schedules/schedule/",
        change(schedule),
        f"/admin/schedules/schedule/{schedule.pk}/act/pause/",
        f"/admin/schedules/schedule/{schedule.pk}/history/",
    ):
        assert hostile not in boss.get(address).content.decode()
    answer = boss.post(f"/admin/schedules/schedule/{schedule.pk}/act/pause/", {"confirmed": "1"}, follow=True)
    assert hostile not in answer.content.decode()
    assert "Paused &lt;script&gt;" in answer.content.decode()
