from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations.models import AuditEntry
from jobtypes.models import System, Waiver

TODAY = timezone.now().date()


@pytest.fixture
def harbour(db):
    system = System(name="harbour", environment="edge")
    system.store(by="tester")
    return system


def load(tmp_path, text, name="waivers.yaml"):
    path = tmp_path / name
    path.write_text(text)
    out = StringIO()
    call_command("loadwaivers", str(path), stdout=out)
    return out.getvalue().strip()


def a_waiver(control_id="AC-2", expires="2027-06-30", **more):
    fields = {"control_id": control_id, "reason": "Accepted.", "expires": expires, **more}
    return "".join(f"    {name}: {value}\n" for name, value in fields.items()).replace("    ", "  - ", 1)


def test_waivers_are_loaded_and_counted(harbour, tmp_path):
    days = [TODAY + timedelta(days=one) for one in (-1, 0, 30, 31)]
    said = load(tmp_path, "waivers:\n" + "".join(a_waiver(f"ac-{n}", day) for n, day in enumerate(days)))
    assert said == (
        "4 created, 0 updated, 0 unchanged. Waivers: 4 in total, 3 active, 1 expired, 2 expiring in 30 days."
    )
    assert set(Waiver.objects.values_list("control_id", flat=True)) == {"AC-0", "AC-1", "AC-2", "AC-3"}


def test_loading_again_changes_what_is_of_the_same_control_and_systems(harbour, tmp_path):
    load(tmp_path, "waivers:\n" + a_waiver() + a_waiver(systems="[harbour]", approved_date="2026-01-01"))
    assert Waiver.objects.get(systems=harbour).approved_on == date(2026, 1, 1)
    before = AuditEntry.objects.count()
    assert load(tmp_path, "waivers:\n" + a_waiver()).startswith("0 created, 0 updated, 1 unchanged.")
    assert AuditEntry.objects.count() == before
    assert load(tmp_path, "waivers:\n" + a_waiver(expires="2028-01-01")).startswith("0 created, 1 updated")
    assert [one.expires.year for one in Waiver.objects.all()] == [2027, 2028]


def test_json_is_read_as_well(db, tmp_path):
    text = '{"waivers": [{"control_id": "AC-2", "reason": "x", "expires": "2027-06-30T23:30:00-02:00"}]}'
    load(tmp_path, text, "waivers.json")
    assert Waiver.objects.get().expires == date(2027, 7, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The file is empty"),
        ("waivers: {}", "no waivers"),
        ("waivers:\n  - [", "no YAML"),
        ("waivers:\n  - AC-2\n", "Write its fields"),
        ("waivers:\n" + a_waiver(system="harbour"), "no field 'system'"),
        ("waivers:\n" + a_waiver(systems="harbour"), "a list of texts"),
        ("waivers:\n" + a_waiver(systems="[quay]"), "There is no system quay"),
        ("waivers:\n" + a_waiver(expires="never"), "It needs expires"),
        ("waivers:\n" + a_waiver(reason=""), "It needs reason"),
        ("waivers:\n" + a_waiver() + a_waiver("ac-2"), "twice for the same systems"),
        ("waivers:\n" + a_waiver() + "    reason: Another.\n", "stand twice: reason"),
        ("waivers:\n" + a_waiver(approved_on="2028-01-01"), "before it was approved"),
        ("waivers: []\ncatalogs: []", "catalogs beside waivers"),
    ],
)
def test_a_file_that_is_wrong_changes_nothing(harbour, tmp_path, text, said):
    load(tmp_path, "waivers:\n" + a_waiver("zz-1"))
    before = AuditEntry.objects.count()
    good = a_waiver("ac-9") if text.startswith("waivers:\n") else ""
    with pytest.raises(CommandError, match=said) as refused:
        load(tmp_path, text.replace("waivers:\n", f"waivers:\n{good}"))
    assert "Nothing was changed." in str(refused.value)
    assert refused.value.returncode == 1
    assert AuditEntry.objects.count() == before
    assert Waiver.objects.get().control_id == "ZZ-1"


def test_a_file_that_is_not_there_is_refused(db, tmp_path):
    with pytest.raises(CommandError, match="There is no such file"):
        call_command("loadwaivers", str(tmp_path / "lost.yaml"))
