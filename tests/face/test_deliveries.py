"""The pages of deliveries: what was told, to whom, how it went; and sending it again."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integrations import queries
from integrations.access import limit
from integrations.channels import Message
from integrations.models import Delivery
from tests.face.conftest import run_of, schedule
from tests.face.test_pages import permit, text_of

pytestmark = pytest.mark.django_db


def deliver(to: str = "ops-mail", event: str = "run.failure", **columns: Any) -> Delivery:
    message = Message(
        event=event,
        title="nightly & co",
        status="FAILED",
        text="It <failed>.",
        facts=(("Attempt", "3"),),
        body={"event": event, "run": 7},
    )
    made = Delivery.of(message, channel_name=to, **{"environment": "production", **columns})
    made.save()
    return made


def ended(status: str, **columns: Any) -> Delivery:
    return deliver(status=status, finished_at=timezone.now(), **{"attempts": 1, **columns})


def test_before_anything_was_told_the_page_says_so(pages: Client) -> None:
    assert "Nothing was told yet." in text_of(pages.get("/deliveries"))


def test_each_row_says_to_whom_what_and_how_it_went(pages: Client) -> None:
    one = schedule("nightly")
    run = run_of(one, timezone.now() - timedelta(hours=1), status="failed")
    made = ended("failed", attempts=8, answer="Refused <b>", answer_status=410, schedule_id=one.pk, run_id=run.pk)
    text = text_of(pages.get("/deliveries"))
    assert f'href="/deliveries/{made.pk}">ops-mail' in text
    assert "Given up" in text
    assert "<b>410</b> Refused &lt;b&gt;" in text
    assert f'href="/schedules/{one.pk}">nightly' in text
    assert f'href="/runs/{run.pk}"' in text


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("status=failed", {"b"}),
        ("channel=a", {"a"}),
        ("event=run.recovery", {"c"}),
        ("q=night", {"c"}),
        ("q=nothing-like-it", set()),
        ("schedule=%(pk)s", {"c"}),
        ("run=77", {"b"}),
        ("run=x", set()),
        ("status=nonsense", {"a", "b", "c"}),
        ("channel=b&status=delivered", set()),
    ],
)
def test_filters_leave_what_fits(pages: Client, query: str, left: set[str]) -> None:
    one = schedule("nightly")
    deliver("a")
    ended("failed", to="b", run_id=77)
    ended("delivered", to="c", event="run.recovery", schedule_id=one.pk)
    text = text_of(pages.get(f"/deliveries?{query % {'pk': one.pk}}"))
    assert {name for name in "abc" if f'">{name}</a>' in text} == left
    if not left:
        assert "No delivery fits these filters." in text


def test_pages_follow_one_another_without_a_gap(pages: Client) -> None:
    made = [deliver().pk for _ in range(120)]
    seen: list[int] = []
    address = "/deliveries"
    while address:
        answer = pages.get(address)
        seen += [one.pk for one, _state, _name in answer.context["rows"]]
        older = answer.context["older"]
        address = f"/deliveries?before={older}" if older else ""
    assert seen == made[::-1]


def test_counts_stop_where_counting_would_take_long(pages: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(queries, "COUNTED", 3)
    for _ in range(6):
        deliver()
    assert Delivery.objects.tally()["total"] == 4


def test_one_delivery_shows_the_message_and_the_answer(pages: Client) -> None:
    made = ended("delivered", attempts=2, answer="fine", answer_status=200)
    text = text_of(pages.get(f"/deliveries/{made.pk}"))
    assert "The receiver took it at attempt 2." in text
    assert "It &lt;failed&gt;." in text
    assert "<dt>Attempt</dt><dd>3</dd>" in text
    assert made.webhook_id in text
    assert "&quot;run&quot;: 7" in text
    assert pages.get("/deliveries/999999").status_code == 404


def test_what_was_given_up_can_be_sent_again_under_the_same_id(pages: Client) -> None:
    made = ended("failed", attempts=8)
    text = text_of(pages.post(f"/deliveries/{made.pk}/again", follow=True))
    assert "It is sent again, under the same id." in text
    after = Delivery.objects.get()
    assert (after.status, after.attempts, after.webhook_id) == ("pending", 0, made.webhook_id)
    text = text_of(pages.post(f"/deliveries/{made.pk}/again", follow=True))
    assert "It has not ended yet" in text
    assert pages.get(f"/deliveries/{made.pk}/again").status_code == 405


def test_what_stood_in_a_digest_leads_there(pages: Client) -> None:
    digest = ended("delivered")
    made = ended("discarded", told_in=digest)
    assert f'<a href="/deliveries/{digest.pk}">' in text_of(pages.get(f"/deliveries/{made.pk}"))


def test_a_run_and_a_schedule_lead_to_what_was_told_of_them(pages: Client) -> None:
    one = schedule("nightly")
    run = run_of(one, timezone.now() - timedelta(hours=1), status="failed")
    made = ended("delivered", run_id=run.pk)
    assert f'href="/deliveries/{made.pk}"' in text_of(pages.get(f"/runs/{run.pk}"))
    assert f"/deliveries?schedule={one.pk}" in text_of(pages.get(f"/schedules/{one.pk}"))
    assert "What was told of nightly." in text_of(pages.get(f"/deliveries?schedule={one.pk}"))


def test_each_page_needs_its_right(client: Client, viewer: User) -> None:
    made = ended("failed")
    client.force_login(viewer)
    for address in ("/deliveries", f"/deliveries/{made.pk}"):
        assert client.get(address).status_code == 403
    permit(viewer, "view_delivery")
    for address in ("/deliveries", f"/deliveries/{made.pk}"):
        assert "Send again" not in text_of(client.get(address))
    assert client.post(f"/deliveries/{made.pk}/again").status_code == 403


def test_what_is_told_elsewhere_does_not_exist(client: Client, viewer: User) -> None:
    made = ended("failed", environment="staging", to="staging-mail")
    permit(viewer, "view_delivery", "replay_delivery")
    limit(viewer, ["production"])
    client.force_login(viewer)
    assert "staging-mail" not in text_of(client.get("/deliveries"))
    assert client.get(f"/deliveries/{made.pk}").status_code == 404
    assert client.post(f"/deliveries/{made.pk}/again").status_code == 404


def test_a_page_lists_each_attempt_with_what_was_said(pages: Client) -> None:
    one = ended("delivered", attempts=2)
    one.attempts, one.log = 1, one.with_entry(timezone.now(), "pending", "<busy>", 503)
    one.attempts, one.log = 2, one.with_entry(timezone.now(), "delivered", "thanks", 200)
    one.attempts, one.log = 2, one.with_entry(timezone.now(), "replayed", "anna")
    one.save()
    text = text_of(pages.get(f"/deliveries/{one.pk}"))
    assert "503 &lt;busy&gt;" in text
    assert "200 thanks" in text
    assert "Asked for again" in text
