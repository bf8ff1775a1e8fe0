"""What a CSV file is: rows, rejects, lines, and files that are refused as a whole."""

from __future__ import annotations

import encodings.aliases

import pytest
from pydantic import ValidationError

from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.plan import LEGACY_NULLS, FileRefused
from jobtypes.csv_import.reading import Reject, Row
from tests.jobtypes.csv_import.texts import opened, read, rejects

VESSELS = b'exported 2026-01-08\nREC_ID|NAME|FLAG|LENGTH\n1|Aurora|NA|82\n2|"Pier ""7"" tug"||24\n3|Borealis|NO\n'


def refusal(content: str | bytes, **values: object) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        list(opened(content, **values))
    return refused.value


def test_the_documented_example_reads_as_it_is_documented() -> None:
    config = ImportConfig.model_validate(
        {
            "defaults": {
                "file_pattern": "Hx*.csv",
                "primary_key": "REC_ID",
                "delimiter": "|",
                "encoding": "cp1252",
                "skiprows": 1,
            },
            "table_naming": {"strip_prefix": "Hx"},
        }
    )
    plan = config.rule_for("HxVessels.csv")
    assert plan is not None
    file = opened(VESSELS, **{name: getattr(plan, name) for name in plan.__dataclass_fields__})
    assert file.header == ("REC_ID", "NAME", "FLAG", "LENGTH")
    assert list(file) == [
        Row(3, ["1", "Aurora", "NA", "82"]),
        Row(4, ["2", 'Pier "7" tug', None, "24"]),
        Reject(5, None, "3 of 4 cells", "3|Borealis|NO"),
    ]


def test_a_quote_opens_only_at_the_start_of_a_cell() -> None:
    assert read('a,b\n1,5" pipe\n2, "x"\n') == [(2, ["1", '5" pipe']), (3, ["2", ' "x"'])]


def test_lines_end_with_lf_crlf_or_cr_also_in_one_file() -> None:
    assert read("a,b\r\n1,x\r2,y\n3,z\r\n\r\n4,w") == [
        (2, ["1", "x"]),
        (3, ["2", "y"]),
        (4, ["3", "z"]),
        (6, ["4", "w"]),
    ]


def test_line_ends_within_quotes_are_kept_as_they_are() -> None:
    assert read('a,b\n1,"x\r\ny\rz\n"\n') == [(2, ["1", "x\r\ny\rz\n"])]


def test_characters_that_only_unicode_calls_line_ends_are_text() -> None:
    assert read("a,b\n1,x\u2028y\x85z\x0b\n") == [(2, ["1", "x\u2028y\x85z\x0b"])]


def test_blank_lines_are_no_rows() -> None:
    assert read("\n\na\n\n1\n\n") == [(5, ["1"])]


def test_a_row_of_one_quoted_empty_cell_is_one() -> None:
    assert read('a\n""\n') == [(2, [None])]


def test_a_reject_after_a_quoted_cell_of_two_lines_is_reported_at_the_line_that_an_editor_shows() -> None:
    found = list(opened('skipped "\na,b\n1,"x\ny"\n2\n3,z\n', skiprows=1))
    assert found == [Row(3, ["1", "x\ny"]), Reject(5, None, "1 of 2 cells", "2"), Row(6, ["3", "z"])]


def test_a_reject_of_several_lines_is_reported_where_it_begins() -> None:
    assert list(opened('a,b\n1,"x\ny",z\n')) == [Reject(2, None, "3 of 2 cells", '1,"x\ny",z')]


def test_an_empty_cell_is_null_quoted_or_not_and_nothing_else_is() -> None:
    assert read('a,b,c\n1,,""\n2,NA,null\n') == [(2, ["1", None, None]), (3, ["2", "NA", "null"])]


def test_words_that_mean_null_are_compared_whole() -> None:
    assert read("a,b\nNA,NAN\n", null_values=frozenset({"NA"})) == [(2, [None, "NAN"])]


