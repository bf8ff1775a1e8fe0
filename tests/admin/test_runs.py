"""Runs in the workshop: read only, never counted to the end, cancelled or asked for again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobruns import reading
from jobruns.models import JobRun, RunLogLine, SchedulerProcess

pytestmark = pytest.mark.django_db
LIST = "/admin/jobruns/jobrun/"


@pytest.fixture
def ended(make_schedule):
    """Return a function that makes a run that has ended."""
    schedule = make_schedule(name="imports", params={"message": "hello"})

    def make(**fields):
        run = schedule.runs.request(by="tester")
        now = timezone.now()
        JobRun.objects.filter(pk=run.pk).update(
            **{"status": "success", "started_at": now, "finished_at": now, "summary": "Did it.", **fields}
        )
        return JobRun.objects.get(pk=run.pk)

    return make


def test_the_list_and_a_run_can_be_read_and_not_written(boss, ended):
    run = ended(error="<script>alert(1)</script>", status="failed", reason="error", result={"token": "sesame-sesame"})
    RunLogLine.objects.create(run=run, number=1, at=timezone.now(), text="<b>bold</b> line")
    assert f"#{run.pk}" in boss.get(LIST).content.decode()
    page = boss.get(f"{LIST}{run.pk}/change/").content.decode()
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;bold&lt;/b&gt; line" in page
    assert "<script>alert" not in page
    assert "sesame-sesame" not in page
    assert boss.post(f"{LIST}{run.pk}/change/", {"status": "success"}).status_code == 403
    assert boss.get(f"{LIST}add/").status_code == 403
    assert boss.post(f"{LIST}{run.pk}/delete/", {"post": "yes"}).status_code == 403


def test_only_the_last_lines_of_a_long_log_are_shown(boss, ended):
    run = ended()
    now = timezone.now()
    RunLogLine.objects.bulk_create(
        RunLogLine(run=run, number=number, at=now, text=f"line-{number}-") for number in range(1, 302)
    )
    page = boss.get(f"{LIST}{run.pk}/change/").content.decode()
    assert "line-301-" in page
    assert "line-101-" not in page


def test_a_search_finds_by_number_by_correlation_and_by_schedule(boss, ended, make_schedule):
    run, other = ended(), make_schedule(name="other").runs.request(by="tester")
    for term in (str(run.pk), run.correlation_id, "import"):
        found = [one.pk for one in boss.get(LIST, {"q": term}).context["cl"].result_list]
        assert found == [run.pk]
    assert len(boss.get(LIST).context["cl"].result_list) == 2
    assert other.pk


def test_no_list_is_counted_beyond_its_cap(boss, ended, monkeypatch):
    monkeypatch.setattr(reading, "COUNTED", 3)
    for _ in range(5):
        ended()
    changes = boss.get(LIST).context["cl"]
    assert (changes.result_count, changes.full_result_count) == (3, 3)


def test_the_list_asks_a_fixed_number_of_questions(boss, ended, django_assert_max_num_queries):
    for _ in range(20):
        ended()
    with django_assert_max_num_queries(14):
        boss.get(LIST)


def test_cancel_asks_first_and_leaves_ended_runs_alone(boss, ended):
    waiting, over = ended(status="pending", started_at=None, finished_at=None, summary=""), ended()
    chosen = {"action": "cancel_runs", "_selected_action": [waiting.pk, over.pk], "index": "0"}
    assert "Cancel 1 run?" in boss.post(LIST, chosen).content.decode()
    assert JobRun.objects.get(pk=waiting.pk).status == "pending"
    boss.post(LIST, {**chosen, "confirmed": "1"})
    assert JobRun.objects.get(pk=waiting.pk).status == "cancelled"
    assert JobRun.objects.get(pk=over.pk).status == "success"


def test_run_again_asks_for_a_run_with_the_same_parameters(boss, ended):
    run = ended(params={"message": "as it was"})
    boss.post(LIST, {"action": "run_again", "_selected_action": [run.pk], "index": "0"})
    new = JobRun.objects.latest("pk")
    assert (new.params, new.trigger, new.triggered_by) == ({"message": "as it was"}, "manual", "boss")


def test_cancel_and_run_again_need_their_rights(person_who_may, ended):
    run = ended(status="pending", started_at=None, finished_at=None)
    onlooker = person_who_may("jobruns.view_jobrun")
    for action in ("cancel_runs", "run_again"):
        onlooker.post(LIST, {"action": action, "_selected_action": [run.pk], "index": "0", "confirmed": "1"})
    assert [one.status for one in JobRun.objects.all()] == ["pending"]


def test_processes_are_shown_alive_or_silent(boss):
    now = timezone.now()
    SchedulerProcess.objects.create(name="lively", host="h", pid=1, version="1", heartbeat_at=now)
    SchedulerProcess.objects.create(name="lost", host="h", pid=2, version="1", heartbeat_at=now - timedelta(hours=1))
    page = boss.get("/admin/jobruns/schedulerprocess/").content.decode()
    assert "Alive" in page
    assert "Silent" in page


def test_the_upkeep_jobs_stay_visible(boss):
    assert boss.get("/admin/django_apscheduler/djangojob/").status_code == 200
