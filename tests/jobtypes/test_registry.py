import json

import pytest
from django.core.checks import run_checks

from jobtypes import registry
from jobtypes.base import InvalidParams
from schedules.models import Schedule

NAMES = ["http_request", "sql_alert", "csv_import", "compliance", "command", "management_command", "noop"]


@pytest.fixture
def relisted(settings):
    """Change the JOB_TYPES setting for one test."""

    def change(*paths):
        settings.JOB_TYPES = list(paths)
        registry.job_types.cache_clear()

    yield change
    registry.job_types.cache_clear()


def test_the_shipped_job_types_are_listed():
    assert list(registry.job_types()) == NAMES


def test_an_unknown_job_type_is_refused_with_those_that_there_are():
    with pytest.raises(InvalidParams, match=f"Known: {', '.join(NAMES)}"):
        registry.validate("fax", {})


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_a_title_a_description_and_a_schema(name):
    schema = registry.job_type(name).Config.model_json_schema()
    json.dumps(schema)
    for field in schema["properties"].values():
        assert field["title"]
        assert field["description"].endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_every_job_type_has_a_sentence_for_its_card(name):
    kind = registry.job_type(name)
    assert kind.label
    assert kind.description.endswith(".")


def test_a_nested_mistake_is_named_with_dots():
    with pytest.raises(InvalidParams) as refused:
        registry.parse("http_request", {"url": "https://example.test", "headers": {"A": 5}})
    assert list(refused.value.errors) == ["headers.A"]


def test_a_missing_field_is_named():
    with pytest.raises(InvalidParams) as refused:
        registry.parse("sql_alert", {})
    assert refused.value.errors["query"] == ["This field is required."]


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        (["jobtypes.nowhere.Nothing"], "nowhere"),
        (["jobtypes.base.Outcome"], "no JobType"),
        (["jobtypes.noop.Noop", "jobtypes.noop.Noop"], "two job types are named 'noop'"),
        (["tests.jobtypes.renamed.Renamed", "jobtypes.noop.Noop"], "two job types are named 'noop'"),
    ],
)
def test_a_wrong_list_of_job_types_stops_the_start(relisted, paths, sentence):
    relisted(*paths)
    assert any(error.id == "jobtypes.E001" and sentence in error.msg for error in run_checks())


def test_a_malformed_allowlist_for_outgoing_calls_stops_the_start(settings):
    settings.OUTBOUND_ALLOWLIST = ["10.0.0.0/99"]
    assert any("OUTBOUND_ALLOWLIST: '10.0.0.0/99'" in error.msg for error in run_checks())


def test_an_alias_leads_to_its_job_type(relisted):
    relisted("tests.jobtypes.renamed.Renamed")
    assert registry.canonical("noop") == "renamed"
    assert registry.job_type("noop").name == "renamed"
    assert list(registry.job_types()) == ["renamed"]


@pytest.mark.django_db
def test_a_schedule_asked_for_by_an_alias_has_the_name_of_its_job_type_and_the_time_that_it_proposes(relisted):
    relisted("tests.jobtypes.renamed.Renamed")
    schedule = Schedule(name="nightly", job_type="noop")
    schedule.store(by="tester")
    assert (schedule.job_type, schedule.cron_expression) == ("renamed", "0 2 * * *")
