import json

import pytest

from jobtypes.compliance import oscal, profiles
from jobtypes.compliance.catalogs import read_file
from jobtypes.compliance.oscal import Unreadable
from tests.jobtypes.compliance.documents import SMALL, catalog, control, importing, profile, write


def raw(document):
    return json.dumps(document).encode()


def ids(read):
    return [one.control_id for one in read.controls]


def resolved(path):
    return profiles.resolve(path, read_file)


def test_controls_are_read_from_the_root_from_groups_and_from_controls():
    found = oscal.read(raw(SMALL))
    assert [(one.control_id, one.depth, one.parent) for one in found.controls] == [
        ("AC-2", 0, ""),
        ("AC-2.1", 1, "AC-2"),
        ("AC-2.2", 1, "AC-2"),
        ("AC-2.2.1", 2, "AC-2.2"),
        ("AC-3", 0, ""),
        ("ZZ-1", 0, ""),
    ]
    assert found.counts == {"base": 3, "enhancements": 3, "withdrawn": 1}


def test_a_control_is_withdrawn_by_its_status():
    assert [one.control_id for one in oscal.read(raw(SMALL)).controls if one.withdrawn] == ["AC-2.2"]


def test_the_label_is_the_one_without_class():
    (found,) = oscal.read(raw(catalog(control("ac-2.1", label="AC-2(1)")))).controls
    assert found.label == "AC-2(1)"


def test_the_text_is_the_statement_line_by_line():
    assert oscal.read(raw(catalog(control("ac-1")))).controls[0].text == "Do this:\n  properly."


def test_the_baseline_and_the_framework_are_read_from_the_title():
    found = oscal.read(raw(catalog(control("ac-1"), title="NIST SP 800-53 MODERATE IMPACT BASELINE")))
    assert (found.framework, found.baseline, found.version) == ("NIST SP 800-53", "MODERATE", "3.1")


def test_a_profile_has_its_ids_as_listed_each_once_at_depth_0():
    document = profile(importing("#a", "ac-2", "AC-2.1", "ac-2"), importing("b.json", "zz-9", "ac-2.1"))
    found = oscal.read(raw(document))
    assert [(one.control_id, one.depth) for one in found.controls] == [("AC-2", 0), ("AC-2.1", 0), ("ZZ-9", 0)]
    assert found.reading == "plain"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ('{"catalog": {"controls": [', "no JSON"),
        ("[]", "no OSCAL"),
        ('{"component-definition": {}}', "no OSCAL"),
        ('{"catalog": {}, "profile": {}}', "no OSCAL"),
        ('{"catalog": {}}', "no control"),
        ('{"profile": {"imports": []}}', "no control"),
        ('{"catalog": {"controls": {}}}', "no list"),
        ('{"catalog": {"controls": [1]}}', "no object"),
        ('{"catalog": {"controls": [{"title": "x"}]}}', "no id"),
        ('{"catalog": {"controls": [{"id": "a b"}]}}', "blanks"),
        ('{"catalog": {"controls": [{"id": "a"}, {"id": "A"}]}}', "twice"),
        ('{"catalog": {"controls": [{"id": "a", "title": 1}]}}', "no text"),
        ('{"catalog": {"controls": [{"id": "a", "title": "\\u0000"}]}}', "NUL"),
        ('{"profile": {"imports": [{"include-controls": [{"with-ids": "ac-1"}]}]}}', "no list"),
        ('{"catalog": ' + '{"groups": [' * 60 + "]}" * 60 + "}", "deep"),
        ("[" * 100_000, "nested"),
    ],
)
def test_what_is_no_catalog_is_refused_with_a_sentence(text, said):
    with pytest.raises(Unreadable, match=said):
        oscal.read(text.encode())


def test_every_beginning_of_a_catalog_is_refused():
    whole = raw(SMALL)
    for end in range(len(whole) - 1):
        with pytest.raises(Unreadable):
            oscal.read(whole[:end])


def test_a_profile_takes_all_where_it_says_so_or_says_nothing(tmp_path):
    for more in ({"include-all": {}}, {}):
        path = write(tmp_path, small=SMALL, own=profile(importing("small.json", **more)))
        assert len(ids(resolved(path))) == 6


