"""An alert that would write, reach out of its database, or never end: nothing is written, and its time is kept."""

import time

import pytest

from integrations.models import Connection
from jobtypes.base import InvalidParams, JobFailed, JobTimedOut
from schedules.models import Schedule
from tests.jobtypes.asking import alert, on_each, on_mariadb, on_postgresql, on_sqlite, saved
from tests.jobtypes.databases import SLOW
from tests.jobtypes.running import execute


@on_each
@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM orders",
        "COMMIT; DELETE FROM orders",
        "SELECT 'OK' AS status; DELETE FROM orders",
        "SELECT 'OK' AS status; SELECT 'OK' AS status",
        "SELECT 'OK' AS status; COMMIT; DELETE FROM orders",
        "SET TRANSACTION READ WRITE",
        "BEGIN",
        "EXPLAIN ANALYZE DELETE FROM orders",
        "DROP TABLE orders",
        "CALL x()",
        "ATTACH DATABASE '/tmp/x' AS x",
        "PRAGMA writable_schema = 1",
        "COPY orders TO PROGRAM 'true'",
        "(DELETE FROM orders)",
        "/* SELECT */ DELETE FROM orders",
        "DO $$ BEGIN DELETE FROM orders; END $$",
        "SELECT 'never closed",
        "-- only a comment",
    ],
)
def test_what_is_not_one_reading_statement_is_refused_at_the_save(shop, query):
    with pytest.raises(InvalidParams) as refused:
        saved(query)
    assert list(refused.value.errors) == ["query"]


@pytest.mark.parametrize(
    ("shop", "query"),
    [
        ("postgresql", "WITH gone AS (DELETE FROM orders RETURNING 1) SELECT 'OK' AS status FROM gone"),
        ("postgresql", "SELECT 'OK' AS status INTO copied FROM orders"),
        ("postgresql", "SELECT 'OK' AS status FROM orders FOR UPDATE"),
        ("postgresql", "SELECT 'OK' AS status, nextval('orders_seq')"),
        ("postgresql", "SELECT 'OK' AS status, lo_create(0)"),
        ("postgresql", "SELECT 'OK' AS status, pg_read_file('/etc/passwd')"),
        ("postgresql", "SELECT 'OK' AS status, set_config('transaction_read_only', 'off', false)"),
        ("postgresql", "SELECT 'OK' AS status, query_to_xml('DELETE FROM orders', true, true, '')"),
        ("postgresql", "SELECT 'OK' AS status, U&\"\\0070g_read_file\"('/etc/passwd')"),
        ("postgresql", "SELECT 'OK' AS status, lo_export(1, '/tmp/x')"),
        ("postgresql", "SELECT 'OK' AS status, pg_catalog.set_config('statement_timeout', '0', true)"),
        ("postgresql", "SELECT 'OK' AS status, pg_cancel_backend(1)"),
        ("postgresql", "SELECT 'OK' AS status, pg_create_physical_replication_slot('x')"),
        ("postgresql", "SELECT 'OK' AS status, pg_logical_emit_message(false, 'x', 'y')"),
        ("postgresql", "WITH a AS (UPDATE orders SET state = 'x' RETURNING 1) SELECT 'OK' AS status FROM a"),
        ("postgresql", "WITH a AS MATERIALIZED (INSERT INTO orders VALUES (9) RETURNING 1) TABLE a"),
        ("postgresql", "VALUES (lo_creat(-1))"),
        ("mariadb", "WITH x AS (SELECT 1) DELETE FROM orders"),
        ("mariadb", "SELECT 'OK' AS status FROM orders FOR UPDATE"),
        ("mariadb", "SELECT 'OK' AS status, SLEEP(0) PROCEDURE ANALYSE()"),
        ("mariadb", "SELECT 'OK' AS status INTO OUTFILE '/tmp/carillon-outfile'"),
        ("mariadb", "SELECT 'OK' AS status INTO/**/DUMPFILE '/tmp/carillon-outfile'"),
        ("mariadb", "SELECT 'OK' AS status /*! INTO OUTFILE '/tmp/carillon-outfile' */"),
        ("mariadb", "SELECT 'OK' AS status, LOAD_FILE('/etc/passwd')"),
        ("mariadb", "SELECT 'OK' AS status, NEXT VALUE FOR orders_seq"),
        ("sqlite", "WITH x AS (SELECT 1) DELETE FROM orders"),
        ("sqlite", "WITH x AS (SELECT 1) INSERT INTO orders SELECT 9, 'x', 1"),
        ("sqlite", "SELECT 'OK' AS status, load_extension('/tmp/x')"),
        ("sqlite", "SELECT 'OK' AS status, * FROM pragma_database_list"),
    ],
    indirect=["shop"],
)
def test_a_query_that_would_write_or_reach_out_is_refused_and_writes_nothing(shop, query):
    if "orders_seq" in query:
        shop.ask("CREATE SEQUENCE IF NOT EXISTS orders_seq")
    before = shop.fingerprint
    with pytest.raises((JobFailed, InvalidParams)):
        alert(query)
    assert shop.fingerprint == before


