"""Project files of the program before Carillon."""

from __future__ import annotations

from typing import Any

import pytest

from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.original import translate
from jobtypes.foreign import ForeignFile, Untranslatable

FILE: dict[str, Any] = {
    "project": "harbour",
    "connection": {"env_var": "HARBOUR_DATABASE_URL"},
    "defaults": {"file_pattern": "*.csv", "primary_key": "ID", "delimiter": "|", "encoding": "latin-1"},
    "table_naming": {"strip_prefix": "Exp"},
    "sftp": {"host": "sftp.example.com", "port": 2222, "username": "export", "password": "hunter2"},
    "tables": [{"file_pattern": "o*.csv", "target_table": "orders", "primary_key": ["a", "b"]}],
}


def sections(**changes: Any) -> dict[str, Any]:
    found = translate(ForeignFile("harbour", {**FILE, **changes}))
    assert found is not None
    return found.sections


def faults(**changes: Any) -> set[tuple[str | int, ...]]:
    with pytest.raises(Untranslatable) as wrong:
        translate(ForeignFile("harbour", {**FILE, **changes}))
    return {fault.path for fault in wrong.value.faults}


def test_a_file_without_a_project_is_of_another_kind() -> None:
    assert translate(ForeignFile("x", {"schedules": []})) is None


def test_a_project_refers_to_connections_that_are_named_after_it() -> None:
    (project,) = sections()["import_projects"]
    assert (project["name"], project["connection"], project["source"]) == ("harbour", "harbour", "harbour-sftp")


def test_the_targets_address_stays_in_the_environment() -> None:
    assert sections()["connections"]["harbour"] == {"kind": "sql", "address": "${HARBOUR_DATABASE_URL}"}


def test_the_inline_block_becomes_a_connection_with_its_password_as_a_field() -> None:
    assert sections()["connections"]["harbour-sftp"] == {
        "kind": "sftp",
        "host": "sftp.example.com",
        "port": 2222,
        "username": "export",
        "password": "hunter2",
    }


def test_a_project_without_the_block_has_no_source() -> None:
    found = sections(sftp=None)
    assert list(found["connections"]) == ["harbour"]
    assert "source" not in found["import_projects"][0]


def test_its_configuration_is_one_of_carillons() -> None:
    (project,) = sections(refresh_materialized_views=True)["import_projects"]
    own = {key: value for key, value in project.items() if key not in {"name", "connection", "source"}}
    plan = ImportConfig.model_validate(own).rule_for("ExpKonto.csv")
    assert plan is not None
    assert (plan.table, plan.delimiter, plan.encoding) == ("konto", "|", "latin-1")


def test_a_connection_may_be_one_that_there_is() -> None:
    found = sections(connection="warehouse")
    assert found["import_projects"][0]["connection"] == "warehouse"
    assert "harbour" not in found["connections"]


def test_a_place_within_the_project_leads_to_its_place_in_the_file() -> None:
    found = translate(ForeignFile("harbour", FILE))
    assert found is not None
    assert found.origins["import_projects", 0] == ()
    assert found.origins["connections", "harbour-sftp"] == ("sftp",)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"project": ""}, ("project",)),
        ({"project": 7}, ("project",)),
        ({"connection": None}, ("connection",)),
        ({"connection": {"env_var": "a b"}}, ("connection",)),
        ({"connection": {"env_var": "X", "url": "y"}}, ("connection", "url")),
        ({"sftp": "sftp.example.com"}, ("sftp",)),
        ({"sftp": {"host": "a"}}, ("sftp",)),
        ({"sftp": {**FILE["sftp"], "hots": 1}}, ("sftp", "hots")),
        ({"hooks": {}}, ("hooks",)),
        ({"nonsense": 1}, ("nonsense",)),
    ],
)
def test_what_is_not_understood_is_named(changes: dict[str, Any], path: tuple[str, ...]) -> None:
    assert faults(**changes) == {path}
