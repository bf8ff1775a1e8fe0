import random
import statistics
from datetime import timedelta

import pytest
from django.utils import timezone

from jobruns import stats
from jobruns.models import JobRun
from schedules.models import Schedule


@pytest.fixture
def schedule(a_schedule):
    return Schedule.objects.get(pk=a_schedule(params={"message": "hello"})["id"])


def ended(schedule, status="success", *, seconds=1.0, ago=timedelta(minutes=5), error="", **fields):
    run = schedule.runs.request(by="ada")
    at = timezone.now() - ago
    values = {
        "status": status,
        "queued_at": at,
        "started_at": at,
        "finished_at": at + timedelta(seconds=seconds),
        "error": error,
        **fields,
    }
    JobRun.objects.filter(pk=run.pk).update(**values)
    run.refresh_from_db()
    return run


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in answer.json()["results"]]


def test_a_run_is_shown_with_its_duration(admin, schedule):
    run = ended(schedule, seconds=1.25, summary="Did it.", metrics={"rows": 3})
    body = admin.get(f"runs/{run.pk}").json()
    assert (body["duration_seconds"], body["duration_ms"]) == (1.25, 1250)
    assert (body["schedule_id"], body["schedule_name"]) == (schedule.pk, "nightly")
    assert (body["status"], body["summary"], body["metrics"]) == ("success", "Did it.", {"rows": 3})
    assert (body["attempt"], body["attempt_number"]) == (1, 1)
    assert admin.get(f"executions/{run.pk}").json() == body


def test_runs_are_listed_newest_first_under_every_name(admin, schedule):
    runs = [ended(schedule).pk for _ in range(3)][::-1]
    for path in (
        "runs",
        "executions",
        *[f"schedules/{schedule.pk}/{word}" for word in ("runs", "executions", "history")],
    ):
        assert ids(admin.get(path)) == runs


