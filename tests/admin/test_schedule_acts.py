"""Run now, pause, resume, delete and bring back: asked once, done one by one, by those who may."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from jobruns.models import JobRun
from schedules.models import Schedule

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/schedule/"


def act(schedule, verb):
    return f"{LIST}{schedule.pk}/act/{verb}/"


def do(client, schedule, verb, **answers):
    return client.post(
        act(schedule, verb), {"confirmed": "1", "reason": "", "until": "", "missed": "none", **answers}
    )


def told(answer):
    return " ".join(str(message) for message in answer.context["messages"])


def test_run_now_asks_for_a_run_by_hand(boss, make_schedule):
    schedule = make_schedule()
    do(boss, schedule, "run")
    run = JobRun.objects.get()
    assert (run.schedule, run.trigger, run.triggered_by, run.status) == (schedule, "manual", "boss", "pending")


def test_the_question_alone_does_nothing(boss, make_schedule):
    schedule = make_schedule()
    for verb in ("run", "pause", "delete"):
        assert boss.get(act(schedule, verb)).status_code == 200
        assert boss.post(act(schedule, verb)).status_code == 200
    assert not JobRun.objects.exists()
    assert Schedule.objects.get().status == "active"


def test_a_pause_keeps_its_reason_and_ends_in_the_schedules_zone(boss, make_schedule):
    schedule = make_schedule(timezone="Europe/Riga")
    do(boss, schedule, "pause", reason="Partner moves hosts", until="2099-07-01T06:00")
    stored = Schedule.objects.get()
    assert (stored.status, stored.status_reason, stored.status_changed_by) == (
        "paused",
        "Partner moves hosts",
        "boss",
    )
    assert stored.paused_until == datetime(2099, 7, 1, 3, tzinfo=UTC)


def test_a_pause_that_would_end_in_the_past_is_refused_at_its_field(boss, make_schedule):
    answer = do(boss, make_schedule(), "pause", until="2020-01-01T00:00", reason="typed before")
    assert "This moment has passed" in answer.context["question"].errors["until"][0]
    assert "typed before" in answer.content.decode()
    assert Schedule.objects.get().status == "active"


def test_resume_says_what_becomes_of_the_instants_in_between(boss, make_schedule):
    schedule = make_schedule()
    schedule.pause(by="tester")
    do(boss, schedule, "resume", missed="all")
    stored = Schedule.objects.get()
    assert (stored.status, stored.pause_catchup) == ("active", "all")


def test_a_deleted_schedule_is_hidden_keeps_its_history_and_comes_back_paused(boss, make_schedule):
    schedule = make_schedule(name="come and go")
    schedule.runs.request(by="tester")
    answer = boss.post(act(schedule, "delete"), {"confirmed": "1"}, follow=True)
    assert act(schedule, "restore") in told(answer)
    assert not answer.context["cl"].result_count
    assert boss.get(LIST, {"status": "deleted"}).context["cl"].result_count == 1
    assert schedule.runs.count() == 1
    do(boss, schedule, "restore")
    assert Schedule.objects.get().status == "paused"


def test_a_deleted_schedule_does_not_come_back_under_a_taken_name(boss, make_schedule):
    schedule = make_schedule(name="once")
    schedule.discard(by="tester")
    make_schedule(name="once")
    answer = boss.post(act(schedule, "restore"), {"confirmed": "1"}, follow=True)
    assert "taken" in told(answer)
    assert Schedule.objects.get(pk=schedule.pk).status == "deleted"


def test_the_delete_page_of_the_admin_deletes_softly(boss, make_schedule):
    schedule = make_schedule()
    answer = boss.post(f"{LIST}{schedule.pk}/delete/", {"post": "yes"})
    assert answer.url == act(schedule, "delete")
    assert Schedule.objects.filter(pk=schedule.pk).exists()


def test_an_act_on_many_is_done_to_each_that_allows_it(boss, make_schedule):
    open_ones = [make_schedule() for _ in range(3)]
    suspended = make_schedule(name="held back")
    suspended.suspend(reason="its owner left")
    chosen = {"action": "pause", "_selected_action": [one.pk for one in (*open_ones, suspended)], "index": "0"}
    question = boss.post(LIST, chosen)
    assert "Pause 4 schedules?" in question.content.decode()
    answer = boss.post(LIST, {**chosen, "confirmed": "1", "reason": "", "until": ""}, follow=True)
    assert "Paused 3 schedules" in told(answer)
    assert "held back is suspended" in told(answer)
    assert list(Schedule.objects.order_by("pk").values_list("status", flat=True)) == [*["paused"] * 3, "suspended"]


def test_select_all_reaches_schedules_on_other_pages(boss, make_schedule):
    made = [make_schedule() for _ in range(60)]
    chosen = {"action": "pause", "_selected_action": [made[0].pk], "select_across": "1", "index": "0"}
    assert "Pause 60 schedules?" in boss.post(LIST, chosen).content.decode()
    boss.post(LIST, {**chosen, "confirmed": "1", "reason": "", "until": ""})
    assert Schedule.objects.filter(status="paused").count() == 60


@pytest.mark.parametrize(
    ("verb", "right"),
    [
        ("run", "trigger_schedule"),
        ("pause", "pause_schedule"),
        ("resume", "pause_schedule"),
        ("delete", "delete_schedule"),
    ],
)
def test_an_act_needs_its_own_right(person_who_may, make_schedule, verb, right):
    schedule = make_schedule()
    onlooker = person_who_may("schedules.view_schedule")
    assert do(onlooker, schedule, verb).status_code == 403
    assert Schedule.objects.get().status == "active"
    assert not JobRun.objects.exists()
    assert verb not in onlooker.get(LIST).content.decode().partition('name="action"')[2].partition("</select>")[0]
    assert do(person_who_may("schedules.view_schedule", f"schedules.{right}"), schedule, verb).status_code == 302


def test_who_may_only_look_sees_the_schedule_and_cannot_save(person_who_may, make_schedule):
    schedule = make_schedule(name="look at me", params={"message": "hello"})
    onlooker = person_who_may("schedules.view_schedule")
    address = f"{LIST}{schedule.pk}/change/"
    page = onlooker.get(address)
    assert page.status_code == 200
    assert "look at me" in page.content.decode()
    assert 'name="_save"' not in page.content.decode()
    assert onlooker.post(address, {"name": "changed"}).status_code == 403
    assert onlooker.get(f"{LIST}add/").status_code == 403
    assert onlooker.post(f"{LIST}{schedule.pk}/preview/", {}).status_code == 403


def test_a_stranger_is_led_to_the_login(client, make_schedule):
    assert client.post(act(make_schedule(), "run")).status_code == 302
    assert not JobRun.objects.exists()


def test_the_list_finds_by_tag_and_by_next_run(boss, make_schedule):
    make_schedule(name="soon", interval_seconds=600, tags=["money"])
    make_schedule(name="later", interval_seconds=86_400 * 3)
    assert [one.name for one in boss.get(LIST, {"q": "money"}).context["cl"].result_list] == ["soon"]
    assert [one.name for one in boss.get(LIST, {"next": "hour"}).context["cl"].result_list] == ["soon"]


def test_the_list_shows_the_next_run_in_the_schedules_zone(boss, make_schedule):
    schedule = make_schedule(
        timezone="Asia/Kathmandu", schedule_type="cron", cron_expression="45 6 * * *", interval_seconds=None
    )
    assert schedule.next_run_at > timezone.now() - timedelta(days=1)
    assert " 06:45</time>" in boss.get(LIST).content.decode()
