"""A notification survives whatever happens between the failure and the sending."""

import pytest

from integrations.models import Channel, Delivery
from tests.faults.conftest import wait_until
from tests.webserver import Reply, Site


@pytest.fixture
def site():
    server = Site()
    yield server
    server.close()


@pytest.fixture
def allowed(site, settings, monkeypatch):
    """Let this process and the schedulers call the receiver."""
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{site.port}"]
    monkeypatch.setenv("RECEIVER_OF_A_TEST", f"127.0.0.1:{site.port}")
    return site


def test_a_notification_is_sent_once_though_its_scheduler_was_killed_before_it_could(
    start_scheduler, make_schedule, allowed
):
    allowed.reply = Reply(503, {}, b"not yet")
    channel = Channel(name="pager", kind="webhook")
    channel.offer({"url": allowed.url})
    channel.store(by="tester")
    schedule = make_schedule(
        schedule_type="manual", job_type="trick", params={"act": "fail"}, max_retries=0, channels=["pager"]
    )
    first = start_scheduler()
    first.wait_until_started()
    schedule.runs.request(by="tester")
    wait_until(lambda: allowed.received, within=20)
    first.kill()
    refused = {got.headers["webhook-id"] for got in allowed.received}
    allowed.received.clear()
    allowed.reply = Reply(200, {}, b"")
    Delivery.objects.filter(status="sending").update(lease_expires_at="2020-01-01T00:00:00Z")  # a minute passes
    second = start_scheduler()
    second.wait_until_started()
    wait_until(lambda: Delivery.objects.get().status == "delivered", within=20)
    assert [got.headers["webhook-id"] for got in allowed.received] == list(refused)
    second.stop()
