import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from integrations.models import AuditEntry
from jobtypes.models import Catalog, Control, ValidationResult
from tests.jobtypes.compliance.conftest import NOON
from tests.jobtypes.compliance.documents import SMALL, catalog, control, importing, profile, write

PUBLIC = Path(__file__).resolve().parents[4] / "shared" / "data" / "oscal"


def load(path, *options):
    out = StringIO()
    call_command("loadcatalog", str(path), *options, stdout=out)
    return out.getvalue().strip()


def rows():
    return list(Control.objects.order_by("pk").values()), list(Catalog.objects.values()), AuditEntry.objects.count()


def test_a_catalog_is_loaded_and_counted(db, tmp_path):
    said = load(write(tmp_path, small=SMALL))
    assert said == "small created: 3 base controls, 3 enhancements, 1 withdrawn."
    assert Control.objects.get(control_id="AC-2.1").parent == Control.objects.get(control_id="AC-2")
    counted = Catalog.objects.counted().get()
    assert (counted.base, counted.enhancements, counted.withdrawn) == (3, 3, 1)


def test_a_catalog_loaded_twice_makes_no_new_rows(db, tmp_path):
    path = write(tmp_path, small=SMALL)
    load(path)
    before = rows()
    assert load(path).startswith("small unchanged")
    assert rows() == before


def test_a_catalog_is_updated_in_place_and_keeps_what_results_name(make_system, tmp_path):
    load(write(tmp_path, small=SMALL))
    dropped = Control.objects.get(control_id="AC-3")
    ValidationResult.objects.create(run_id=1, system=make_system(), control=dropped, status="pass", validated_at=NOON)
    said = load(write(tmp_path, small=catalog(control("ac-2", title="Accounts"), control("ac-9"))))
    assert "kept for their results only" in said
    listed = Control.objects.of_catalogs(["small"])
    assert [(one.control_id, one.title) for one in listed] == [("AC-9", "Title of ac-9"), ("AC-2", "Accounts")]
    load(write(tmp_path, small=SMALL))
    assert Control.objects.get(control_id="AC-3") == dropped
    assert Control.objects.of_catalogs(["small"]).count() == 6


@pytest.mark.parametrize("end", [0, 1, 100, -1])
def test_a_truncated_file_changes_nothing(db, tmp_path, end):
    path = write(tmp_path, small=SMALL)
    load(path)
    before = rows()
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(CommandError, match=r"small\.json.*Nothing was changed") as refused:
        load(path)
    assert refused.value.returncode == 1
    assert rows() == before


def test_a_file_that_is_not_there_is_refused(db, tmp_path):
    with pytest.raises(CommandError, match="cannot be read: No such file") as refused:
        load(tmp_path / "lost.json")
    assert refused.value.returncode == 1


def test_a_key_is_spelled_with_either_hyphen(db, tmp_path):
    path = write(tmp_path, small=SMALL)
    load(path, "--key", "Own_Rules")
    load(path, "--key", "own-rules")
    assert Catalog.objects.get() == Catalog.objects.named("own_rules")
    assert Control.objects.of_catalogs(["OWN_rules"]).count() == 6
    assert Catalog.objects.missing(["OWN_RULES", "lost"]) == ["lost"]


def test_a_profile_takes_titles_from_a_loaded_catalog(db, tmp_path):
    path = write(tmp_path, small=SMALL, own=profile(importing("#lost", "ac-2", "zz-9")))
    load(path)
    assert [one.title for one in Control.objects.of_catalogs(["own"])] == ["", ""]
    load(tmp_path / "small.json")
    load(path)
    assert [one.title for one in Control.objects.of_catalogs(["own"])] == ["Title of ac-2", ""]


def test_a_profile_is_resolved_when_asked(db, tmp_path):
    path = write(tmp_path, small=SMALL, own=profile(importing("small.json", **{"include-all": {}})))
    assert load(path, "--resolve") == "own created: 3 base controls, 3 enhancements, 1 withdrawn."
    assert Catalog.objects.get(key="own").reading == "resolved"


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public NIST files do not lie beside the checkout")
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("nist-sp800-53b-low", "131 base controls, 18 enhancements, 0 withdrawn"),
        (
            "NIST_SP-800-53_rev5_LOW-baseline-resolved-profile_catalog-min",
            "131 base controls, 18 enhancements, 0 withdrawn",
        ),
        ("NIST_SP-800-53_rev5_catalog-min", "322 base controls, 867 enhancements, 182 withdrawn"),
    ],
)
def test_the_public_catalogs_are_read_whole(db, name, counts):
    assert counts in load(PUBLIC / f"{name}.json", "--key", "nist")
    listed = Control.objects.of_catalogs(["nist"])
    plain = Catalog.objects.get().reading == "plain"
    assert listed.enhanced("as_listed").count() == (149 if plain else listed.enhanced("exclude").count())


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public NIST files do not lie beside the checkout")
def test_the_public_profile_and_its_resolved_catalog_name_the_same_controls(db):
    load(PUBLIC / "nist-sp800-53b-low.json", "--key", "profile")
    load(PUBLIC / "NIST_SP-800-53_rev5_LOW-baseline-resolved-profile_catalog-min.json", "--key", "catalog")
    named = [
        set(Control.objects.of_catalogs([key]).values_list("control_id", flat=True)) for key in ("profile", "catalog")
    ]
    assert named[0] == named[1]
    assert len(named[0]) == 149


def test_a_whole_baseline_is_loaded_with_few_statements(db, tmp_path, django_assert_max_num_queries):
    many = catalog(*[control(f"ac-{n}", control(f"ac-{n}.1")) for n in range(400)])
    path = tmp_path / "many.json"
    path.write_text(json.dumps(many))
    with django_assert_max_num_queries(40):
        load(path)
