import random

from jobtypes.compliance.aliases import stand_ins
from jobtypes.compliance.decision import Answer, Question, Validator, decide, ordered
from jobtypes.compliance.requirements import CONTROLS, FAMILIES, Requirement, Requirements

TYPES = sorted({one for table in (FAMILIES, CONTROLS) for needed in table.values() for one in needed.types})
HARBOUR = ["terraform-plan", "audit-log", "change-request"]


def reference(controls, present):
    """Rules 9 to 13 again, as plainly as they can be written: [(id, status, evidence keys)]."""
    ids = sorted({one.upper() for one in controls})
    if "AC-3" in ids and "AC-2" in ids:
        ids.remove("AC-3")
        ids.append("AC-3")
    answers = []
    statuses = {}
    for one in ids:
        if one == "AC-3" and statuses.get("AC-2") != "pass":
            status, keys = "insufficient_evidence", []
        else:
            needed = CONTROLS.get(one)
            if needed is None:
                needed = FAMILIES.get(one.split("-")[0])
            if needed is None:
                status, keys = "unknown", []
            elif set(needed.all) - present or (needed.any and not set(needed.any) & present):
                status, keys = "insufficient_evidence", []
            else:
                status = "pass"
                keys = [kind for kind in needed.all if kind in present]
                for kind in needed.any:
                    if kind in present and kind not in keys:
                        keys.append(kind)
        statuses[one] = status
        answers.append((one, status, keys))
    return answers


def statuses(controls, present, **more):
    return {one.control_id: one.status for one in decide(controls, present, **more)}


def test_a_thousand_random_evidence_sets_are_decided_as_the_reference_does():
    chance = random.Random(800_53)
    pool = [f"{family}-{number}" for family in [*FAMILIES, "ZZ"] for number in range(1, 30)]
    pool += ["AC2", "ac-2.1", "sc-7.3", "IA-2.1"]
    for _ in range(1_000):
        controls = chance.sample(pool, chance.randrange(1, 60))
        present = set(chance.sample(TYPES, chance.randrange(len(TYPES))))
        found = [(one.control_id, one.status, list(one.evidence_keys)) for one in decide(controls, present)]
        assert found == reference(controls, present)


def test_three_kinds_of_evidence_make_two_of_five_controls_pass():
    assert statuses(["AC-2", "AC-3", "CM-2", "CM-3", "SC-8"], HARBOUR) == {
        "AC-2": "pass",
        "CM-2": "pass",
        "CM-3": "insufficient_evidence",
        "SC-8": "insufficient_evidence",
        "AC-3": "insufficient_evidence",
    }


def test_a_missing_type_is_named_before_the_options():
    (answer,) = decide(["CM-2"], ["terraform-plan"])
    assert answer.message == "Missing: change-request."
    assert answer.remediation == "Collect change-request, and load it for this system."


def test_options_are_named_in_the_order_of_the_table():
    (answer,) = decide(["SC-8"], [])
    assert answer.message == "None of these is there: tls-config, certificate."


def test_a_pass_shows_what_was_asked_and_where_what_counted_lies():
    (answer,) = decide(["AC-2"], HARBOUR, locations={"audit-log": "s3://evidence/trail.json"})
    assert answer.evidence_keys == ("audit-log", "terraform-plan")
    assert answer.metadata == {
        "required_all": ["audit-log"],
        "required_any": ["terraform-plan", "iam-config"],
        "matched_all": ["audit-log"],
        "matched_any": ["terraform-plan"],
        "locations": {"audit-log": "s3://evidence/trail.json"},
        "advised_first": ["AC-1"],
    }


def test_a_control_asked_for_without_the_one_before_it_is_blocked():
    (answer,) = decide(["AC-3"], ["iam-policy"])
    assert answer.status == "insufficient_evidence"
    assert answer.message == "Blocked by AC-2 (it is not among the controls of this run)."


