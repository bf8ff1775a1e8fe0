import pytest

from jobtypes.compliance.rates import BadMappings, coverage, percent, tally


def test_rates_carry_one_decimal():
    found = tally([("pass", False)] * 2 + [("insufficient_evidence", False)])
    assert (found.pass_rate, found.readiness) == (66.7, 66.7)


def test_readiness_counts_what_is_waived():
    found = tally([("pass", False), ("insufficient_evidence", True), ("unknown", False), ("fail", True)])
    assert (found.pass_rate, found.readiness, found.waived) == (25.0, 75.0, 2)


def test_a_waived_control_that_passes_counts_once_towards_readiness():
    found = tally([("pass", True), ("unknown", False)])
    assert (found.readiness, found.waived) == (50.0, 1)


def test_less_than_all_is_never_a_hundred_percent():
    assert percent(9_999, 10_000) == 99.9


def test_nothing_has_no_rate():
    assert tally([]).pass_rate is None


@pytest.mark.parametrize(
    ("results", "banner"),
    [
        ([("pass", False), ("fail", True), ("insufficient_evidence", False)], "ACTION REQUIRED"),
        ([("pass", False), ("insufficient_evidence", False), ("unknown", False)], "EVIDENCE NEEDED"),
        ([("insufficient_evidence", True), ("unknown", False)], "REVIEW NEEDED"),
        ([("insufficient_evidence", True), ("pass", False)], "COMPLIANT"),
        ([("pass", False)], "COMPLIANT"),
        ([], "NOT ASSESSED"),
    ],
)
def test_the_banner_says_the_worst(results, banner):
    assert tally(results).banner == banner


def test_tallies_add_up():
    one, other = tally([("pass", True)]), tally([("fail", False), ("insufficient_evidence", True)])
    assert (one + other) == tally([("pass", True), ("fail", False), ("insufficient_evidence", True)])


def test_coverage_names_what_is_covered_and_what_is_not():
    mappings = {"mappings": [{"evidence_kind": "scan", "control_ids": ["ra-5", "SI-2", "XX-9"]}]}
    assert coverage(mappings, ["RA-5", "si-2", "AC-2"], {"scan": [{}]}) == {
        "covered": 2,
        "total": 3,
        "percent": 66.7,
        "covered_ids": ["RA-5", "SI-2"],
        "uncovered_ids": ["AC-2"],
    }


def test_coverage_asks_for_the_metadata_of_the_mapping():
    mappings = {
        "mappings": [{"evidence_kind": "scan", "control_ids": ["RA-5"], "required_metadata": {"tool": "lynx"}}]
    }
    assert coverage(mappings, ["RA-5"], {"scan": [{"tool": "owl"}]})["covered"] == 0
    assert coverage(mappings, ["RA-5"], {"scan": [{"tool": "owl"}, {"tool": "lynx", "x": 1}]})["covered"] == 1


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"mappings": {}},
        {"mappings": ["scan"]},
        {"mappings": [{"control_ids": []}]},
        {"mappings": [{"evidence_kind": "scan", "control_ids": "RA-5"}]},
        {"mappings": [{"evidence_kind": "scan", "control_ids": [], "required_metadata": [1]}]},
    ],
)
def test_mappings_of_another_shape_are_refused(content):
    with pytest.raises(BadMappings):
        coverage(content, [], {})
