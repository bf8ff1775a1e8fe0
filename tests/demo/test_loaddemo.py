import itertools
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobruns.demo import business, history, load, sample
from jobruns.engine import invariants
from jobruns.models import JobRun, RunLogLine
from jobtypes import registry
from jobtypes.csv_import import CsvImport
from jobtypes.models import ImportProject
from schedules.models import Schedule
from schedules.timing import next_instant, occurrences

pytestmark = pytest.mark.django_db
ADDRESS = "http://127.0.0.1:8123"


@pytest.fixture(autouse=True)
def _demo(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sample be small and its files lie elsewhere."""
    settings.LOCAL_FILES_ROOT = tmp_path
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1:8123", "127.0.0.1:8124"]
    settings.MANAGEMENT_COMMAND_ALLOWLIST = {"demoorders": {}, "clearsessions": {}}
    monkeypatch.setattr(CsvImport, "min_interval_seconds", 60)
    monkeypatch.setenv(sample.WAREHOUSE_URL, "postgresql://importer@/warehouse?host=/nowhere")
    monkeypatch.setattr(history, "INSTANTS", 150)
    monkeypatch.setattr(history, "OUTAGE", (timedelta(minutes=120), timedelta(minutes=80)))


def loaded() -> datetime:
    now = timezone.now()
    load.load(now, address=ADDRESS)
    return now


def counted(schedule: Schedule) -> dict[str, Any]:
    """Return what the counters of a schedule must be, from its runs."""
    ended = [run for run in schedule.runs.order_by("pk") if run.status in {"success", "failed", "cancelled"}]
    judged = [run for run in ended if run.status != "cancelled"]
    in_a_row = list(itertools.takewhile(lambda run: run.status == "failed", reversed(judged)))
    return {
        "total_runs": len(judged),
        "successful_runs": sum(run.status == "success" for run in judged),
        "failed_runs": sum(run.status == "failed" for run in judged),
        "fire_count": sum(run.trigger == "schedule" for run in ended),
        "consecutive_failures": len(in_a_row),
        "last_run_id": ended[-1].pk if ended else None,
        "last_run_at": ended[-1].started_at if ended else None,
        "last_status": ended[-1].status if ended else "",
        "last_scheduled_for": max(
            (run.scheduled_for for run in schedule.runs.filter(trigger="schedule")), default=None
        ),
    }


def test_every_shipped_kind_of_work_runs_within_a_minute() -> None:
    now = loaded()
    soon = Schedule.objects.filter(next_run_at__lte=now + timedelta(seconds=60))
    assert set(soon.values_list("job_type", flat=True)) == set(registry.job_types())


def test_the_counters_equal_the_history() -> None:
    loaded()
    schedules = list(Schedule.objects.all())
    assert {one.name: {key: getattr(one, key) for key in counted(one)} for one in schedules} == {
        one.name: counted(one) for one in schedules
    }


def test_every_instant_of_the_past_is_accounted_for_once() -> None:
    loaded()
    for schedule in Schedule.objects.exclude(schedule_type="manual").filter(last_run_id__isnull=False):
        rows = schedule.runs.filter(trigger="schedule").order_by("scheduled_for")
        first = min(row.coalesced_from or row.scheduled_for for row in rows)
        last = rows.last().scheduled_for
        instants = occurrences(schedule.timing, first - timedelta(seconds=1), last, 100_000)
        assert sum(row.coalesced_count for row in rows) == len(instants), schedule.name


def test_the_engine_goes_on_where_the_past_ends() -> None:
    loaded()
    for schedule in Schedule.objects.filter(status="active", last_scheduled_for__isnull=False):
        assert schedule.last_scheduled_for is not None
        assert schedule.next_run_at == next_instant(schedule.timing, schedule.last_scheduled_for)


def test_the_sample_breaks_no_invariant() -> None:
    loaded()
    assert {breach.rule for breach in invariants.breaches()} <= {"overdue"}  # nothing fires in this test


def test_the_history_shows_what_can_happen() -> None:
    loaded()
    seen = set(JobRun.objects.values_list("status", "reason"))
    assert {("success", ""), ("missed", "coalesced"), ("skipped", "coalesced")} <= seen
    assert JobRun.objects.filter(trigger="retry", retry_of__status="failed").exists()
    assert RunLogLine.objects.exists()
    assert not JobRun.objects.active().exists()


def test_alerts_of_the_past_kept_their_values() -> None:
    loaded()
    run = JobRun.objects.filter(job_type="sql_alert", status="success").first()
    assert run is not None
    assert run.result["status"] in {"OK", "ALERT"}
    assert run.metrics["threshold"] == run.result["threshold"]
    assert run.summary.startswith(run.result["status"])


def test_alerts_have_no_past_before_the_data_that_they_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    now = loaded()
    monkeypatch.undo()  # the past as long as the demo's
    for schedule in Schedule.objects.filter(job_type="sql_alert"):
        assert history.beginning(schedule, now) > now - business.KEPT + timedelta(hours=1)


def test_loading_twice_adds_nothing_and_a_deleted_schedule_stays_deleted() -> None:
    now = loaded()
    Schedule.objects.get(name="pulse").discard(by="somebody")
    before = (Schedule.objects.count(), JobRun.objects.count())
    assert load.load(now, address=ADDRESS) == load.Loaded(0, 0, [])
    assert (Schedule.objects.count(), JobRun.objects.count()) == before


def test_the_health_schedule_follows_the_web_server() -> None:
    now = loaded()
    load.load(now, address="http://127.0.0.1:8124")
    assert Schedule.objects.get(name=sample.HEALTH).params["url"] == "http://127.0.0.1:8124/health"


def test_the_health_schedule_stays_where_no_address_is_given() -> None:
    loaded()
    call_command("loaddemo", schedules=1, stdout=StringIO())
    assert Schedule.objects.get(name=sample.HEALTH).params["url"] == f"{ADDRESS}/health"


def test_a_forbidden_address_is_told_and_changes_nothing() -> None:
    now = loaded()
    (sentence,) = load.load(now, address="http://127.0.0.1:8125").left_out
    assert "OUTBOUND_ALLOWLIST" in sentence
    assert Schedule.objects.get(name=sample.HEALTH).params["url"] == f"{ADDRESS}/health"


def test_what_the_settings_do_not_allow_is_left_out_and_named(settings: Any) -> None:
    settings.MANAGEMENT_COMMAND_ALLOWLIST = {}
    loaded = load.load(timezone.now(), address="http://127.0.0.1:8125")
    assert loaded.schedules == len(sample.SCHEDULES) + 1 - 3
    assert [sentence.partition(":")[0] for sentence in loaded.left_out] == [
        "shop-business",
        "web-health",
        "clear-old-sessions",
    ]
    assert "OUTBOUND_ALLOWLIST" in loaded.left_out[1]


def test_imports_begin_soon_and_have_no_past() -> None:
    now = loaded()
    for schedule in Schedule.objects.filter(job_type="csv_import"):
        assert schedule.next_run_at is not None
        assert now < schedule.next_run_at <= now + timedelta(seconds=60)
        assert not schedule.runs.exists()
    assert ImportProject.objects.count() == 2


def test_without_a_database_for_them_imports_are_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sample.WAREHOUSE_URL)
    left_out = load.load(timezone.now(), address=ADDRESS).left_out
    assert [sentence.partition(":")[0] for sentence in left_out] == ["warehouse-import", "partner-import"]
    assert not ImportProject.objects.exists()


def test_the_paused_schedule_tells_since_when_and_why() -> None:
    now = loaded()
    schedule = Schedule.objects.get(name=sample.PAUSED)
    assert schedule.status_reason == sample.PAUSE_REASON
    assert schedule.pause_started_at == now - load.PAUSED_FOR
    assert not schedule.runs.filter(scheduled_for__gte=schedule.pause_started_at).exists()


def test_generated_runs_are_as_many_as_asked_for_and_counted() -> None:
    out = StringIO()
    call_command("loaddemo", schedules=7, runs=1000, stdout=out)
    made = Schedule.objects.filter(name__startswith="generated-")
    assert "7 schedules with 1000 runs" in out.getvalue()
    assert sum(schedule.runs.count() for schedule in made) == 1000
    for schedule in made:
        assert {key: getattr(schedule, key) for key in counted(schedule)} == counted(schedule)


def test_generated_schedules_go_on_where_their_history_ends() -> None:
    call_command("loaddemo", schedules=7, runs=72, stdout=StringIO())
    now = datetime.now(UTC)
    for schedule in Schedule.objects.filter(name__startswith="generated-"):
        step = timedelta(seconds=schedule.interval_seconds or 0)
        assert schedule.last_scheduled_for is not None
        assert schedule.next_run_at == schedule.last_scheduled_for + step
        assert schedule.last_scheduled_for <= now
        assert occurrences(schedule.timing, schedule.last_scheduled_for, schedule.next_run_at, 5)


def test_a_schedule_made_after_generated_ones_gets_an_id_of_its_own() -> None:
    call_command("loaddemo", schedules=3, stdout=StringIO())
    fresh = Schedule(name="fresh", job_type="noop", schedule_type="manual")
    fresh.store(by="somebody")
    assert fresh.pk > max(Schedule.objects.exclude(pk=fresh.pk).values_list("pk", flat=True))


def test_generating_again_adds_more() -> None:
    for _ in range(2):
        call_command("loaddemo", schedules=3, runs=30, stdout=StringIO())
    made = Schedule.objects.filter(name__startswith="generated-")
    assert made.count() == 6
    assert JobRun.objects.filter(schedule__in=made).count() == 60


def test_a_number_below_zero_is_refused_and_nothing_is_made() -> None:
    with pytest.raises(CommandError, match="--runs must lie between 0 and"):
        call_command("loaddemo", runs=-1)
    assert not Schedule.objects.exists()


def test_admin_gets_a_random_password_that_is_kept(tmp_path: Path) -> None:
    load.admin("", tmp_path / "password")
    user = get_user_model().objects.get(username="admin")
    assert user.is_superuser
    assert user.check_password((tmp_path / "password").read_text().strip())


def test_admin_keeps_a_password_that_was_changed(tmp_path: Path) -> None:
    load.admin("", tmp_path / "password")
    user = get_user_model().objects.get(username="admin")
    user.set_password("changed")
    user.save()
    load.admin("", tmp_path / "password")
    user.refresh_from_db()
    assert user.check_password("changed")
