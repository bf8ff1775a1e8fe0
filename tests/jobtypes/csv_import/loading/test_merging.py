"""What a load does to the rows of a table, and what it counts."""

import gzip

import pytest

from jobtypes.csv_import.plan import RejectLimit
from tests.jobtypes.csv_import.loading.ground import adds_up, counts

THREE = "id,name,flag\n1,Aurora,NA\n2,Borealis,\n3,Corona,NO\n"


def test_new_rows_are_inserted_and_a_second_time_skipped(ground):
    assert counts(ground.load(THREE)) == (3, 0, 0, 0, 0)
    assert ground.rows() == [("1", "Aurora", "NA"), ("2", "Borealis", None), ("3", "Corona", "NO")]
    assert counts(ground.load(THREE)) == (0, 0, 3, 0, 0)


def test_one_changed_one_new_and_one_same_row_are_told_apart(ground):
    ground.load("id,name\n1,Aurora\n2,Borealis\n")
    assert counts(ground.load("id,name\n1,Aurora\n2,Boreas\n3,Corona\n")) == (1, 1, 1, 0, 0)
    assert ground.rows() == [("1", "Aurora"), ("2", "Boreas"), ("3", "Corona")]


@pytest.mark.parametrize("content", [THREE, THREE + "\n"], ids=["raw", "row"])
def test_a_packed_file_is_loaded_as_the_same_file_unpacked_is(ground, content):
    packed = ground.load(gzip.compress(content.encode()), filename="file.csv.gz")
    assert (packed.status, counts(packed)) == ("loaded", (3, 0, 0, 0, 0)), packed.error
    assert counts(ground.load(content)) == (0, 0, 3, 0, 0)


def test_a_file_with_too_few_good_rows_changes_nothing(ground):
    ground.load(THREE)
    result = ground.load("id,name\n1,Boreas\n2\n", min_rows=2, reject_limit=RejectLimit(1))
    assert (result.status, result.error_type) == ("failed", "TooFewRows")
    assert ground.rows()[0] == ("1", "Aurora", "NA")
    assert ground.load("id,name\n1,Boreas\n2,x\n", min_rows=2).status == "loaded"


def test_a_row_that_stays_the_same_is_not_written(ground):
    ground.load(THREE)
    before = ground.ask("SELECT id, ctid, xmin FROM t ORDER BY id")
    ground.load(THREE)
    assert ground.ask("SELECT id, ctid, xmin FROM t ORDER BY id") == before


def test_a_value_becomes_null_and_comes_back(ground):
    ground.load("id,name\n1,Aurora\n")
    assert counts(ground.load("id,name\n1,\n")) == (0, 1, 0, 0, 0)
    assert ground.rows() == [("1", None)]
    assert counts(ground.load("id,name\n1,Aurora\n")) == (0, 1, 0, 0, 0)


def test_a_table_of_keys_alone_only_grows(ground):
    ground.load("a,b\n1,2\n", primary_key=("a", "b"))
    assert counts(ground.load("a,b\n1,2\n1,3\n", primary_key=("a", "b"))) == (1, 0, 1, 0, 0)


def test_a_header_alone_is_loaded_with_no_row(ground):
    result = ground.load("id,name\n")
    assert (result.status, result.rows_read, ground.rows()) == ("loaded", 0, [])


def test_an_empty_file_fails(ground):
    assert (ground.load("").status, ground.load("").error_type) == ("failed", "EmptyFile")


def test_columns_that_the_file_lacks_keep_their_values(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text, note text DEFAULT 'new')")
    ground.ask("INSERT INTO t VALUES (1, 'Aurora', 'kept')")
    assert counts(ground.load("id,name\n1,Boreas\n2,Corona\n")) == (1, 1, 0, 0, 0)
    assert ground.rows() == [(1, "Boreas", "kept"), (2, "Corona", "new")]


def test_new_columns_are_added_as_text_and_named(ground):
    ground.load("id,name\n1,Aurora\n")
    result = ground.load("id,name,flag,berth\n1,Aurora,NO,7\n")
    assert (result.columns_added, result.updated) == (("flag", "berth"), 1)
    assert ground.rows() == [("1", "Aurora", "NO", "7")]


def test_the_number_of_a_row_in_the_file_and_its_spelling_do_not_matter_to_a_typed_table(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, price numeric(8, 2), day date)")
    ground.load("id,price,day\n1,2.50,2026-01-08\n")
    assert counts(ground.load("id,price,day\n 01 ,2.5,8 Jan 2026\n")) == (0, 0, 1, 0, 0)


