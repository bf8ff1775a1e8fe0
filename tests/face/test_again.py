"""Run again with other parameters, for one run only."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integrations.access import limit
from jobruns.models import JobRun
from schedules.models import Schedule
from tests.face.conftest import run_of, schedule
from tests.face.test_pages import permit, text_of

SECRET = "marker-of-a-secret"


@pytest.fixture
def caller(db: None) -> JobRun:
    """A run of a schedule that keeps a secret among its parameters."""
    one = schedule("caller")
    params = {
        "url": "https://api.example.com/v1",
        "method": "POST",
        "json": {"password": SECRET, "who": "ada"},
    }
    Schedule.objects.filter(pk=one.pk).update(job_type="http_request", params=params)
    one.refresh_from_db()
    return run_of(one, timezone.now(), status="failed")


def filled(client: Client, run: JobRun, **typed: Any) -> dict[str, Any]:
    form = client.get(f"/runs/{run.pk}/again/changed").context["form"]
    shown = {bound.html_name: bound.value() for bound in form}
    sent = {name: "" if value is None else value for name, value in shown.items() if value is not False}
    return {**sent, **{f"params__{name}": value for name, value in typed.items()}}


def send(client: Client, run: JobRun, **typed: Any) -> Any:
    return client.post(f"/runs/{run.pk}/again/changed", filled(client, run, **typed), follow=True)


def newest(run: JobRun) -> JobRun:
    found = JobRun.objects.order_by("-pk")[0]
    assert found.pk != run.pk
    return found


def test_the_run_leads_to_a_form_filled_with_its_parameters(pages: Client, world: SimpleNamespace) -> None:
    assert f"/runs/{world.failed.pk}/again/changed" in text_of(pages.get(f"/runs/{world.failed.pk}"))
    assert 'value="hello"' in text_of(pages.get(f"/runs/{world.failed.pk}/again/changed"))


def test_what_was_changed_holds_for_the_new_run_only(pages: Client, world: SimpleNamespace) -> None:
    answer = send(pages, world.failed, message="goodbye")
    new = newest(world.failed)
    assert answer.redirect_chain == [(f"/runs/{new.pk}", 302)]
    assert (new.params["message"], new.triggered_by, new.trigger) == ("goodbye", "operator", "manual")
    world.failing.refresh_from_db()
    assert world.failing.params == {"message": "hello"}


def test_a_parameter_that_was_emptied_is_empty_though_the_schedule_has_one(
    pages: Client, world: SimpleNamespace
) -> None:
    send(pages, world.failed, message="")
    assert newest(world.failed).params["message"] == ""


def test_what_cannot_be_is_said_beside_its_field(pages: Client, caller: JobRun) -> None:
    before = JobRun.objects.count()
    form = send(pages, caller, url="https://127.0.0.1/", json='{"who": "ada"}').context["form"]
    assert list(form.errors) == ["params__url"]
    assert JobRun.objects.count() == before


def test_a_secret_is_not_shown_and_goes_along_if_nothing_changes(pages: Client, caller: JobRun) -> None:
    assert SECRET not in text_of(pages.get(f"/runs/{caller.pk}/again/changed"))
    text = text_of(send(pages, caller))
    assert newest(caller).params["json"]["password"] == SECRET
    assert SECRET not in text


@pytest.mark.parametrize(
    "typed", [{"url": "https://thief.example.com/"}, {"json": '{"password": "***", "who": "eve"}'}]
)
def test_a_secret_does_not_go_along_with_what_was_changed(pages: Client, caller: JobRun, typed: Any) -> None:
    before = JobRun.objects.count()
    assert "goes only where it went: write it again." in text_of(send(pages, caller, **typed))
    assert JobRun.objects.count() == before
    send(pages, caller, **{**typed, "json": '{"password": "another", "who": "ada"}'})
    assert newest(caller).params["json"] == {"password": "another", "who": "ada"}


def test_other_work_than_the_schedule_does_now_is_not_run(pages: Client, caller: JobRun) -> None:
    Schedule.objects.filter(pk=caller.schedule_id).update(job_type="noop", params={})
    text = text_of(pages.get(f"/runs/{caller.pk}/again/changed", follow=True))
    assert "does another kind of work now" in text


def test_it_needs_the_right_to_run_and_a_run_that_exists_for_one(
    client: Client, viewer: User, caller: JobRun
) -> None:
    permit(viewer, "view_jobrun")
    client.force_login(viewer)
    assert client.get(f"/runs/{caller.pk}/again/changed").status_code == 403
    permit(viewer, "trigger_schedule")
    limit(viewer, ["elsewhere"])
    assert client.get(f"/runs/{caller.pk}/again/changed").status_code == 404
