import threading
import time

import pytest

from integrations.models import Connection
from jobtypes import registry
from jobtypes.base import InvalidParams, JobCancelled, JobFailed, JobTimedOut
from schedules.models import Schedule
from tests.jobtypes.asking import alert, on_each, on_sqlite, saved
from tests.jobtypes.databases import SLOW
from tests.jobtypes.running import TrialContext

PENDING = """
SELECT CASE WHEN count(*) > 1 THEN 'ALERT' ELSE 'OK' END AS status,
       count(*) AS actual_value, 1 AS threshold, min(id) AS first_id
FROM orders WHERE state = 'pending'
"""


@on_each
def test_an_alert_is_a_successful_run_with_its_values(shop):
    outcome = alert(PENDING, severity="critical")
    assert outcome.summary == "ALERT: 2, above the threshold 1."
    assert outcome.metrics["actual_value"] == 2
    assert outcome.metrics["threshold"] == 1
    assert outcome.result["status"] == "ALERT"
    assert outcome.result["context"] == {"first_id": 2}
    assert outcome.result["error"] == ""
    assert len(outcome.result["query_sha256"]) == 64
    assert outcome.result["duration_ms"] >= 0


@on_each
def test_a_sum_keeps_its_digits(shop):
    outcome = alert("SELECT 'OK' AS status, sum(amount) AS actual_value, 30.5 AS threshold FROM orders")
    assert outcome.result["actual_value"] == 30.5
    assert outcome.summary == "OK: 30.5, at the threshold 30.5."


@on_each
def test_signs_of_other_languages_reach_the_database_as_written(shop):
    outcome = alert(
        "SELECT 'ok ' AS Status, '$HOME ${HOME} %s %(x)s :name {{ x }}' AS actual_value, '5%' LIKE '5%' AS fits"
    )
    assert outcome.result["actual_value"] == "$HOME ${HOME} %s %(x)s :name {{ x }}"


@on_each
@pytest.mark.parametrize("end", ["", ";", " ; -- the end\n", "\n/* ; */"])
def test_a_semicolon_may_end_the_query(shop, end):
    assert alert("-- a comment\n(SELECT 'OK' AS status)".replace("(", "").replace(")", "") + end).summary == "OK."


@on_each
def test_a_row_among_very_many_is_told_without_reading_them_all(shop):
    digits = " UNION ALL ".join(f"SELECT {digit}" for digit in range(10))
    many = ", ".join(f"({digits}) AS d{number}" for number in range(7))
    began = time.monotonic()
    with pytest.raises(JobFailed, match="more than one row"):
        alert(f"SELECT 'OK' AS status FROM {many} LIMIT 9000000")
    assert time.monotonic() - began < 5


@on_each
def test_a_query_that_takes_too_long_is_cancelled(shop):
    began = time.monotonic()
    with pytest.raises(JobTimedOut, match="longer than 1 s") as failure:
        alert(SLOW[shop.make], query_timeout_seconds=1)
    assert time.monotonic() - began < 20
    assert failure.value.result["status"] == "ERROR"
    assert await_silence(shop)


def await_silence(shop):
    """Tell whether the slow query has gone from the server, within fifteen seconds."""
    left = {
        "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        "mariadb": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
        "sqlite": "SELECT 1 WHERE false",
    }[shop.make]
    end = time.monotonic() + 15
    while shop.ask(left) and time.monotonic() < end:
        time.sleep(0.05)
    return not shop.ask(left)


@on_each
def test_a_cancelled_run_stops_its_query_at_once(shop):
    context = TrialContext()
    timer = threading.Timer(0.3, context.stop.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(JobCancelled):
        alert(SLOW[shop.make], context)
    assert time.monotonic() - began < 20
    timer.join()


@on_each
def test_the_runs_own_deadline_bounds_the_query(shop):
    with pytest.raises(JobTimedOut):
        alert(SLOW[shop.make], TrialContext(seconds=7.5))


@on_each
def test_an_error_of_the_database_is_an_expected_failure(shop):
    with pytest.raises(JobFailed, match="nowhere") as failure:
        alert("SELECT 'OK' AS status FROM nowhere")
    assert failure.value.result["status"] == "ERROR"
    assert "nowhere" in failure.value.result["error"]
    assert failure.value.reason == "expected"


@on_each
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 'WARN' AS status", "WARN"),
        ("SELECT NULL AS status", "NULL"),
        ("SELECT 'OK' AS status UNION ALL SELECT 'OK'", "more than one row"),
        ("SELECT 'OK' AS status FROM orders WHERE 1 = 0", "no row"),
        ("SELECT 1 AS n", "no column named status"),
        ("SELECT 'OK' AS status, 1 AS n, 2 AS N", "Two columns are named n"),
        ("SELECT 'OK' AS status, sum(amount) AS actual_value FROM orders WHERE 1 = 0", "actual_value is NULL"),
    ],
)
def test_each_breach_of_the_contract_has_its_own_text(shop, query, said):
    with pytest.raises(JobFailed, match=said):
        alert(query)


@on_each
def test_no_row_and_no_value_mean_what_the_alert_says(shop):
    assert alert("SELECT 'OK' AS status FROM orders WHERE 1 = 0", no_rows="ok").result["status"] == "OK"
    assert alert("SELECT 'OK' AS status FROM orders WHERE 1 = 0", no_rows="alert").result["status"] == "ALERT"
    assert alert("SELECT 'OK' AS status, NULL AS actual_value", null_value="ok").result["status"] == "OK"
    assert alert("SELECT 'ALERT' AS status, NULL AS actual_value").result["status"] == "ALERT"


@on_sqlite
def test_a_connection_that_has_gone_is_an_expected_failure(shop):
    Connection.objects.all().delete()
    with pytest.raises(JobFailed, match="no connection named 'shop'"):
        alert("SELECT 'OK' AS status")
    with pytest.raises(InvalidParams) as refused:
        saved("SELECT 'OK' AS status")
    assert list(refused.value.errors) == ["connection"]


@on_sqlite
def test_a_connection_of_another_kind_is_refused(shop):
    Connection(name="web", kind="http", address="https://api.example.test").store(by="test")
    with pytest.raises(InvalidParams, match="kind http"):
        registry.validate("sql_alert", {"connection": "web", "query": "SELECT 'OK' AS status"})


@on_sqlite
def test_a_run_may_take_half_a_minute_longer_than_its_query(shop):
    params = {"connection": "shop", "query": "SELECT 'OK' AS status", "query_timeout_seconds": 100}
    schedule = Schedule(name="slow", job_type="sql_alert", params=params, schedule_type="manual")
    schedule.store(by="test")
    assert (schedule.timeout_seconds, schedule.max_retries) == (130, 0)