@pytest.mark.parametrize(("style", "month"), [("DMY", 2), ("MDY", 1)])
def test_the_order_in_dates_is_the_plans(ground, style, month):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, day date)")
    ground.load("id,day\n1,01/02/2026\n", datestyle=style)
    assert ground.ask("SELECT extract(month FROM day)::int FROM t") == [(month,)]


def test_words_that_mean_null_are_null_and_no_others(ground):
    ground.load("id,a,b\n1,NA,null\n2,-,NaN\n", null_values=frozenset({"-"}))
    assert ground.rows() == [("1", "NA", "null"), ("2", None, "NaN")]


def test_empty_cells_stay_empty_texts_if_wanted(ground):
    ground.load('id,a,b\n1,,""\n', empty_as="text")
    assert ground.rows() == [("1", "", "")]


def test_of_a_repeated_key_the_last_row_counts(ground):
    result = ground.load("id,name\n1,a\n2,b\n1,c\n1,d\n")
    assert (counts(result), ground.rows()) == ((2, 0, 0, 0, 2), [("1", "d"), ("2", "b")])


def test_of_a_repeated_key_the_first_row_counts_if_wanted(ground):
    result = ground.load("id,name\n1,a\n2,b\n1,c\n", duplicates="first")
    assert (counts(result), ground.rows()) == ((2, 0, 0, 0, 1), [("1", "a"), ("2", "b")])


def test_repeated_keys_are_refused_if_wanted(ground):
    result = ground.load("id,name\n1,a\n2,b\n1,c\n", duplicates="reject", reject_limit=RejectLimit(1))
    assert (counts(result), ground.rows()) == ((2, 0, 0, 1, 0), [("1", "a"), ("2", "b")])
    assert [(one.line, one.column, one.reason) for one in result.rejects] == [(4, "id", "the key is that of line 2")]


def test_repeated_keys_fail_the_file_if_wanted(ground):
    result = ground.load("id,name\n1,a\n2,b\n1,c\n", duplicates="error")
    assert (result.status, result.error_type) == ("failed", "DuplicateKeys")
    assert "lines 2 and 4 with id 1" in result.error


def test_keys_are_compared_as_the_table_compares_them(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text)")
    result = ground.load("id,name\n1,a\n01,b\n 1,c\n")
    assert (counts(result), ground.rows()) == ((1, 0, 0, 0, 2), [(1, "c")])


def test_a_key_that_mostly_repeats_does_not_identify_rows(ground):
    text = "id,name\n" + "".join(f"{number % 500},x\n" for number in range(1001))
    result = ground.load(text)
    assert (result.status, result.error_type) == ("failed", "KeyDoesNotIdentifyRows")
    assert "501 of 1,001 rows repeat a key" in result.error
    assert ground.ask("SELECT to_regclass('t')") == [(None,)]


def test_a_trial_does_it_all_and_leaves_the_table_as_it_was(ground):
    ground.load("id,name\n1,Aurora\n2,Borealis\n")
    result = ground.load("id,name,flag\n1,Aurora,\n2,Boreas,\n3,Corona,NO\n", options={"dry_run": True})
    assert (counts(result), result.columns_added) == ((1, 1, 1, 0, 0), ("flag",))
    assert ground.rows() == [("1", "Aurora"), ("2", "Borealis")]
    insert, update = sorted(result.changes, key=lambda change: change.operation)
    assert (insert.key, insert.after) == ({"id": "3"}, {"name": "Corona", "flag": "NO"})
    assert (update.key, update.before, update.after) == ({"id": "2"}, {"name": "Borealis"}, {"name": "Boreas"})


def test_a_trial_shows_twenty_changes(ground):
    text = "id,name\n" + "".join(f"{number},x\n" for number in range(30))
    result = ground.load(text, options={"dry_run": True})
    assert (len(result.changes), result.inserted, ground.ask("SELECT to_regclass('t')")) == (20, 30, [(None,)])


def test_every_row_is_counted_once(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, n int)")
    ground.ask("INSERT INTO t VALUES (1, 1), (2, 2)")
    result = ground.load("id,n\n1,1\n2,3\n3,3\n3,4\nx,1\n4,y\n,1\n5\n", reject_limit=RejectLimit(9))
    assert (counts(result), adds_up(result)) == ((1, 1, 1, 4, 1), True)
