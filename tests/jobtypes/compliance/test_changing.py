import random
from datetime import UTC, datetime, timedelta

import pytest

from jobtypes.compliance.changing import Earlier, Now, fixed, regressed, to_close, to_decide, to_open
from jobtypes.compliance.decision import decide
from jobtypes.compliance.requirements import CONTROLS, FAMILIES, Requirements

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
GAP = Now("insufficient_evidence")


def test_a_control_that_passed_and_does_not_now_regressed():
    before = {"AC-2": "pass", "AC-3": "unknown"}
    assert regressed(before, {"AC-2": GAP, "AC-3": GAP, "AC-4": GAP}) == ["AC-2"]


def test_a_control_that_passes_again_is_fixed_and_a_new_one_is_not():
    before = {"AC-2": "insufficient_evidence", "AC-3": "pass"}
    assert fixed(before, {name: Now("pass") for name in ("AC-2", "AC-3", "AC-4")}) == ["AC-2"]


def test_a_regression_is_medium_and_a_failed_check_high():
    now = {"AC-2": GAP, "AC-3": Now("fail"), "AC-4": GAP}
    assert to_open({"AC-2": "pass"}, now, (), "regressions") == {"AC-2": "medium", "AC-3": "high"}


def test_all_that_does_not_pass_is_a_finding_where_that_is_asked():
    now = {"AC-2": GAP, "AC-3": Now("unknown"), "AC-4": Now("pass")}
    assert to_open({"AC-2": "pass"}, now, (), "all") == {"AC-2": "medium", "AC-3": "low"}


def test_no_finding_is_opened_twice_nor_for_what_is_waived():
    now = {"AC-2": GAP, "AC-3": Now("fail", waived=True)}
    assert to_open({"AC-2": "pass"}, now, {"AC-2"}, "regressions") == {}


def test_no_finding_is_opened_where_none_are_wanted():
    assert to_open({}, {"AC-2": Now("fail")}, (), "off") == {}


def test_a_later_pass_closes_a_finding():
    assert to_close({"AC-2": Now("pass"), "AC-3": GAP}, {"AC-2", "AC-3", "ZZ-9"}) == ["AC-2"]


@pytest.mark.parametrize(("days", "anew"), [(7, set()), (7.01, {"AC-2"})])
def test_a_result_is_carried_for_seven_days(days, anew):
    earlier = {"AC-2": Earlier("pass", NOW - timedelta(days=days))}
    assert to_decide(["AC-2"], earlier, (), Requirements(), now=NOW) == anew


def test_a_changed_type_leads_to_its_controls_and_to_those_that_wait_for_them():
    earlier = {name: Earlier("pass", NOW) for name in ("AC-2", "AC-3", "SC-8")}
    assert to_decide(earlier, earlier, {"iam-config"}, Requirements(), now=NOW) == {"AC-2", "AC-3"}


def test_carrying_on_gives_the_same_statuses_as_deciding_all_over_two_hundred_changes():
    chance = random.Random(7)
    types = sorted({one for table in (FAMILIES, CONTROLS) for needed in table.values() for one in needed.types})
    controls = [f"{family}-{number}" for family in [*FAMILIES, "ZZ"] for number in range(1, 15)]
    present: set[str] = set()
    known: dict[str, Earlier] = {}
    moment = NOW
    for _ in range(200):
        changed = set(chance.sample(types, chance.randrange(4)))
        present ^= changed
        moment += timedelta(hours=chance.randrange(1, 60))
        anew = to_decide(controls, known, changed, Requirements(), now=moment)
        carried = {name: one.status for name, one in known.items() if name not in anew}
        for answer in decide(anew, present, standing=carried):
            known[answer.control_id] = Earlier(answer.status, moment)
        whole = {answer.control_id: answer.status for answer in decide(controls, present)}
        assert {name: one.status for name, one in known.items()} == whole
