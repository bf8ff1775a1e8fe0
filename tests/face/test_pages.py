"""What the pages say, and whom they let in; asked without a browser, so that it holds with scripts turned off."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from jobruns.models import JobRun, SchedulerProcess
from schedules.models import Schedule
from tests.face.conftest import run_of, schedule

EVERY_PAGE = ["/", "/schedules", "/runs"]


def permit(user: Any, *names: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.mark.django_db
@pytest.mark.parametrize("address", EVERY_PAGE)
def test_a_stranger_is_led_to_the_sign_in_page_and_back(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=/")


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_a_user_without_rights_gets_the_403_page(client: Client, viewer: Any, address: str) -> None:
    client.force_login(viewer)
    answer = client.get(address)
    assert answer.status_code == 403
    assert "You may not do this" in text_of(answer)


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_a_viewer_sees_the_pages_without_their_buttons(
    client: Client, viewer: Any, world: SimpleNamespace, address: str
) -> None:
    permit(viewer, "view_schedule", "view_jobrun")
    client.force_login(viewer)
    answer = client.get(address)
    assert answer.status_code == 200
    assert "Run now" not in text_of(answer)


def test_a_viewer_may_neither_pause_nor_run(client: Client, viewer: Any, world: SimpleNamespace) -> None:
    permit(viewer, "view_schedule", "view_jobrun")
    client.force_login(viewer)
    assert client.post(f"/schedules/{world.calm.pk}/run").status_code == 403
    assert client.get(f"/schedules/{world.calm.pk}/pause").status_code == 403
    assert client.post(f"/runs/{world.running.pk}/cancel").status_code == 403


def test_an_unknown_address_is_a_page_of_ours(pages: Client) -> None:
    answer = pages.get("/nothing-here")
    assert answer.status_code == 404
    assert "There is nothing here" in text_of(answer)


def test_a_wrong_password_is_one_error_for_both_fields(client: Client, operator: Any) -> None:
    answer = client.post("/login", {"username": "operator", "password": "wrong"})
    assert "Name or password is not right." in text_of(answer)


def test_signing_in_leads_to_the_page_that_was_asked_for(client: Client, operator: Any) -> None:
    form = {"username": "operator", "password": "a-long-password", "next": "/runs"}
    assert client.post("/login", form).headers["Location"] == "/runs"


def test_today_names_what_fails_what_runs_and_what_comes(pages: Client, world: SimpleNamespace) -> None:
    said = text_of(pages.get("/"))
    assert "1 schedule is failing" in said
    assert "1 alert is open" in said
    assert "58 of 323 controls" in said
    assert "Paused until" in said
    assert "Partner moves" in said


def test_today_counts_a_late_fire_apart(pages: Client, operator: Any) -> None:
    one = schedule("one")
    run_of(one, timezone.now(), wait=0)
    run_of(one, timezone.now(), wait=600, trigger="schedule")
    assert "1 of 2" in text_of(pages.get("/"))


def test_a_lost_scheduler_is_told_with_its_command(pages: Client, world: SimpleNamespace) -> None:
    SchedulerProcess.objects.update(heartbeat_at=timezone.now() - timezone.timedelta(minutes=14))
    said = text_of(pages.get("/runs"))
    assert "No scheduler is running, so nothing will fire." in said
    assert "14 min ago" in said
    assert "python manage.py runscheduler" in said


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("is:failing", {"failing_import"}),
        ("is:paused", {"paused_callback"}),
        ("tag:customer", {"calm_import"}),
        ("invoices", {"failing_import"}),
        ("type:noop import", {"failing_import", "calm_import"}),
        ("env:elsewhere", set()),
    ],
)
def test_the_search_of_schedules_knows_its_qualifiers(
    pages: Client, world: SimpleNamespace, query: str, found: set[str]
) -> None:
    answer = pages.get("/schedules", {"q": query})
    assert {line.schedule.name for line in answer.context["lines"]} == found


def test_an_unknown_qualifier_says_which_there_are(pages: Client, world: SimpleNamespace) -> None:
    said = text_of(pages.get("/schedules", {"q": "colour:red"}))
    assert "There is no colour:. Write tag:, type:, env:, status:, is:" in said


def test_a_pause_keeps_its_reason_and_offers_to_undo_it(pages: Client, world: SimpleNamespace) -> None:
    address = f"/schedules/{world.calm.pk}/pause"
    form = {"sure": "1", "count": "1", "reason": "Disk is full", "until": ""}
    said = text_of(pages.post(address, form, follow=True))
    world.calm.refresh_from_db()
    assert (world.calm.status, world.calm.status_reason) == ("paused", "Disk is full")
    assert f"/schedules/{world.calm.pk}/resume" in said
    assert "Undo" in said


def test_a_pause_into_the_past_changes_nothing_and_says_why(pages: Client, world: SimpleNamespace) -> None:
    form = {"sure": "1", "count": "1", "reason": "", "until": "2020-01-01T00:00"}
    said = text_of(pages.post(f"/schedules/{world.calm.pk}/pause", form, follow=True))
    world.calm.refresh_from_db()
    assert world.calm.status == "active"
    assert "has passed" in said


def test_run_now_asks_for_one_run(pages: Client, world: SimpleNamespace) -> None:
    pages.post(f"/schedules/{world.calm.pk}/run")
    newest = world.calm.runs.order_by("-pk").first()
    assert (newest.status, newest.trigger, newest.triggered_by) == ("pending", "manual", "operator")


def test_a_count_that_changed_meanwhile_is_asked_again(pages: Client, world: SimpleNamespace) -> None:
    form = {"sure": "1", "count": "2", "all": "1", "q": "import", "reason": ""}
    schedule("another_import")
    said = text_of(pages.post("/schedules/act/pause", form))
    assert "more or fewer schedules match" in said
    assert not Schedule.objects.filter(name="another_import", status="paused").exists()


def test_all_that_match_a_search_are_paused_together(pages: Client, world: SimpleNamespace) -> None:
    form = {"sure": "1", "count": "2", "all": "1", "q": "import", "reason": ""}
    pages.post("/schedules/act/pause", form)
    paused = set(Schedule.objects.filter(status="paused").values_list("name", flat=True))
    assert paused == {"calm_import", "failing_import", "paused_callback"}


@pytest.mark.parametrize(
    ("query", "count"),
    [("status=failed", 1), ("status=late", 1), ("status=alert", 2), ("q=status:missed", 1), ("q=late_check", 4)],
)
def test_the_filters_of_runs_leave_what_they_name(
    pages: Client, world: SimpleNamespace, query: str, count: int
) -> None:
    assert len(pages.get(f"/runs?span=week&{query}").context["rows"]) == count


def test_active_runs_come_first(pages: Client, world: SimpleNamespace) -> None:
    rows = pages.get("/runs?span=all").context["rows"]
    assert {run.status for run, _state, _why in rows[:2]} == {"pending", "running"}


def test_older_runs_go_on_where_the_page_ended(pages: Client, operator: Any) -> None:
    one = schedule("one")
    for _ in range(60):
        run_of(one, timezone.now(), trigger="manual")
    first = pages.get("/runs?span=all")
    second = pages.get(f"/runs?span=all&before={first.context['older']}")
    seen = [run.pk for answer in (first, second) for run, _state, _why in answer.context["rows"]]
    assert seen == sorted(JobRun.objects.values_list("pk", flat=True), reverse=True)


def test_the_log_is_escaped_on_the_page_and_plain_when_raw(pages: Client, world: SimpleNamespace) -> None:
    assert "&lt;b&gt;" in text_of(pages.get(f"/runs/{world.failed.pk}"))
    raw = pages.get(f"/runs/{world.failed.pk}/log")
    assert raw.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert raw.headers["X-Content-Type-Options"] == "nosniff"
    assert "line 1 <b>&</b>" in raw.content.decode()


def test_secrets_in_parameters_are_hidden(pages: Client, operator: Any) -> None:
    one = schedule("one")
    params = {
        "headers": {"Authorization": "Bearer marker-1"},
        "url": "https://user:marker-2@x.example/",
        "password": "marker-3",
    }
    run = run_of(one, timezone.now())
    JobRun.objects.filter(pk=run.pk).update(params=params, result=params)
    Schedule.objects.filter(pk=one.pk).update(params=params)
    for address in (f"/runs/{run.pk}", f"/schedules/{one.pk}?tab=definition"):
        assert "marker-" not in text_of(pages.get(address))


def test_running_again_shows_the_new_run(pages: Client, world: SimpleNamespace) -> None:
    answer = pages.post(f"/runs/{world.failed.pk}/again")
    newest = JobRun.objects.order_by("-pk").first()
    assert newest is not None
    assert answer.headers["Location"] == f"/runs/{newest.pk}"


def test_cancelling_asks_a_running_run_to_stop(pages: Client, world: SimpleNamespace) -> None:
    pages.post(f"/runs/{world.running.pk}/cancel")
    world.running.refresh_from_db()
    assert world.running.cancellation == "asked"


def test_the_log_of_an_ended_run_reloads_the_page(pages: Client, world: SimpleNamespace) -> None:
    assert pages.get(f"/runs/{world.failed.pk}/lines").headers["HX-Refresh"] == "true"


def test_the_month_shows_only_what_is_ahead(pages: Client, world: SimpleNamespace) -> None:
    weeks = pages.get(f"/schedules/{world.calm.pk}?tab=future").context["weeks"]
    assert all(day.count == 0 for week in weeks for day in week if day.past)
    assert any(day.count == 24 for week in weeks for day in week if not day.past and not day.today)


@pytest.mark.parametrize("address", ["/", "/runs", "/schedules"])
def test_the_questions_to_the_database_do_not_grow_with_what_is_shown(
    pages: Client, world: SimpleNamespace, address: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        run_of(schedule(f"more_{number}"), timezone.now())
    with django_assert_max_num_queries(60 if address == "/" else 30):
        pages.get(address)


ODD = ["\0", "9" * 40, "'", '"', "tag:\0", "schedule:'; --", "status:\0", "-1", "\u202e", "%"]
KEYS = ["q", "status", "before", "page", "span", "month", "all"]


def test_odd_input_is_never_an_error_of_ours(pages: Client, world: SimpleNamespace) -> None:
    for address in (
        "/",
        "/schedules",
        "/runs",
        f"/schedules/{world.calm.pk}",
        f"/schedules/{world.calm.pk}?tab=future",
    ):
        for odd in ODD:
            assert pages.get(address, {**dict.fromkeys(KEYS, odd), "tab": "future"}).status_code == 200
            assert pages.get(address, {"q": odd}).status_code == 200


@pytest.mark.parametrize("address", ["/runs/", "/schedules/"])
def test_an_id_too_large_to_be_one_is_not_found(pages: Client, address: str) -> None:
    assert pages.get(f"{address}{'9' * 40}").status_code == 404