def test_the_originals_words_make_null_of_na() -> None:
    assert read("a,b\n1,NA\n", null_values=LEGACY_NULLS) == [(2, ["1", None])]


def test_empty_cells_can_be_kept_as_texts() -> None:
    assert read('a,b,c\n1,,""\n', empty_as="text") == [(2, ["1", "", ""])]
    assert read("a,b,c\n1,,-\n", empty_as="text", null_values=frozenset({"-"})) == [(2, ["1", "", None])]


def test_cells_never_shift() -> None:
    assert rejects(opened("a,b\n1,2,3\n4\n5,6\n")) == [(2, None, "3 of 2 cells"), (3, None, "1 of 2 cells")]


def test_short_rows_can_be_padded_and_long_ones_cannot() -> None:
    found = list(opened("a,b,c\n1\n2,x,y,z\n", ragged="pad", empty_as="text"))
    assert found == [Row(2, ["1", None, None]), Reject(3, None, "4 of 3 cells", "2,x,y,z")]


def test_a_nul_is_a_reject_that_names_its_column() -> None:
    assert list(opened("a,b\n1,x\0\n2,y\n")) == [Reject(2, "b", "NUL character", "1,x␀"), Row(3, ["2", "y"])]


def test_text_after_a_closing_quote_is_a_reject_that_ends_with_its_line() -> None:
    found = list(opened('a,b\n1,"5" pipe"\n2,"x"\n'))
    assert found == [Reject(2, None, "text after a closing quote", '1,"5" pipe"'), Row(3, ["2", "x"])]


def test_a_rejects_text_is_at_most_a_kibibyte() -> None:
    (found,) = list(opened(f"a,b\n{'é' * 2_000}\n"))
    assert isinstance(found, Reject)
    assert found.raw == "é" * 512


def test_one_nameless_last_column_is_ignored_with_its_empty_cells() -> None:
    file = opened("a,b,\n1,2,\n3,4\n5,6,7\n")
    assert file.header == ("a", "b")
    assert list(file) == [Row(2, ["1", "2"]), Row(3, ["3", "4"]), Reject(4, None, "3 of 2 cells", "5,6,7")]


def test_names_of_the_header_are_stripped_and_then_mapped() -> None:
    assert opened(" nr , b\n", column_mapping={"nr": "a"}).header == ("a", "b")


def test_a_header_alone_has_no_rows() -> None:
    assert read("a,b") == []


def test_a_byte_order_mark_is_dropped() -> None:
    assert opened(b"\xef\xbb\xbfa,b\n").header == ("a", "b")
    assert opened(b"\xef\xbb\xbfexported\na,b\n", skiprows=1).header == ("a", "b")


def test_skipped_lines_are_not_read_as_csv() -> None:
    assert opened('say "\n"oh\na\n', skiprows=2).header == ("a",)


def test_every_encoding_that_a_project_may_name_can_be_read() -> None:
    read_well = 0
    for name in sorted(set(encodings.aliases.aliases.values())):
        try:
            ImportConfig.model_validate({"defaults": {"primary_key": "a", "encoding": name}})
        except ValidationError:
            continue
        data = 'a,b\r\n1,x\n2,"y\nz"\n'.encode(name)
        assert read(data, encoding=name) == [(2, ["1", "x"]), (3, ["2", "y\nz"])], name
        read_well += 1
    assert read_well > 80


@pytest.mark.parametrize("content", ["", "\n\r\n", "\ufeff"])
def test_a_file_without_a_header_is_empty(content: str) -> None:
    assert refusal(content).error_type == "EmptyFile"