def test_children_come_along_where_they_are_asked_for(tmp_path):
    for asked, found in (("yes", ["AC-2", "AC-2.1", "AC-2.2", "AC-2.2.1"]), ("no", ["AC-2"])):
        chosen = [{"with-ids": ["ac-2"], "with-child-controls": asked}]
        own = profile(importing("small.json", **{"include-controls": chosen}))
        assert ids(resolved(write(tmp_path, small=SMALL, own=own))) == found


def test_patterns_choose_controls(tmp_path):
    chosen = [{"matching": [{"pattern": "ac-2.?"}, {"pattern": "zz-*"}]}]
    own = profile(importing("small.json", **{"include-controls": chosen}))
    assert ids(resolved(write(tmp_path, small=SMALL, own=own))) == ["AC-2.1", "AC-2.2", "ZZ-1"]


def test_excluded_controls_are_left_out(tmp_path):
    dropped = [{"with-ids": ["ac-2"], "with-child-controls": "yes"}]
    own = profile(importing("small.json", **{"include-all": {}, "exclude-controls": dropped}))
    assert ids(resolved(write(tmp_path, small=SMALL, own=own))) == ["AC-3", "ZZ-1"]


def test_a_profile_of_profiles_chooses_of_what_was_chosen(tmp_path):
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper", small=SMALL, inner=profile(importing("small.json", "ac-2", "ac-3")))
    path = write(tmp_path, own=profile(importing("deeper/inner.json", **{"include-all": {}})))
    found = resolved(path)
    assert ids(found) == ["AC-2", "AC-3"]
    assert found.controls[0].title == "Title of ac-2"


def test_all_that_a_profile_chose_is_at_depth_0(tmp_path):
    found = resolved(write(tmp_path, small=SMALL, own=profile(importing("small.json", "ac-2", "ac-2.1", "ac-2.2.1"))))
    assert [(one.depth, one.parent) for one in found.controls] == [(0, ""), (0, "AC-2"), (0, "")]


def test_the_back_matter_leads_to_a_json_file(tmp_path):
    links = [{"href": "small.xml", "media-type": "text/xml"}, {"href": "sm%61ll.json"}]
    own = profile(importing("#u-1", "ac-3"), resources=[{"uuid": "u-1", "rlinks": links}])
    assert ids(resolved(write(tmp_path, small=SMALL, own=own))) == ["AC-3"]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (profile(importing("own.json", "ac-2")), "imports itself"),
        (profile(importing("other.json", "ac-2")), "imports itself: own.json → other.json → own.json"),
        (profile(importing("lost.json", "ac-2")), r"lost\.json cannot be read"),
        (profile(importing("#lost", "ac-2")), "does not lead to"),
        (profile(importing("https://example.com/c.json", "ac-2")), "no local file"),
        (profile(importing("file:///etc/passwd", "ac-2")), "no local file"),
        (profile(importing("//example.com/c.json", "ac-2")), "no local file"),
        (profile(importing(".", "ac-2")), "is no file"),
        (profile({"include-all": {}}), "has no href"),
        (profile(importing("small.json", "ac-99")), "has no control AC-99"),
        (profile(importing("small.json", "ac-2", **{"exclude-controls": [{"with-ids": ["ac-7"]}]})), "AC-7"),
        (profile(importing("small.json", "ac-2", **{"include-all": {}})), "one of them"),
    ],
)
def test_a_profile_with_a_hole_is_refused(tmp_path, own, said):
    path = write(tmp_path, small=SMALL, other=profile(importing("own.json", "ac-2")), own=own)
    with pytest.raises(Unreadable, match=said):
        resolved(path)


def test_a_profile_that_imports_ever_more_is_given_up(tmp_path):
    doubling = {f"p{n}": profile(*[importing(f"p{n + 1}.json", "ac-2")] * 3) for n in range(15)}
    write(tmp_path, p15=SMALL, **doubling)
    with pytest.raises(Unreadable, match="more than 100 documents"):
        resolved(tmp_path / "p0.json")