def test_the_runs_of_an_unknown_schedule_are_404(admin):
    assert admin.get("schedules/77/runs").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "schedule={schedule}",
        "schedule=nightly",
        "status=failed",
        "status=failed&status=missed",
        "reason=timeout",
        "trigger=backfill",
        "environment=staging",
        "job_type=other",
        "started_after={after}",
        "started_before={before}",
        "search=DISK%20full",
        "correlation_id=order-17",
    ],
)
def test_a_filter_keeps_what_fits_and_nothing_else(admin, a_schedule, schedule, query):
    other = Schedule.objects.get(pk=a_schedule(name="other")["id"])
    recent, old = timezone.now() - timedelta(minutes=1), timezone.now() - timedelta(days=9)
    fitting = ended(
        schedule,
        "failed",
        ago=timedelta(days=10) if "before" in query else timedelta(0),
        error="The disk full again",
        reason="timeout",
        trigger="backfill",
        environment="staging",
        job_type="other",
        correlation_id="order-17",
    )
    ended(other)
    words = query.format(schedule=schedule.pk, after=recent.isoformat(), before=old.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert ids(admin.get(f"runs?{words}")) == [fitting.pk]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("status=sleeping", "status"),
        ("reason=mood", "reason"),
        ("started_after=soon", "started_after"),
        ("started_after=0001-01-01T00:00:00%2B14:00", "started_after"),
        ("colour=red", "colour"),
        ("ordering=secret", "ordering"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("page_size=many", "page_size"),
        ("cursor=zzzz", "cursor"),
        ("cursor=W10", "cursor"),
        ("search=%00", "search"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(admin, query, name):
    answer = admin.get(f"runs?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]


def test_running_lists_what_runs_now(admin, schedule):
    ended(schedule)
    run = schedule.runs.request(by="ada")
    soon = timezone.now() + timedelta(minutes=1)
    JobRun.objects.filter(pk=run.pk).update(status="running", started_at=timezone.now(), lease_expires_at=soon)
    assert ids(admin.get("runs/running")) == ids(admin.get("executions/running")) == [run.pk]


def test_runs_are_found_by_correlation_id(admin, schedule):
    run = ended(schedule, correlation_id="order-17")
    ended(schedule)
    assert ids(admin.get("runs/by-correlation/order-17")) == [run.pk]
    assert ids(admin.get("runs/by-correlation/unknown")) == []


def test_the_log_is_read_in_its_order(admin, schedule):
    run = ended(schedule)
    now = timezone.now()
    for number in (2, 1, 3):
        run.log_lines.create(number=number, at=now, level="info", text=f"line {number}")
    first = admin.get(f"runs/{run.pk}/logs?limit=2").json()
    assert [one["text"] for one in first["results"]] == ["line 1", "line 2"]
    assert [one["number"] for one in admin.get(first["next"]).json()["results"]] == [3]


def test_a_waiting_run_is_cancelled_at_once(admin, schedule):
    run = schedule.runs.request(by="ada")
    body = admin.post(f"runs/{run.pk}/cancel").json()
    assert (body["status"], body["cancelled_by"]) == ("cancelled", "ada")


def test_a_running_run_is_asked_to_stop(admin, schedule):
    run = schedule.runs.request(by="ada")
    soon = timezone.now() + timedelta(minutes=1)
    JobRun.objects.filter(pk=run.pk).update(status="running", started_at=timezone.now(), lease_expires_at=soon)
    body = admin.post(f"runs/{run.pk}/cancel").json()
    assert (body["status"], body["cancellation"]) == ("running", "asked")


def test_an_ended_run_cannot_be_cancelled(admin, schedule):
    assert admin.post(f"runs/{ended(schedule).pk}/cancel").status_code == 409


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_verbs_on_runs_need_their_right(having, schedule, verb):
    run = ended(schedule, "failed")
    assert having("jobruns.view_jobrun", "jobruns.change_jobrun").post(f"runs/{run.pk}/{verb}").status_code == 403


def test_a_failed_run_is_retried_with_its_parameters(admin, schedule):
    run = ended(schedule, "failed", params={"message": "as then"}, correlation_id="order-17")
    answer = admin.post(f"runs/{run.pk}/retry")
    assert answer.status_code == 202
    fresh = JobRun.objects.get(pk=answer.json()["run_id"])
    assert (fresh.params, fresh.correlation_id) == ({"message": "as then"}, "order-17")
    assert (fresh.status, fresh.attempt, fresh.triggered_by) == ("pending", 1, "ada")


def test_a_succeeded_run_is_not_retried(admin, schedule):
    assert admin.post(f"runs/{ended(schedule).pk}/retry").status_code == 409


def test_pages_lead_through_all_runs_and_back(admin, schedule):
    runs = [schedule.runs.request(by="ada").pk for _ in range(7)][::-1]
    page = admin.get("runs?limit=3").json()
    assert page["previous"] is None
    seen, pages = [], []
    while True:
        pages.append([one["id"] for one in page["results"]])
        seen += pages[-1]
        if page["next"] is None:
            break
        page = admin.get(page["next"]).json()
    assert seen == runs
    back = admin.get(page["previous"]).json()
    assert [one["id"] for one in back["results"]] == pages[-2]
    first = admin.get(back["previous"]).json()
    assert [one["id"] for one in first["results"]] == pages[0]
    assert first["previous"] is None


@pytest.mark.parametrize("ordering", ["started_at", "-started_at", "id", "-finished_at"])
def test_pages_are_complete_in_any_order_with_ties_and_empty_values(admin, schedule, ordering):
    at = timezone.now()
    for number in range(9):
        run = schedule.runs.request(by="ada")
        if number % 3:
            when = at + timedelta(seconds=number // 3)
            JobRun.objects.filter(pk=run.pk).update(started_at=when, finished_at=when)
    whole = ids(admin.get(f"runs?ordering={ordering}&limit=500"))
    page = admin.get(f"runs?ordering={ordering}&limit=2").json()
    seen = [one["id"] for one in page["results"]]
    forward = [seen]
    while page["next"]:
        page = admin.get(page["next"]).json()
        forward.append([one["id"] for one in page["results"]])
        seen = seen + forward[-1]
    assert seen == whole
    assert len(whole) == 9
    for expected in forward[-2::-1]:
        page = admin.get(page["previous"]).json()
        assert [one["id"] for one in page["results"]] == expected


def test_a_list_costs_the_same_number_of_queries_whatever_its_length(
    admin, schedule, django_assert_num_queries, django_assert_max_num_queries
):
    for _ in range(20):
        ended(schedule)
    admin.get("runs?limit=1")
    with django_assert_max_num_queries(2):
        admin.get("runs?limit=20")


def test_statistics_equal_a_recount(admin, schedule):
    dice = random.Random(7)
    now = timezone.now()
    runs = []
    for minutes in sorted((dice.randrange(1, 60 * 24 * 10) for _ in range(120)), reverse=True):
        status = dice.choice(["success", "success", "failed", "skipped", "missed", "cancelled"])
        error = dice.choice(["disk", "disk", "net"]) if status == "failed" else ""
        ago = timedelta(minutes=minutes)
        runs.append(ended(schedule, status, seconds=dice.randrange(1, 900), ago=ago, error=error))
    body = admin.get(f"runs/stats/{schedule.pk}?window=3d").json()
    inside = [run for run in runs if run.queued_at >= now - timedelta(days=3)]
    took = sorted(run.duration_seconds * 1000 for run in inside if run.status == "success")
    count = {status: sum(run.status == status for run in inside) for status in JobRun.Status.values}
    assert body["total_executions"] == len(inside)
    for word, status in [
        ("successful", "success"),
        ("failed", "failed"),
        ("skipped", "skipped"),
        ("missed", "missed"),
    ]:
        assert body[f"{word}_executions"] == count[status]
    assert body["success_rate"] == pytest.approx(count["success"] / (count["success"] + count["failed"]))
    assert body["average_duration_ms"] == pytest.approx(statistics.mean(took))
    assert (body["min_duration_ms"], body["max_duration_ms"]) == (took[0], took[-1])
    assert body["p50_duration_ms"] == took[-(-len(took) * 50 // 100) - 1]
    assert body["p95_duration_ms"] == took[-(-len(took) * 95 // 100) - 1]
    for name, hours in [("hour", 1), ("24h", 24), ("7d", 168)]:
        recent = [run for run in runs if run.queued_at >= now - timedelta(hours=hours)]
        assert body[f"executions_last_{name}"] == len(recent)
    assert body["most_common_error"] == statistics.mode(run.error for run in inside if run.error)
    assert body["next_execution_at"] == admin.get(f"schedules/{schedule.pk}").json()["next_run_at"]


def test_statistics_without_runs_are_empty_and_not_an_error(admin, schedule):
    body = admin.get(f"runs/stats/{schedule.pk}").json()
    assert (body["total_executions"], body["success_rate"], body["p95_duration_ms"]) == (0, None, None)
    assert admin.get("executions/stats").json()["schedule_id"] is None


def test_the_window_may_be_named_in_hours(admin, schedule):
    ended(schedule, ago=timedelta(hours=5))
    assert admin.get("runs/stats?time_window_hours=4").json()["total_executions"] == 0
    assert admin.get("runs/stats?window=6h").json()["total_executions"] == 1


@pytest.mark.parametrize("text", ["", "0h", "24", "-1d", "999999w", "1y", "1.5h"])
def test_a_window_that_is_none_is_refused(text):
    with pytest.raises(stats.NoWindow):
        stats.window(text)
