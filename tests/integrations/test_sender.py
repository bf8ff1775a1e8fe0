import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import sender
from integrations.channels import Message
from integrations.models import Channel, Delivery
from tests.webserver import Reply

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGE = Message("run.failed", "nightly", "FAILED", body={"run": 1})


@pytest.fixture
def channel(site, settings):
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{site.port}"]
    channel = Channel(name="pager", kind="webhook")
    channel.offer({"url": site.url})
    channel.store(by="tester")
    return channel


def attempt():
    """Claim what is due and make one attempt at each; return the deliveries."""
    taken = Delivery.objects.claim(10)
    for delivery in taken:
        sender.deliver(delivery)
    return taken


def test_a_delivery_is_sent_once(site, channel):
    Delivery.objects.post(MESSAGE, [channel], key="run 1 failed")
    attempt()
    assert attempt() == []
    assert len(site.received) == 1
    assert Delivery.objects.get().status == "delivered"


def test_one_event_makes_one_delivery_for_each_channel(channel):
    assert len(Delivery.objects.post(MESSAGE, [channel], key="run 1 failed")) == 1
    assert Delivery.objects.post(MESSAGE, [channel], key="run 1 failed") == []
    assert Delivery.objects.count() == 1


def test_a_refused_delivery_is_tried_again_under_the_same_id(site, channel):
    site.reply = Reply(503, {}, b"busy")
    [delivery] = Delivery.objects.post(MESSAGE, [channel])
    attempt()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.answer_status) == ("pending", 1, 503)
    assert timedelta(0) < delivery.next_attempt_at - timezone.now() <= timedelta(seconds=2)
    Delivery.objects.update(next_attempt_at=timezone.now())
    site.reply = Reply(200, {}, b"")
    attempt()
    first, second = site.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery.webhook_id
    assert Delivery.objects.get().status == "delivered"


def test_each_attempt_is_kept_with_what_was_said(site, channel):
    site.reply = Reply(503, {}, b"busy")
    [delivery] = Delivery.objects.post(MESSAGE, [channel])
    attempt()
    Delivery.objects.update(next_attempt_at=timezone.now())
    site.reply = Reply(200, {}, b"thanks")
    attempt()
    delivery.refresh_from_db()
    delivery.replay(by="anna")
    attempt()
    delivery.refresh_from_db()
    told = [(one["attempt"], one["outcome"], one["answer_status"]) for one in delivery.log]
    assert told == [(1, "pending", 503), (2, "delivered", 200), (2, "replayed", None), (1, "delivered", 200)]
    assert "busy" in delivery.log[0]["said"]
    assert delivery.log[2]["said"] == "anna"


def test_a_log_keeps_its_newest_fifty(channel):
    [delivery] = Delivery.objects.post(MESSAGE, [channel])
    for number in range(60):
        delivery.attempts = number
        delivery.log = delivery.with_entry(timezone.now(), "failed", "no" * 300)
    assert [one["attempt"] for one in delivery.log] == list(range(10, 60))
    assert len(delivery.log[0]["said"]) == 300


def test_a_delivery_is_given_up_after_eight_attempts():
    assert [sender.wait_after(number, None) for number in range(1, 9)] == [*map(float, sender.WAITS), None]
    assert sender.wait_after(1, 120.0) == 120.0
    assert sender.wait_after(1, 90_000.0) == 3_600.0


def test_an_answer_for_good_ends_it_at_once(site, channel):
    site.reply = Reply(410, {}, b"gone")
    Delivery.objects.post(MESSAGE, [channel])
    attempt()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.answer) == ("failed", "It answered 410 Gone: gone")


def test_an_attempt_that_its_process_did_not_finish_is_made_again(site, channel):
    Delivery.objects.post(MESSAGE, [channel])
    [first] = Delivery.objects.claim(1)
    assert Delivery.objects.claim(1) == []
    Delivery.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    [second] = Delivery.objects.claim(1)
    sender.deliver(first)
    assert Delivery.objects.get().status == "sending"
    sender.deliver(second)
    assert Delivery.objects.get().status == "delivered"


def test_one_receiver_gets_no_more_than_two_at_a_time(channel):
    for number in range(5):
        Delivery.objects.post(MESSAGE, [channel], key=str(number))
    assert len(Delivery.objects.claim(10)) == 2
    assert Delivery.objects.claim(10) == []


def test_a_receiver_that_is_full_does_not_hide_the_others(site, channel):
    other = Channel(name="other", kind="webhook")
    other.offer({"url": site.url + "/other"})
    other.store(by="tester")
    for number in range(50):
        Delivery.objects.post(MESSAGE, [channel], key=str(number))
    Delivery.objects.claim(2)
    Delivery.objects.post(MESSAGE, [other])
    assert [one.channel_name for one in Delivery.objects.claim(2)] == ["other"]


def test_what_a_deleted_or_silent_channel_should_have_sent_is_kept_with_the_reason(channel):
    Delivery.objects.post(MESSAGE, [channel], key="1")
    Channel.objects.update(enabled=False)
    attempt()
    assert (Delivery.objects.get().status, Delivery.objects.get().answer) == (
        "discarded",
        "The channel is switched off.",
    )
    Delivery.objects.post(MESSAGE, [channel], key="2")
    channel.delete()
    attempt()
    assert "deleted" in Delivery.objects.order_by("-pk")[0].answer


def test_many_messages_at_once_are_told_as_one_that_lists_them(site, channel):
    for number in range(12):
        Delivery.objects.post(MESSAGE, [channel], key=str(number))
    assert Delivery.objects.condense(timezone.now()) == 12
    attempt()
    [got] = site.received
    body = json.loads(got.body)
    assert (body["event"], len(body["messages"])) == ("storm", 12)
    assert "12 FAILED" in body["text"]
    digest = Delivery.objects.get(event="storm")
    told = set(Delivery.objects.exclude(pk=digest.pk).values_list("status", "answer"))
    assert told == {("discarded", f"Told in one message with 11 others: delivery {digest.pk}.")}


def test_ten_messages_are_told_one_by_one(channel):
    for number in range(10):
        Delivery.objects.post(MESSAGE, [channel], key=str(number))
    assert Delivery.objects.condense(timezone.now()) == 0


def test_a_delivery_can_be_replayed(site, channel):
    [delivery] = Delivery.objects.post(MESSAGE, [channel])
    assert not delivery.replay()
    attempt()
    assert delivery.replay()
    attempt()
    assert len(site.received) == 2


def test_the_thread_sends_what_is_due_and_stops(site, channel):
    own = sender.Sender()
    own.start()
    Delivery.objects.post(MESSAGE, [channel])
    deadline = time.monotonic() + 10
    while Delivery.objects.get().status != "delivered" and time.monotonic() < deadline:
        time.sleep(0.05)
    own.stop(5)
    assert Delivery.objects.get().status == "delivered"
    assert not own.thread.is_alive()
