"""Materialized views after a load: which are refreshed, in which order, and how."""

import threading

import psycopg
import pytest

from integrations import watchdog
from jobtypes.csv_import.loading import refresh_views


@pytest.fixture
def pier(ground):
    """A table of ships, views that read it directly and by way of others, and one that does not read it."""
    ground.ask("CREATE TABLE ships (id int PRIMARY KEY, flag text); INSERT INTO ships VALUES (1, 'NO')")
    ground.ask("CREATE TABLE cranes (id int PRIMARY KEY)")
    ground.ask("CREATE VIEW flagged AS SELECT * FROM ships WHERE flag IS NOT NULL")
    ground.ask("CREATE MATERIALIZED VIEW per_flag AS SELECT flag, count(*) AS n FROM flagged GROUP BY flag")
    ground.ask("CREATE MATERIALIZED VIEW a_total AS SELECT sum(n) AS n FROM per_flag")
    ground.ask("CREATE MATERIALIZED VIEW lifts AS SELECT count(*) AS n FROM cranes")
    ground.ask("INSERT INTO ships VALUES (2, 'DK'); INSERT INTO cranes VALUES (1)")
    return ground


def refresh(ground, which="dependents", **options):
    found = refresh_views(ground.target, which, schemas=[ground.schema], tables=[(ground.schema, "ships")], **options)
    return [(view.name.removeprefix(f"{ground.schema}."), view.concurrently, view.error) for view in found]


def test_views_that_read_a_loaded_table_are_refreshed_each_after_those_it_reads(pier):
    assert refresh(pier) == [("per_flag", False, ""), ("a_total", False, "")]
    assert pier.ask("SELECT n FROM a_total") == [(2,)]
    assert pier.ask("SELECT n FROM lifts") == [(0,)]


def test_all_views_of_the_schemas_are_refreshed_if_wanted(pier):
    assert {name for name, _, _ in refresh(pier, "all")} == {"per_flag", "a_total", "lifts"}
    assert pier.ask("SELECT n FROM lifts") == [(1,)]


def test_a_view_with_a_unique_index_can_be_read_while_it_is_refreshed(pier):
    pier.ask("CREATE UNIQUE INDEX ON per_flag (flag)")
    pier.ask("CREATE UNIQUE INDEX ON a_total (n) WHERE n > 0")
    assert refresh(pier) == [("per_flag", True, ""), ("a_total", False, "")]


def test_a_view_without_data_is_filled(pier):
    pier.ask("CREATE UNIQUE INDEX ON per_flag (flag); REFRESH MATERIALIZED VIEW per_flag WITH NO DATA")
    assert refresh(pier)[0] == ("per_flag", False, "")


def test_a_view_that_reads_a_parent_of_the_loaded_table_is_refreshed(ground):
    ground.ask("CREATE TABLE vehicles (id int); CREATE TABLE ships (PRIMARY KEY (id)) INHERITS (vehicles)")
    ground.ask("CREATE MATERIALIZED VIEW fleet AS SELECT count(*) FROM vehicles")
    assert refresh(ground) == [("fleet", False, "")]


def test_the_error_of_one_view_keeps_no_other_from_being_refreshed(pier):
    pier.ask("CREATE MATERIALIZED VIEW a_bad AS SELECT 1 / (2 - count(*)) AS n FROM cranes")
    pier.ask("INSERT INTO cranes VALUES (2)")
    found = {name: error for name, _, error in refresh(pier, "all") if name != "lifts"}
    assert found == {"a_bad": "division by zero; it is as it was.", "per_flag": "", "a_total": ""}


def test_a_cancelled_refresh_ends_on_the_server(pier):

    asked = threading.Event()
    holder = psycopg.connect(pier.target)
    holder.execute(f"LOCK TABLE {pier.schema}.ships")
    threading.Timer(0.5, asked.set).start()
    with pytest.raises(watchdog.Stopped):
        refresh(pier, cancelled=asked.is_set)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REFRESH%%' AND state = 'active' AND datname = "
    assert pier.ask(f"{waiting} current_database()") == [(0,)]
    holder.close()
