"""The alert files of SQL Sentinel are taken over as they are."""

import json
import sqlite3

import pytest

from integrations.models import Channel, Connection
from jobtypes import registry
from schedules.models import Schedule
from tests.commands.files import refused, sync, versions, write

__all__ = ["write"]
pytestmark = pytest.mark.django_db

ALERTS = """
database:
  url: "sqlite:///shop.db"
alerts:
  - name: low_revenue
    description: "Too little"
    enabled: true
    query: "SELECT 'OK' AS status, '$HOME ${HOME}' AS said"
    schedule: "0 9 * * 1-5"
    notify:
      - channel: email
        recipients: [ops@example.com]
        subject: "Revenue: {alert_name}"
  - name: errors
    query: SELECT 'OK' AS status
    schedule: "*/15 * * * *"
    notify:
      - channel: slack
        webhook_url: "${SLACK_WEBHOOK_URL}"
        channel: "#errors"
        username: "Watch"
      - channel: webhook
        url: "${PAGER_URL}"
        headers: {Authorization: "Bearer ${PAGER_TOKEN}"}
"""


def test_alert_files_of_sql_sentinel_are_read_as_they_are(write, monkeypatch, tmp_path):
    monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
    told = sync(write(ALERTS, "shop-alerts.yaml"))
    assert "SLACK_WEBHOOK_URL is not set here; errors needs it" in told
    assert "There is no file" in told
    assert not (tmp_path / "shop.db").exists()
    assert Connection.objects.get().name == "shop-alerts"
    assert Connection.objects.get().address == f"sqlite:///{tmp_path}/shop.db"
    low, errors = Schedule.objects.order_by("-name")
    assert (low.job_type, low.cron_expression, low.description) == ("sql_alert", "0 9 * * 1-5", "Too little")
    assert low.params["query"].count("$HOME ${HOME}") == 1
    own = {one.kind: one for one in Channel.objects.filter(schedule_id=errors.pk)}
    assert own["slack"].shown["channel"] == "#errors"
    assert own["slack"].secrets == {"webhook_url": "${SLACK_WEBHOOK_URL}"}
    assert own["webhook"].secrets["headers"] == {"Authorization": "Bearer ${PAGER_TOKEN}"}
    before = versions()
    assert "0 created, 0 updated, 0 deleted, 3 unchanged." in sync("shop-alerts.yaml")
    assert versions() == before
    other = write(ALERTS.replace("errors\n", "errors too\n", 1), "second.yaml")
    assert "2 created, 1 updated" in sync(other)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('schedule: "0 9', 'schedul: "0 9', "a.yaml:5: alerts[1]: An alert needs a text as schedule."),
        ("query: SELECT 'OK'", "query: DELETE FROM x --", "a.yaml:15: alerts[2].query"),
        ("0 9 * * 1-5", "0 99 * * 1-5", "a.yaml:9: alerts[1].schedule: "),
        ("name: errors", "name: low_revenue", "a.yaml:14: alerts[2]: low_revenue is declared twice"),
        ("  url:", "  uri:", "database: Write the database's address"),
        ("username:", "usrname:", "a.yaml:"),
    ],
)
def test_a_bad_alert_is_told_where_it_stands_in_the_file(write, old, new, told):
    assert old in ALERTS
    said = refused(write(ALERTS.replace(old, new, 1), "a.yaml"))
    assert told in said
    assert not Schedule.objects.exists()
    assert not Connection.objects.exists()


def test_a_file_outside_the_root_is_for_the_command_line_only(write, admin_client, tmp_path):
    sync(write(ALERTS, "a.yaml"))
    connection = Connection.objects.get()
    kept = admin_client.patch(
        f"/api/v1/connections/{connection.pk}", {"description": "x"}, content_type="application/json"
    )
    moved = admin_client.patch(
        f"/api/v1/connections/{connection.pk}", {"url": f"sqlite:///{tmp_path}/b.db"}, content_type="application/json"
    )
    assert (kept.status_code, moved.status_code) == (200, 400)


SEVERAL = """
databases:
  shop: {url: "sqlite:///shop.db"}
  stock: {url: "sqlite:///stock.db"}
alerts:
  - {name: orders, database: shop, query: "SELECT 'OK' AS status", schedule: "0 9 * * *"}
  - {name: shelves, database: stock, query: "SELECT 'OK' AS status", schedule: "0 9 * * *"}
"""


def test_a_file_may_name_several_databases(write):
    sync(write(SEVERAL))
    asked = dict(Schedule.objects.values_list("name", "params__connection"))
    assert asked == {"orders": "shop", "shelves": "stock"}
    assert Connection.objects.count() == 2


def test_an_alert_of_a_database_that_is_not_named_is_refused(write):
    said = refused(write(SEVERAL.replace("database: stock,", "database: stok,")))
    assert "all.yaml:7" in said
    assert "Possible: shop, stock." in said
    assert "Say which database it asks: shop, stock." in refused(write(SEVERAL.replace("database: stock,", "")))
    assert not Schedule.objects.exists()


def test_a_query_reaches_the_database_as_it_was_written(write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/never")
    sqlite3.connect(tmp_path / "shop.db").close()
    sync(write(ALERTS))
    low = Schedule.objects.get(name="low_revenue")
    answered, told = registry.job_type(low.job_type).rehearse(registry.parse(low.job_type, low.params), low.pk)
    assert answered
    assert "$HOME ${HOME}" in json.dumps(told)
    assert "/never" not in json.dumps(told)


def test_a_word_that_a_subject_does_not_know_is_a_warning(write):
    told = sync(write(ALERTS.replace("Revenue: {alert_name}", "{alert_name} is {colour}")))
    assert "all.yaml:5: {colour} in the subject of low_revenue stays as it is" in told
    assert "{alert_name} in" not in told