@on_postgresql
@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("DELETE FROM orders;", "read-only transaction"),
        ("SET LOCAL transaction_read_only = off; DELETE FROM orders;", "read-write mode"),
    ],
)
def test_the_server_itself_refuses_writes_behind_a_function(shop, does, said):
    shop.ask(
        f"CREATE OR REPLACE FUNCTION wipe() RETURNS text LANGUAGE plpgsql AS $$ BEGIN {does} RETURN 'OK'; END $$"
    )
    before = shop.fingerprint
    with pytest.raises(JobFailed, match=said):
        alert("SELECT wipe() AS status")
    assert shop.fingerprint == before


@on_postgresql
def test_a_function_cannot_turn_the_timeout_off(shop):
    shop.ask(
        "CREATE OR REPLACE FUNCTION dawdle() RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
        "SET statement_timeout = 0; LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; "
        "END LOOP; END $$"
    )
    began = time.monotonic()
    with pytest.raises(JobTimedOut):
        alert("SELECT dawdle() AS status", query_timeout_seconds=1)
    assert time.monotonic() - began < 8
    shop.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


@on_sqlite
def test_a_missing_file_is_an_error_and_is_not_made(shop, sqlite_folder):
    Connection(name="later", kind="sql", address="sqlite:///later.sqlite3").store(by="test")
    with pytest.raises(JobFailed, match="no database file"):
        execute("sql_alert", {"connection": "later", "query": "SELECT 'OK' AS status"})
    assert not (sqlite_folder / "later.sqlite3").exists()


@on_sqlite
def test_a_huge_value_is_refused(shop):
    with pytest.raises(JobFailed):
        alert("SELECT 'OK' AS status, zeroblob(100000000) AS big")
    with pytest.raises(JobFailed, match="at most 1,048,576"):
        alert("SELECT 'OK' AS status, zeroblob(1500000) AS big")


@on_mariadb
def test_mariadb_stays_usable_after_a_refused_write(shop):
    shop.ask("CREATE OR REPLACE FUNCTION wipe() RETURNS VARCHAR(9) BEGIN DELETE FROM orders; RETURN 'OK'; END")
    before = shop.fingerprint
    with pytest.raises(JobFailed, match="READ ONLY transaction"):
        alert("SELECT wipe() AS status")
    assert shop.fingerprint == before


@on_each
@pytest.mark.parametrize("query", ["DELETE FROM orders", "COMMIT; DELETE FROM orders", "SELECT 1; DROP TABLE orders"])
def test_the_api_does_not_store_what_would_write(shop, admin, query):
    params = {"connection": "shop", "query": query}
    body = {"name": "s", "schedule_type": "manual", "job_type": "sql_alert", "params": params}
    assert admin.post("schedules", body).status_code == 400
    assert not Schedule.objects.exists()


@on_each
def test_a_statement_that_never_ends_is_ended_in_time(shop):
    began = time.monotonic()
    with pytest.raises(JobTimedOut):
        alert(SLOW[shop.make], query_timeout_seconds=1)
    assert time.monotonic() - began < 8


@on_each
def test_no_more_rows_are_fetched_than_are_needed(shop):
    with pytest.raises(JobFailed, match="more than one row"):
        alert("SELECT 'OK' AS status FROM orders a, orders b, orders c, orders d, orders e, orders f, orders g")
