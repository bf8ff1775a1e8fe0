"""Backfilling from a schedule's page: look first, do it, withdraw it."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from jobruns.models import JobRun
from tests.face.test_pages import permit, text_of

NIGHT = {"start": "2026-03-27T00:00", "end": "2026-03-27T03:30"}


@pytest.fixture
def address(world: SimpleNamespace) -> str:
    return f"/schedules/{world.calm.pk}/backfill"


def test_looking_writes_nothing(pages: Client, address: str) -> None:
    before = JobRun.objects.count()
    text = text_of(pages.post(address, NIGHT))
    assert "4 of 4 instants would run" in text
    assert "<b>03:30</b>" in text
    assert JobRun.objects.count() == before


def test_what_was_confirmed_waits_and_can_be_withdrawn(pages: Client, address: str, world: SimpleNamespace) -> None:
    answer = pages.post(address, {**NIGHT, "sure": "1"}, follow=True)
    text = text_of(answer)
    assert "4 runs wait in line now." in text
    assert "Backfill of operator: 4 wait, 0 run." in text
    known_as = world.calm.runs.backfills()[0].correlation_id
    text = text_of(pages.post(f"{address}/withdraw", {"correlation_id": known_as}, follow=True))
    assert "4 waiting runs were cancelled." in text
    assert "Withdraw what waits" not in text


def test_a_range_that_makes_no_sense_is_said_beside_its_field(pages: Client, address: str) -> None:
    text = text_of(pages.post(address, {"start": "2026-03-27T00:00", "end": "2026-03-26T00:00", "sure": "1"}))
    assert "It lies before from." in text
    assert not JobRun.objects.filter(trigger="backfill").exists()


def test_a_viewer_may_not_backfill(client: Client, viewer: Any, address: str) -> None:
    permit(viewer, "view_schedule", "view_jobrun")
    client.force_login(viewer)
    assert client.post(address, {**NIGHT, "sure": "1"}).status_code == 403
    assert client.post(f"{address}/withdraw", {"correlation_id": "x"}).status_code == 403