def test_a_blocked_control_passes_once_the_evidence_has_come():
    assert statuses(["AC-2", "AC-3"], ["iam-policy"])["AC-3"] == "insufficient_evidence"
    assert set(statuses(["AC-2", "AC-3"], ["iam-policy", "audit-log", "terraform-plan"]).values()) == {"pass"}


def test_advice_never_blocks():
    (answer,) = decide(["IA-2"], ["mfa-config"])
    assert answer.status == "pass"
    assert answer.metadata["advised_first"] == ["IA-1"]


def test_ids_are_read_in_any_case_and_each_once():
    assert ordered(["ac-3", "AC-2", "ac-2", "AC-10"]) == ["AC-10", "AC-2", "AC-3"]


def test_a_circle_comes_last_and_by_name():
    circle = {"A-2": ("A-1",), "A-1": ("A-2",), "C-1": ("B-1",)}
    assert ordered(["A-2", "C-1", "A-1", "B-1"], circle) == ["B-1", "C-1", "A-1", "A-2"]


def test_an_enhancement_follows_its_family_and_not_its_control():
    assert statuses(["SC-8.1"], ["terraform-plan"]) == {"SC-8.1": "pass"}


def test_what_no_table_knows_is_unknown():
    assert statuses(["AC2", "ZZ-1"], TYPES) == {"AC2": "unknown", "ZZ-1": "unknown"}


def test_a_stored_requirement_beats_the_tables():
    stored = Requirements(
        {"SC-8": Requirement(("letter",), (), "Write a letter.")}, {"CM": Requirement((), ("log",))}
    )
    answers = {one.control_id: one for one in decide(["SC-8", "CM-2"], ["log", "certificate"], requirements=stored)}
    assert answers["CM-2"].status == "pass"
    assert answers["SC-8"].message == "Missing: letter."
    assert answers["SC-8"].remediation == "Write a letter."


def test_an_alias_counts_and_is_named():
    sent = ["azure-activity-log", "terraform-plan"]
    (answer,) = decide(["AC-2"], sent, stand_ins=stand_ins(sent))
    assert answer.status == "pass"
    assert answer.metadata["aliases"] == {"audit-log": "azure-activity-log"}
    assert answer.message == "Shown by audit-log (as azure-activity-log), terraform-plan."


def test_a_type_that_is_there_itself_needs_no_alias():
    assert stand_ins(["azure-activity-log", "audit-log"]) == {}


def test_the_first_custom_validator_that_passes_decides():
    own = [
        Validator("sc-8", lambda question: Answer("pass", "Second."), 20),
        Validator("SC-8", lambda question: Answer("fail", "First."), 10),
        Validator("SC-8", lambda question: Answer("fail", "Third."), 30),
    ]
    (answer,) = decide(["SC-8"], [], validators=own)
    assert (answer.status, answer.message) == ("pass", "Second.")


def test_without_a_pass_the_last_custom_validator_decides_before_the_evidence():
    own = [
        Validator("SC-8", lambda question: Answer("insufficient_evidence", "First."), 10),
        Validator("SC-8", lambda question: Answer("fail", "Weak ciphers."), 20),
    ]
    assert decide(["SC-8"], ["certificate"], validators=own)[0].status == "fail"


def test_a_custom_validator_without_an_answer_leaves_it_to_the_evidence():
    assert statuses(["SC-8"], ["certificate"], validators=[Validator("SC-8", lambda question: None)]) == {
        "SC-8": "pass"
    }


def test_a_custom_validator_that_breaks_makes_its_control_unknown_and_no_other():
    def broken(question: Question):
        raise RuntimeError("disk on fire")

    own = [Validator("SC-8", broken, name="ours")]
    answers = {one.control_id: one for one in decide(["SC-8", "SC-7"], ["terraform-plan"], validators=own)}
    assert answers["SC-8"].status == "unknown"
    assert answers["SC-8"].message == "The validator ours broke: RuntimeError: disk on fire"
    assert answers["SC-7"].status == "pass"


def test_a_control_may_wait_for_one_that_is_not_decided_anew():
    assert statuses(["AC-3"], ["iam-policy"], standing={"ac-2": "pass"}) == {"AC-3": "pass"}
