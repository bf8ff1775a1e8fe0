"""Tables that hold exactly the files afterwards."""

import threading

import psycopg
import pytest

from jobtypes.csv_import.plan import RejectLimit
from tests.jobtypes.csv_import.loading.ground import adds_up, counts

OLD = "id,name\n1,old\n2,old\n3,old\n"


def test_a_rebuilt_table_holds_exactly_the_file(ground):
    ground.load(OLD)
    (result,) = ground.rebuild("id,name\n2,new\n4,new\n")
    assert (counts(result), ground.rows()) == ((2, 0, 0, 0, 0), [("2", "new"), ("4", "new")])


def test_a_missing_table_is_made_and_filled(ground):
    assert [counts(one) for one in ground.rebuild(OLD, "id,flag\n4,NO\n")] == [(3, 0, 0, 0, 0), (1, 0, 0, 0, 0)]
    assert ground.rows()[3] == ("4", None, "NO")


def test_all_files_of_a_table_fill_it_together(ground):
    ground.load(OLD)
    results = ground.rebuild("id,name\n5,a\n6,a\n", "id,name\n6,b\n7,b\n")
    assert [counts(one) for one in results] == [(1, 0, 0, 0, 1), (2, 0, 0, 0, 0)]
    assert ground.rows() == [("5", "a"), ("6", "b"), ("7", "b")]


@pytest.mark.parametrize(
    ("policy", "first", "second", "kept"),
    [("first", (2, 0, 0, 0, 0), (1, 0, 0, 0, 1), "a"), ("reject", (2, 0, 0, 0, 0), (1, 0, 0, 1, 0), "a")],
)
def test_a_key_of_two_files_is_kept_once_as_the_plan_says(ground, policy, first, second, kept):
    results = ground.rebuild(
        "id,name\n5,a\n6,a\n", "id,name\n6,b\n7,b\n", duplicates=policy, reject_limit=RejectLimit(1)
    )
    assert [counts(one) for one in results] == [first, second]
    assert (dict(ground.rows())["6"], all(adds_up(one) for one in results)) == (kept, True)


def test_a_key_of_two_files_fails_both_if_wanted(ground):
    ground.load(OLD)
    results = ground.rebuild("id,name\n5,a\n", "id,name\n7,b\n5,b\n", duplicates="error")
    assert [one.error_type for one in results] == ["RebuildFailed", "DuplicateKeys"]
    assert "Line 3 has a key that file1.csv has too" in results[1].error
    assert ground.rows() == [("1", "old"), ("2", "old"), ("3", "old")]


def test_one_bad_file_keeps_the_table_as_it_was(ground):
    ground.load(OLD)
    results = ground.rebuild("id,name\n5,a\n", "id,name\n6\n")
    assert [(one.status, one.error_type) for one in results] == [
        ("failed", "RebuildFailed"),
        ("failed", "RejectLimitExceeded"),
    ]
    assert ground.rows() == [("1", "old"), ("2", "old"), ("3", "old")]


def test_a_rebuild_that_fails_while_it_writes_keeps_the_table_as_it_was(ground):
    ground.load(OLD)
    ground.ask("ALTER TABLE t ADD CHECK (name <> 'bad')")
    (result,) = ground.rebuild("id,name\n1,good\n2,bad\n")
    assert (result.error_type, len(ground.rows())) == ("ConstraintViolation", 3)


def test_a_file_without_a_good_row_empties_no_table(ground):
    ground.load(OLD)
    (result,) = ground.rebuild("id,name\n")
    assert (result.status, result.error_type, len(ground.rows())) == ("failed", "EmptyRebuild", 3)
    (result,) = ground.rebuild("id,name\n", allow_empty_rebuild=True)
    assert (result.status, ground.rows()) == ("loaded", [])


def test_rows_that_others_point_at_stay_where_they_are(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text)")
    ground.ask("INSERT INTO t VALUES (1, 'old'), (2, 'old'), (3, 'old')")
    ground.ask("CREATE TABLE child (id int REFERENCES t ON DELETE CASCADE); INSERT INTO child VALUES (1), (3)")
    (result,) = ground.rebuild("id,name\n1,new\n2,old\n4,new\n")
    assert (counts(result), adds_up(result)) == ((1, 1, 1, 0, 0), True)
    assert (ground.rows(), ground.ask("SELECT id FROM child")) == ([(1, "new"), (2, "old"), (4, "new")], [(1,)])


def test_a_row_that_is_needed_elsewhere_cannot_go_and_that_is_said(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'old')")
    ground.ask("CREATE TABLE child (id int REFERENCES t); INSERT INTO child VALUES (1)")
    (result,) = ground.rebuild("id,name\n2,new\n")
    assert (result.error_type, "child" in result.error) == ("ConstraintViolation", True)
    assert ground.rows() == [(1, "old")]


def test_a_trial_of_a_rebuild_tells_the_changes_and_changes_nothing(ground):
    ground.load(OLD)
    (result,) = ground.rebuild("id,name\n1,old\n2,new\n4,new\n", options={"dry_run": True})
    assert sorted((one.operation, one.key["id"]) for one in result.changes) == [("insert", "4"), ("update", "2")]
    assert (result.inserted, len(ground.rows())) == (3, 3)


def test_readers_of_a_rebuilt_table_see_old_or_new_rows_and_never_none(ground):
    old, new = ("id,name\n" + "".join(f"{number},{word}\n" for number in range(2000)) for word in ("old", "new"))
    ground.rebuild(old)
    seen, ended = set(), threading.Event()

    def read(prepare):
        with psycopg.connect(ground.target, autocommit=True) as reader:
            while not ended.is_set():
                rows = reader.execute(f"SELECT name, count(*) FROM {ground.schema}.t GROUP BY name", prepare=prepare)
                seen.add(tuple(rows.fetchall()))

    readers = [threading.Thread(target=read, args=(prepare,)) for prepare in (True, False)]
    for reader in readers:
        reader.start()
    for content in (new, old) * 5:
        assert ground.rebuild(content)[0].inserted == 2000
    ended.set()
    for reader in readers:
        reader.join()
    assert seen == {(("old", 2000),), (("new", 2000),)}
