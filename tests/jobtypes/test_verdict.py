import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from jobtypes.sql_alert import statement
from jobtypes.sql_alert.verdict import BrokenContract, judge, plain


def said(*, no_rows="error", null_value="error", **row):
    return judge(list(row), [tuple(row.values())], no_rows=no_rows, null_value=null_value)


@pytest.mark.parametrize(("word", "status"), [("OK", "OK"), ("ok", "OK"), (" Alert ", "ALERT"), ("alert\n", "ALERT")])
def test_a_status_is_read_without_regard_to_case_and_blanks(word, status):
    assert said(Status=word).status == status


@pytest.mark.parametrize("word", ["WARN", "", None, 1, True, "OKAY", "OK ALERT"])
def test_any_other_status_is_an_error_that_shows_it_and_the_columns(word):
    with pytest.raises(BrokenContract, match=r"must be ALERT or OK\. The columns are status, extra"):
        said(status=word, extra=1)


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity")])
@pytest.mark.parametrize(("policy", "status"), [("ok", "OK"), ("alert", "ALERT")])
def test_ok_without_a_value_means_what_the_alert_says(nothing, policy, status):
    assert said(status="OK", ACTUAL_VALUE=nothing, null_value=policy).status == status


@pytest.mark.parametrize("nothing", [None, float("nan"), float("-inf"), Decimal("sNaN")])
def test_ok_without_a_value_is_an_error_unless_told_otherwise(nothing):
    with pytest.raises(BrokenContract, match="actual_value is"):
        said(status="OK", actual_value=nothing)


def test_alert_without_a_value_stays_an_alert():
    verdict = said(status="ALERT", actual_value=None)
    assert (verdict.status, verdict.actual_value) == ("ALERT", None)


def test_ok_needs_no_value_column_and_no_threshold():
    assert said(status="OK").sentence == "OK."
    assert said(status="OK", actual_value=5, threshold=None).sentence == "OK: 5."


@pytest.mark.parametrize(
    ("value", "threshold", "sentence"),
    [
        (37, 20, "ALERT: 37, above the threshold 20."),
        (Decimal("9000.50"), 10000, "ALERT: 9000.5, below the threshold 10000."),
        (20, 20.0, "ALERT: 20, at the threshold 20."),
        (0.5001375004649162, 24, "ALERT: 0.5001375005, below the threshold 24."),
        ("late", "early", "ALERT: late, with the threshold early."),
    ],
)
def test_the_sentence_compares_numbers(value, threshold, sentence):
    assert said(status="ALERT", actual_value=value, threshold=threshold).sentence == sentence


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (7, 7),
        (True, True),
        (2**60 + 1, 2**60 + 1),
        (2**64, "18446744073709551616"),
        (0.1, 0.1),
        (Decimal("11096.50"), 11096.5),
        (Decimal("42"), 42),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Decimal("1E+400"), "1E+400"),
        (float("inf"), "inf"),
        (date(2026, 1, 8), "2026-01-08"),
        (datetime(2026, 1, 8, 9, tzinfo=UTC), "2026-01-08T09:00:00+00:00"),
        (timedelta(hours=1), "1:00:00"),
        (b"\x00\xff", "00ff"),
        (memoryview(b"ab"), "6162"),
        ("nul\0", "nul\ufffd"),
        ({"a": [1]}, '{"a": [1]}'),
        ("x" * 2000, "x" * 993 + "… (cut)"),
    ],
)
def test_values_become_json_and_keep_their_digits(value, written):
    assert plain(value) == written


def test_two_rows_are_an_error():
    with pytest.raises(BrokenContract, match="more than one row"):
        judge(["status"], [("OK",), ("OK",)], no_rows="ok", null_value="ok")


@pytest.mark.parametrize(("policy", "status"), [("ok", "OK"), ("alert", "ALERT")])
def test_no_row_means_what_the_alert_says(policy, status):
    assert judge(["status"], [], no_rows=policy, null_value="error").status == status


def test_no_row_is_an_error_that_tells_of_the_setting():
    with pytest.raises(BrokenContract, match="no_rows"):
        judge(["status"], [], no_rows="error", null_value="error")


def test_columns_that_differ_in_case_only_are_doubled():
    with pytest.raises(BrokenContract, match="Two columns are named status"):
        judge(["status", "STATUS"], [("OK", "OK")], no_rows="error", null_value="error")


def test_more_than_a_hundred_columns_are_refused():
    names = ["status", *(f"c{number}" for number in range(100))]
    with pytest.raises(BrokenContract, match="101 columns"):
        judge(names, [], no_rows="ok", null_value="ok")


def test_a_row_beyond_a_mebibyte_is_refused():
    with pytest.raises(BrokenContract, match="1,048,576"):
        said(status="OK", note="x" * 1_100_000)


def test_context_is_cut_after_fifty_columns_with_a_mark():
    verdict = said(status="OK", **{f"c{number}": number for number in range(60)})
    assert len(verdict.context) == 51
    assert verdict.context["…"] == "10 more columns were left out"


def test_context_is_cut_after_eight_kibibytes_with_a_mark():
    verdict = said(status="OK", **{f"c{number}": "é" * 900 for number in range(20)})
    assert set(verdict.context) == {"c0", "c1", "c2", "c3", "…"}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1", "select 1;", "  (SELECT 1)", "-- why\nSELECT 1", "/* why; */ SELECT 1 -- done; really",
        "WITH a AS (SELECT ';') SELECT * FROM a", "VALUES (1)", "TABLE orders", "SELECT $$;$$",
        "SELECT $a$ ; $$ ; $a$",
        "SELECT 'it''s; fine'", 'SELECT ";" FROM "a;b"', "SELECT `a;b` FROM t", "SELECT 1;;  ",
    ],
)  # fmt: skip
def test_one_reading_statement_is_taken(query):
    assert statement.refusal(query) == ""


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "Write a query"),
        ("-- nothing", "Write a query"),
        (";", "Write a query"),
        ("DELETE FROM a", "not with DELETE"),
        ("SELECT 1; SELECT 2", "more behind the semicolon"),
        ("SELECT 1;\n/* x */ DROP TABLE a", "more behind the semicolon"),
        ("SELECT 'a", "character 8 is never closed"),
        ("SELECT 1 /* a", "character 10 is never closed"),
        ("SELECT $$ ; $$; DELETE FROM a", "more behind the semicolon"),
        ("; SELECT 1", "more behind the semicolon"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(query, sentence):
    assert sentence in statement.refusal(query)


def test_a_long_query_is_read_quickly():
    began = time.perf_counter()
    for bomb in ("(" * 100_000, "$" * 100_000, "'" * 99_999, "/*" * 50_000, "-" * 100_000, "$a" * 50_000):
        statement.refusal("SELECT " + bomb)
    assert time.perf_counter() - began < 0.6
