"""What an import project may say, and what follows for one file."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.plan import FilePlan, TableNaming

HARBOUR: dict[str, Any] = {
    "defaults": {
        "file_pattern": "Hx*.csv",
        "primary_key": "REC_ID",
        "delimiter": "|",
        "encoding": "cp1252",
        "skiprows": 1,
    },
    "table_naming": {"strip_prefix": "Hx", "lowercase": True},
    "tables": [
        {
            "file_pattern": "berths_*.csv",
            "target_table": "berths",
            "primary_key": ["port", "berth_no"],
            "column_mapping": {"Liegeplatz Nr.": "berth_no", "Hafen": "port"},
        }
    ],
}


def plan(config: dict[str, Any], filename: str) -> FilePlan:
    found = ImportConfig.model_validate(config).rule_for(filename)
    assert found is not None
    return found


def refused(config: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationError) as wrong:
        ImportConfig.model_validate(config)
    return {".".join(str(part) for part in one["loc"]): one["msg"] for one in wrong.value.errors()}


def with_defaults(**values: Any) -> dict[str, Any]:
    return {"defaults": {"primary_key": "id", **values}}


def test_a_file_that_only_defaults_know_gets_its_table_from_its_name() -> None:
    found = plan(HARBOUR, "HxVessels.csv")
    assert (found.table, found.primary_key, found.delimiter) == ("vessels", ("REC_ID",), "|")
    assert (found.encoding, found.skiprows, found.schema) == ("cp1252", 1, "public")


def test_an_entry_of_tables_stands_for_itself_and_takes_nothing_from_defaults() -> None:
    found = plan(HARBOUR, "berths_north.csv")
    assert (found.table, found.primary_key) == ("berths", ("port", "berth_no"))
    assert found.column_mapping == {"Liegeplatz Nr.": "berth_no", "Hafen": "port"}
    assert (found.delimiter, found.encoding, found.skiprows) == (",", "utf-8", 0)


def test_the_first_entry_of_tables_that_matches_wins_over_the_others_and_over_defaults() -> None:
    tables = [{"file_pattern": "a*.csv", "target_table": name, "primary_key": "id"} for name in ("first", "second")]
    assert plan({"tables": tables, **with_defaults()}, "abc.csv").table == "first"
    assert plan({"tables": tables, **with_defaults()}, "bcd.csv").table == "bcd"


def test_a_file_that_nothing_matches_has_no_plan() -> None:
    assert ImportConfig.model_validate(HARBOUR).rule_for("Other.csv") is None


def test_patterns_are_compared_in_the_case_in_which_they_are_written() -> None:
    assert ImportConfig.model_validate(HARBOUR).rule_for("hxvessels.csv") is None


def test_the_patterns_of_tables_are_asked_too() -> None:
    assert ImportConfig.model_validate(HARBOUR).patterns == ["berths_*.csv", "Hx*.csv"]


def test_prefix_and_suffix_are_cut_off_whatever_their_case() -> None:
    naming = TableNaming(strip_prefix="Export_", strip_suffix="_data")
    assert naming.table_for("Export_Customers_data.csv") == "customers"
    assert naming.table_for("EXPORT_Customers_DATA.CSV") == "customers"
    assert TableNaming(lowercase=False).table_for("Customers.v2.csv") == "Customers.v2"


def test_what_a_rule_leaves_out_the_project_says() -> None:
    config = {"reject_limit": 5, "delimiter": ";", **with_defaults(reject_limit=1)}
    assert plan(config, "a.csv").reject_limit.rows == 1
    assert plan(config, "a.csv").delimiter == ";"


@pytest.mark.parametrize(
    ("limit", "rejected", "read", "allowed"),
    [
        (0, 0, 10, True),
        (0, 1, 10, False),
        (3, 3, 3, True),
        ("3", 4, 100, False),
        ("1%", 1, 100, True),
        ("1%", 1, 99, False),
        ("0.5 %", 5, 1_000, True),
        ("100%", 7, 7, True),
        ("1%", 0, 0, True),
    ],
)
def test_a_reject_limit_is_a_number_of_rows_or_a_share_of_the_file(
    limit: int | str, rejected: int, read: int, allowed: bool
) -> None:
    assert plan(with_defaults(reject_limit=limit), "a.csv").reject_limit.allows(rejected, read) is allowed


def test_a_share_is_kept_exactly() -> None:
    assert plan(with_defaults(reject_limit="0.1%"), "a.csv").reject_limit.share == Fraction(1, 1_000)


def test_only_what_is_listed_means_null() -> None:
    assert plan(with_defaults(), "a.csv").null_values == frozenset()
    assert plan(with_defaults(null_values=["-", "NA"]), "a.csv").null_values == {"-", "NA"}


@pytest.mark.parametrize("words", ["legacy", ["legacy", "-"]])
def test_legacy_stands_for_the_words_of_the_original(words: Any) -> None:
    found = plan(with_defaults(null_values=words), "a.csv").null_values
    assert {"NA", "null", "None", "NaN", "#N/A"} <= found
    assert "legacy" not in found


def test_a_tab_is_written_as_a_word_or_as_itself() -> None:
    assert [plan(with_defaults(delimiter=one), "a.csv").delimiter for one in ("tab", "\t", "\\t")] == ["\t"] * 3


def test_null_stands_for_the_default_as_the_original_sends_it() -> None:
    sent = {**with_defaults(schema=None, datestyle=None), "tables": None, "table_naming": None}
    assert plan(sent, "a.csv") == plan(with_defaults(), "a.csv")


def test_what_is_stored_reads_as_the_same_again() -> None:
    config = ImportConfig.model_validate({**HARBOUR, "null_values": "legacy", "reject_limit": "1%"})
    assert ImportConfig.model_validate(config.model_dump(mode="json")) == config
    assert ImportConfig.model_validate(config.model_dump(mode="json", exclude_unset=True)) == config


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"delimiter": "||"}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"delimiter": ""}, "delimiter"),
        ({"encoding": "auto"}, "encoding"),
        ({"encoding": "hex"}, "encoding"),
        ({"encoding": "klingon"}, "encoding"),
        ({"encoding": "unicode_escape"}, "encoding"),
        ({"encoding": "a\0b"}, "encoding"),
        ({"skiprows": -1}, "skiprows"),
        ({"datestyle": "DMY; DROP TABLE x"}, "datestyle"),
        ({"reject_limit": -1}, "reject_limit"),
        ({"reject_limit": "101%"}, "reject_limit"),
        ({"reject_limit": "many"}, "reject_limit"),
        ({"reject_limit": True}, "reject_limit"),
        ({"duplicates": "all"}, "duplicates"),
        ({"expect_columns": ["a", "a"]}, "expect_columns"),
        ({"min_rows": -1}, "min_rows"),
        ({"file_pattern": "in/*.csv"}, "file_pattern"),
        ({"primary_key": []}, "primary_key"),
        ({"primary_key": ["id", "id"]}, "primary_key"),
        ({"primary_key": [""]}, "primary_key.0"),
        ({"schema": "ä" * 32}, "schema"),
        ({"schema": "a\0b"}, "schema"),
        ({"schema": "\ud800"}, "schema"),
        ({"null_values": "NA"}, "null_values"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_value_is_refused_under_its_own_name(values: dict[str, Any], field: str) -> None:
    assert set(refused(with_defaults(**values))) == {f"defaults.{field}"}


def test_a_key_and_a_table_are_required() -> None:
    assert set(refused({"defaults": {}, "tables": [{}]})) == {
        "defaults.primary_key",
        "tables.0.file_pattern",
        "tables.0.target_table",
        "tables.0.primary_key",
    }


def test_a_project_that_knows_no_file_is_refused() -> None:
    assert "defaults, tables, or both" in refused({"no_files": "ok"})[""]
