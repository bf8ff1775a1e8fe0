"""The files of one run: in which order, which of them together, and what becomes of each."""

import os
import time

import pytest

from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.finding import find
from jobtypes.csv_import.importing import Import, Loader
from jobtypes.csv_import.outcome import FileResult

LONG_AGO = time.time() - 3600
DEFAULTS = {"defaults": {"primary_key": "id"}, "local_dir": "in"}


class Tables:
    """What was loaded where, in place of a database: a file's text says how it goes."""

    def __init__(self):
        self.loaded, self.rebuilt, self.refreshed = [], [], []

    def one(self, plan, path):
        said = path.read_text()
        known = {"filename": plan.filename, "table_name": f"{plan.schema}.{plan.table}"}
        if said in {"bad", "busy", "cut"}:
            return FileResult(
                **known, status="failed", error=said, retryable=said != "bad", connection_lost=said == "cut"
            )
        self.loaded.append(plan.filename)
        return FileResult(**known, rows_read=2, inserted=2)

    def rebuild(self, files):
        self.rebuilt.append([plan.filename for plan, _ in files])
        return [self.one(plan, path) for plan, path in files]

    def views(self, tables):
        self.refreshed = tables
        return {"refreshed": len(tables)}

    def before(self, plan, path):
        if path.read_text() != "known":
            return None
        return FileResult(filename=plan.filename, status="already_imported")


@pytest.fixture
def tables():
    return Tables()


@pytest.fixture
def imported(tmp_path, tables):
    """Return a function that imports files, given as name → text, and returns the report."""

    def go(files, config=DEFAULTS, *, stop_after=None, **options):
        (tmp_path / "in").mkdir(exist_ok=True)
        for name, text in files.items():
            path = tmp_path / "in" / name
            path.write_text(text)
            if not text.startswith("fresh"):
                os.utime(path, (LONG_AGO, LONG_AGO))
        ended = []

        def go_on():
            if stop_after is not None and len(ended) >= stop_after:
                raise InterruptedError

        read = ImportConfig.model_validate(config)
        with find(read, root=tmp_path) as finding:
            loader = Loader(tables.one, tables.rebuild, tables.views, tables.before)
            go.ended = ended
            return Import(read, finding, loader, lambda *one: ended.append(one), go_on, **options).work()

    return go


def ways(report):
    return {one.filename: one.error_type or one.error or one.status for one in report.files}


def test_files_are_loaded_one_by_one_in_the_order_of_their_names(imported, tables):
    report = imported({"b.csv": "ok", "a.csv": "ok"})
    assert tables.loaded == ["a.csv", "b.csv"]
    assert (report.status, report.done, report.total("inserted")) == ("completed", 2, 4)


def test_a_file_that_fails_does_not_stop_the_next(imported, tables):
    report = imported({"a.csv": "bad", "b.csv": "ok"})
    assert (report.status, tables.loaded, report.errors()) == ("partial", ["b.csv"], ["a.csv: bad"])


def test_after_a_lost_connection_the_rest_is_not_tried(imported, tables):
    report = imported({"a.csv": "ok", "b.csv": "cut", "c.csv": "ok"})
    assert ways(report) == {"a.csv": "loaded", "b.csv": "cut", "c.csv": "NotTried"}
    assert report.files[-1].retryable


def test_the_files_of_a_rebuilt_table_are_one_unit(imported, tables):
    table = {"file_pattern": "x*.csv", "target_table": "x", "primary_key": "id", "rebuild_table": True}
    imported({"a.csv": "ok", "x1.csv": "ok", "x2.csv": "ok"}, {**DEFAULTS, "tables": [table]})
    assert tables.rebuilt == [["x1.csv", "x2.csv"]]


def test_a_table_is_not_rebuilt_while_one_of_its_files_is_being_written(imported, tables):
    config = {**DEFAULTS, "tables": [{**REBUILT, "file_pattern": "x*.csv"}]}
    report = imported({"x1.csv": "ok", "x2.csv": "fresh"}, config)
    assert (tables.rebuilt, ways(report)) == ([], {"x1.csv": "StillWritten"})
    assert report.files[0].retryable


REBUILT = {"target_table": "x", "primary_key": "id", "rebuild_table": True}


def test_what_was_loaded_before_is_not_loaded_again(imported, tables):
    report = imported({"a.csv": "known"})
    assert (tables.loaded, ways(report), report.status) == ([], {"a.csv": "already_imported"}, "completed")


def test_files_are_put_away_as_they_went_and_those_that_are_tried_again_stay(imported, tmp_path):
    config = {**DEFAULTS, "after_success": "move"}
    imported({"a.csv": "ok", "b.csv": "bad", "c.csv": "busy"}, config)
    found = sorted(str(path.relative_to(tmp_path / "in")) for path in (tmp_path / "in").rglob("*.csv"))
    assert found == ["archive/a.csv", "c.csv", "failed/b.csv"]


def test_a_trial_puts_nothing_away(imported, tmp_path):
    imported({"a.csv": "ok"}, {**DEFAULTS, "after_success": "delete"}, trial=True)
    assert (tmp_path / "in" / "a.csv").exists()


def test_views_are_refreshed_for_the_tables_that_were_loaded(imported, tables):
    config = {**DEFAULTS, "refresh_materialized_views": "dependents"}
    report = imported({"a.csv": "ok", "b.csv": "bad"}, config)
    assert (tables.refreshed, report.views) == ([("public", "a")], {"refreshed": 1})


def test_no_view_is_refreshed_where_nothing_was_loaded(imported, tables):
    assert imported({"b.csv": "bad"}, {**DEFAULTS, "refresh_materialized_views": True}).views == {}


def test_each_result_is_handed_out_as_its_file_ends(imported):
    with pytest.raises(InterruptedError):
        imported({"a.csv": "ok", "b.csv": "ok", "c.csv": "ok"}, stop_after=2)
    assert [result.filename for result, _plan in imported.ended] == ["a.csv", "b.csv"]