def test_a_file_that_ends_before_its_header_is_empty() -> None:
    assert "after the 3 skipped lines" in str(refusal("x\ny\n", skiprows=3))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("a,,b", "Column 2 of the header has no name."),
        ("a,b,,", "Column 3 of the header has no name."),
        ("a,b,a", "Columns 1 and 3 of the header are both named 'a'."),
        ("a," + "x" * 64, "63 bytes"),
        ("a,ctid", "PostgreSQL keeps for itself"),
        ("a,x\0", "without NUL"),
        (",".join(f"c{one}" for one in range(1_600)), "1,600 columns; a table takes 1,599"),
        ('a,"b"c', "text after a closing quote"),
    ],
)
def test_a_wrong_header_is_refused_before_anything_is_written(header: str, said: str) -> None:
    wrong = refusal(f"{header}\n")
    assert wrong.error_type == "HeaderError"
    assert said in str(wrong)
    assert "Line 1: " in str(wrong)


def test_mapping_two_names_to_one_column_is_refused() -> None:
    assert "both named 'a'" in str(refusal("a,b\n", column_mapping={"b": "a"}))


def test_a_missing_key_column_is_named_beside_those_that_there_are() -> None:
    wrong = refusal("b,c\n")
    assert wrong.error_type == "MissingKeyColumn"
    assert "lacks a of the primary key. It has: b, c." in str(wrong)


def test_a_key_column_in_another_case_is_pointed_out() -> None:
    assert "compared as they are written: A." in str(refusal("A,b\n"))


def test_a_file_that_lacks_an_expected_column_is_refused() -> None:
    wrong = refusal("a,b\n", expect_columns=("b", "c", "d"))
    assert wrong.error_type == "ColumnsNotAsExpected"
    assert "lacks c, d, which expect_columns names. It has: a, b." in str(wrong)
    assert opened("a,c,x\n", expect_columns=("c",)).header == ("a", "c", "x")


def test_a_header_under_another_delimiter_is_pointed_out() -> None:
    assert "a semicolon: is that the delimiter?" in str(refusal("a;b;c\n"))


@pytest.mark.parametrize("table", ["", "x" * 64])
def test_a_file_whose_name_makes_no_table_is_refused(table: str) -> None:
    assert refusal("a\n", table=table).error_type == "TableNameError"


def test_a_byte_that_does_not_decode_is_named_with_its_line_and_place() -> None:
    wrong = refusal(b"a,b\r\n1,x\r\n2,\xe9\n")
    assert wrong.error_type == "EncodingError"
    assert "Line 3: the byte 0xE9 at position 13 of the file is not utf-8." in str(wrong)


def test_rows_before_the_wrong_byte_of_a_later_block_were_given() -> None:
    rows = b"".join(b"%d,x\n" % number for number in range(100_000))
    file = iter(opened(b"a,b\n" + rows + b"7,\x81\n", encoding="cp1252"))
    assert next(file) == Row(2, ["0", "x"])
    with pytest.raises(
        FileRefused, match=r"Line 100002: the byte 0x81 at position 788,897 of the file is not cp1252"
    ):
        list(file)


def test_a_character_that_is_cut_off_at_the_end_is_named() -> None:
    assert "Line 2: the byte 0xC3 at position 5 " in str(refusal(b"a\nxy\xc3"))


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (b"\xff\xfea\x00\n\x00", "utf-8", "the mark of UTF-16, but encoding says utf-8"),
        (b"\xef\xbb\xbfa\n", "cp1252", "the mark of UTF-8, but encoding says cp1252"),
        (b"a\x00\n\x00", "utf-16", "does not start with BOM"),
    ],
)
def test_a_mark_that_contradicts_the_encoding_is_refused(content: bytes, encoding: str, said: str) -> None:
    wrong = refusal(content, encoding=encoding)
    assert wrong.error_type == "EncodingError"
    assert said in str(wrong)


def test_a_quote_that_is_never_closed_fails_the_file_and_names_the_line() -> None:
    wrong = refusal('a,b\n1,x\n2,"y\n3,z\n')
    assert wrong.error_type == "UnclosedQuote"
    assert "Line 3: " in str(wrong)


def test_reading_says_how_far_it_is() -> None:
    file = opened("a\n1\n2\n")
    list(file)
    assert file.bytes_read == 6
    assert file.first_line == 2
