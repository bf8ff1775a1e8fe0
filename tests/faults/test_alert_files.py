"""From a file of alerts through the real scheduler to a message, only the receiver being one of the test's own."""

import sqlite3
from io import StringIO

import pytest
from django.core.management import call_command

from integrations.models import Delivery
from jobruns.models import JobRun
from jobtypes.models import AlertIncident, AlertState
from tests.faults.conftest import wait_until
from tests.webserver import Reply, Site

FILE = """
connections:
  shop: {{kind: sql, address: "sqlite:///shop.db"}}
channels:
  on-call: {{kind: webhook, url: "{url}", headers: {{Authorization: "Bearer ${{PAGER_TOKEN_OF_A_TEST}}"}}}}
schedules:
  - name: stuck_orders
    description: Orders that nobody picks up.
    job_type: sql_alert
    schedule_type: interval
    interval_seconds: 1
    params:
      connection: shop
      query: |
        SELECT CASE WHEN count(*) > 2 THEN 'ALERT' ELSE 'OK' END AS status,
               count(*) AS actual_value, 2 AS threshold
        FROM orders WHERE state = 'pending'
      notify: [on-call]
"""


@pytest.fixture
def site():
    server = Site()
    yield server
    server.close()


@pytest.fixture
def orders(tmp_path, monkeypatch, site, settings):
    """A file of alerts and the database that it asks; returns a function that changes the database."""
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{site.port}"]
    monkeypatch.setenv("RECEIVER_OF_A_TEST", f"127.0.0.1:{site.port}")
    monkeypatch.setenv("PAGER_TOKEN_OF_A_TEST", "t0ken-of-the-pager")
    monkeypatch.chdir(tmp_path)

    def change(sql):
        with sqlite3.connect(tmp_path / "shop.db") as database:
            database.executescript(sql)
        database.close()

    change("CREATE TABLE orders (state TEXT); INSERT INTO orders VALUES ('pending')")
    (tmp_path / "alerts.yaml").write_text(FILE.format(url=site.url))
    call_command("syncschedules", "alerts.yaml", stdout=StringIO())
    return change


def test_a_file_of_alerts_leads_to_one_message_and_one_recovery(start_scheduler, orders, site):
    scheduler = start_scheduler()
    scheduler.wait_until_started()
    wait_until(lambda: AlertState.objects.get().standing == "ok", within=20)
    orders("INSERT INTO orders VALUES ('pending'), ('pending')")
    wait_until(lambda: site.received, within=20)
    since = AlertState.objects.get().last_instant
    wait_until(lambda: AlertState.objects.get().last_instant > since, within=20)
    orders("DELETE FROM orders")
    wait_until(lambda: len(site.received) == 2, within=40)
    scheduler.stop()
    alert, recovery = (got.body.decode() for got in site.received)
    assert '"alert_name": "stuck_orders"' in alert
    assert '"status": "ALERT"' in alert
    assert '"actual_value": 3' in alert
    assert '"event": "recovery"' in recovery
    assert site.received[0].headers["authorization"] == "Bearer t0ken-of-the-pager"
    [incident] = AlertIncident.objects.all()
    assert incident.close_reason == "recovered"
    assert JobRun.objects.filter(result__event="alert").count() == 1


def test_an_opening_survives_a_kill_between_the_query_and_its_telling(start_scheduler, orders, site):
    site.reply = Reply(503, {}, b"not yet")
    orders("INSERT INTO orders VALUES ('pending'), ('pending')")
    first = start_scheduler()
    first.wait_until_started()
    wait_until(lambda: site.received, within=20)
    first.kill()
    ids = {got.headers["webhook-id"] for got in site.received}
    site.received.clear()
    site.reply = Reply(200, {}, b"")
    Delivery.objects.filter(status="sending").update(lease_expires_at="2020-01-01T00:00:00Z")  # a minute passes
    second = start_scheduler()
    second.wait_until_started()
    wait_until(lambda: site.received, within=30)
    wait_until(lambda: AlertIncident.objects.get().first_notified_at is not None, within=40)
    second.stop()
    assert {got.headers["webhook-id"] for got in site.received} == ids
    assert Delivery.objects.count() == 1
