"""Rows that a table cannot take: which are refused, and what is said about them."""

from fractions import Fraction

import pytest

from jobtypes.csv_import.plan import RejectLimit
from tests.jobtypes.csv_import.loading.ground import adds_up, counts

TEN = RejectLimit(10)


def refused(result):
    return [(one.line, one.column, one.raw) for one in result.rejects]


def test_an_empty_key_is_refused_and_a_code_that_reads_na_is_not(ground):
    result = ground.load("id,code\n1,NA\n,NO\n", reject_limit=TEN)
    assert (counts(result), refused(result)) == ((1, 0, 0, 1, 0), [(3, "id", ",NO")])
    assert ground.rows() == [("1", "NA")]


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("int", "7", "x"),
        ("int", " 7 ", "7.5"),
        ("smallint", "7", "70000"),
        ("numeric(5, 2)", "123.456", "1234"),
        ("boolean", "yes", "perhaps"),
        ("date", "2026-01-08", "2026-02-30"),
        ("timestamptz", "2026-01-08 10:00+02", "soon"),
        ("timestamp(0)", "2026-01-08 10:00:00.4", "25:00"),
        ("interval", "1 day", "a while"),
        ("varchar(3)", "abc", "abcd"),
        ("char(3)", "ab", "abcd"),
        ("bit(3)", "101", "1011"),
        ("bit varying(3)", "10", "1011"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0ee"),
        ("json", '{"a": 1}', "{a}"),
        ("jsonb", '{"a": 1}', "{a}"),
        ("inet", "10.0.0.1", "10.0.0.256"),
        ("int[]", "{1,2}", "{1,x}"),
        ("varchar(2)[]", "{ab}", "{abc}"),
        ("point", "(1,2)", "north"),
        ("bytea", "\\x00ff", "\\x0"),
        ("float8", "1e3", "1e999"),
        ("int4range", "[1,2)", "[2,1)"),
        ("regclass", "pg_class", "no_such_table"),
        ("mood", "good", "odd"),
        ('"Odd Mood"', "good", "odd"),
        ("short", "abc", "abcd"),
        ("positive", "1", "-1"),
    ],
)
def test_a_value_that_its_column_cannot_take_is_refused_with_line_and_column(ground, column, good, bad):
    ground.ask("CREATE TYPE mood AS ENUM ('good', 'bad')")
    ground.ask("""CREATE TYPE "Odd Mood" AS ENUM ('good', 'bad')""")
    ground.ask("CREATE DOMAIN short AS varchar(3)")
    ground.ask("CREATE DOMAIN positive AS int CHECK (VALUE > 0)")
    ground.ask(f'CREATE TABLE t (id int PRIMARY KEY, "The Value" {column})')
    text = "id|The Value\n" + "".join(f'{number}|"{value}"\n' for number, value in enumerate((good, bad, good)))
    text = text.replace('{"a": 1}', '{""a"": 1}')
    fields = {"delimiter": "|", "reject_limit": TEN}
    result = ground.load(text, **fields)
    assert (counts(result), result.error) == ((2, 0, 0, 1, 0), "")
    assert [(one.line, one.column, bad in one.raw) for one in result.rejects] == [(3, "The Value", True)]
    assert counts(ground.load(text, **fields)) == (0, 0, 2, 1, 0)


def test_what_the_database_says_of_a_value_is_the_reason(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, n int)")
    (reject,) = ground.load("id,n\n1,many\n").rejects
    assert reject.reason == 'integer does not take this value: invalid input syntax for type integer: "many"'


def test_a_column_that_must_not_be_empty_refuses_empty_cells(ground):
    ground.ask("CREATE DOMAIN filled AS text NOT NULL")
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL DEFAULT 'x', b filled)")
    result = ground.load("id,a,b\n1,,b\n2,a,\n3,a,b\n", reject_limit=TEN)
    assert (counts(result), refused(result)) == ((1, 0, 0, 2, 0), [(2, "a", "1,,b"), (3, "b", "2,a,")])


def test_one_bad_value_in_a_hundred_thousand_is_one_reject(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, n int)")
    text = "id,n\n" + "".join(f"{number},{'?' if number == 77_777 else number}\n" for number in range(100_000))
    result = ground.load(text, reject_limit=RejectLimit(1))
    assert (counts(result), refused(result)) == ((99_999, 0, 0, 1, 0), [(77_779, "n", "77777,?")])
    ground.ask("TRUNCATE t")
    result = ground.load(text)
    assert (result.status, result.error_type, counts(result)) == ("failed", "RejectLimitExceeded", (0, 0, 0, 1, 0))
    assert "line 77779, column n" in result.error
    assert ground.rows() == []


def test_over_the_limit_nothing_changes_and_a_thousand_rejects_are_kept(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY)")
    text = "id,n\n" + "".join(f"{number}x,1\n" for number in range(1500)) + "1500,1\n"
    result = ground.load(text)
    assert (result.rejected, len(result.rejects), result.rows_read) == (1500, 1000, 1501)
    assert [one.line for one in result.rejects] == list(range(2, 1002))
    assert ground.ask("SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'n'") == [(0,)]


def test_a_reject_is_named_by_the_line_that_an_editor_shows(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, n int, note text)")
    text = 'id,n,note\n1,1,"two\nlines"\n2,x,"a\n\nb"\n3,y,c\n'
    assert [one[:2] for one in refused(ground.load(text, reject_limit=TEN))] == [(4, "n"), (7, "n")]


def test_rejects_of_the_reader_and_of_the_table_come_in_the_files_order(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, n int)")
    result = ground.load("id,n\n1,x\n2\n3,y\n4,4\n,5\n", reject_limit=TEN)
    assert ([one.line for one in result.rejects], adds_up(result)) == ([2, 3, 4, 6], True)


def test_of_a_repeated_key_the_last_row_that_fits_counts(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, n int)")
    result = ground.load("id,n\n1,1\n1,2\n1,x\n", reject_limit=TEN)
    assert (counts(result), ground.rows()) == ((1, 0, 0, 1, 1), [(1, 2)])


def test_a_type_whose_errors_cannot_be_asked_for_is_tried_row_by_row(ground):
    ground.ask(
        "CREATE FUNCTION even(int) RETURNS bool LANGUAGE plpgsql AS "
        "$$ BEGIN IF $1 % 2 = 0 THEN RETURN true; END IF; RAISE 'odd: %', $1; END $$"
    )
    ground.ask("CREATE DOMAIN even AS int CHECK (even(VALUE))")
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, n even)")
    result = ground.load(
        "id,n\n1,2\n2,3\n3,4\n", target=f"{ground.target} options='-c search_path={ground.schema}'", reject_limit=TEN
    )
    assert (counts(result), result.rejects[0].reason) == (
        (2, 0, 0, 1, 0),
        "even does not take this value: odd: 3",
    )


def test_a_share_of_the_file_may_be_refused(ground):
    text = "id,n\n" + "".join(f"{number},1\n" for number in range(99)) + ",1\n"
    assert ground.load(text, reject_limit=RejectLimit(0, Fraction(1, 100))).inserted == 99
    assert ground.load(text, reject_limit=RejectLimit(0, Fraction(1, 101))).status == "failed"
