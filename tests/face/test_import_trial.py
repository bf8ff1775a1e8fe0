"""The page on which a file is tried before anything is stored."""

import gzip
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobruns.uploads import MOST_BYTES
from jobtypes.models import ImportFileResult
from tests.face.importing import a_project

VESSELS = b"""exported 2026-01-08
REC_ID|NAME|FLAG|LENGTH
1|Aurora|NA|82
2|"Pier ""7"" tug"||24
3|Borealis|NO
"""
CONFIG = {
    "defaults": {"file_pattern": "Hx*.csv", "primary_key": "REC_ID", "delimiter": "|", "skiprows": 1},
    "table_naming": {"strip_prefix": "Hx"},
}


@pytest.fixture
def trial(pages: Client) -> Any:
    """Return a function that tries a file and returns the page."""

    def go(content: bytes = VESSELS, name: str = "HxVessels.csv", **config: Any) -> str:
        sent = {"file": SimpleUploadedFile(name, content), "config": json.dumps({**CONFIG, **config})}
        response = pages.post("/imports/try", sent)
        assert response.status_code == 200
        return response.content.decode()

    return go


def test_it_shows_rows_nulls_and_what_is_refused(trial: Any) -> None:
    page = trial()
    assert "Of <b>3</b> rows <b>1</b> would be refused." in page
    assert "over the limit of 0" in page
    for text in ("Pier &quot;7&quot; tug", '<span class="null">NULL</span>', "3 of 4 cells", "line 5", "key"):
        assert text in page


def test_within_the_limit_it_names_the_table(trial: Any) -> None:
    assert "The others would go into <b>public.vessels</b>." in trial(reject_limit=1)


def test_it_shows_what_each_column_becomes(trial: Any) -> None:
    rule = {"file_pattern": "Hx*", "target_table": "ships", "primary_key": "number", "delimiter": "|", "skiprows": 1}
    page = trial(tables=[{**rule, "column_mapping": {"REC_ID": "number"}}])
    assert "as number" in page


def test_a_name_that_no_pattern_matches_is_told(trial: Any) -> None:
    assert "No pattern matches the name <b>other.csv</b>" in trial(name="other.csv")


def test_a_file_without_its_key_would_fail_with_the_reason(trial: Any) -> None:
    page = trial(b"one line\nNAME|FLAG\nAurora|LV\n")
    assert "It would fail as a whole" in page
    assert "the header lacks REC_ID of the primary key" in page


def test_what_is_wrong_in_the_configuration_is_said_under_it(trial: Any) -> None:
    page = trial(delimeter=";")
    assert "delimeter" in page
    assert "Of <b>" not in page


def test_of_a_large_file_only_the_beginning_is_looked_at(trial: Any) -> None:
    rows = b"".join(b'%d|"Aurora\nthe second"|NA|82\n' % number for number in range(60_000))
    page = trial(b"exported\nREC_ID|NAME|FLAG|LENGTH\n" + rows)
    assert len(rows) > MOST_BYTES
    assert "the first 1.0\xa0MB were looked at" in page
    assert "rows would go into <b>public.vessels</b>." in page


def test_a_packed_file_is_unpacked(trial: Any) -> None:
    named = {"defaults": {**CONFIG["defaults"], "file_pattern": "*.csv.gz"}}
    packed = gzip.compress(VESSELS)
    assert "Of <b>3</b> rows <b>1</b> would be refused." in trial(packed, "HxVessels.csv.gz", **named)
    assert "it ends too early" in trial(packed[:-20], "HxVessels.csv.gz", **named)
    assert "cannot be unpacked" in trial(VESSELS, "HxVessels.csv.gz", **named)


def test_of_a_packed_file_no_more_is_unpacked_than_is_looked_at(trial: Any) -> None:
    bomb = gzip.compress(VESSELS[:42] + b"1|Aurora|NA|82\n" * 4_000_000)
    named = {"defaults": {**CONFIG["defaults"], "file_pattern": "*.csv.gz"}}
    assert "were looked at" in trial(bomb, "HxVessels.csv.gz", **named)


def test_nothing_of_it_is_stored(trial: Any) -> None:
    trial()
    assert not ImportFileResult.objects.exists()


def test_the_form_of_a_project_begins_with_its_configuration(pages: Client) -> None:
    project = a_project()
    page = pages.get(f"/imports/{project.pk}/try").content.decode()
    assert "berths_*.csv" in page
    assert pages.get("/imports/999999/try").status_code == 404


def test_a_form_of_another_site_is_refused(operator: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)
    sent = {"file": SimpleUploadedFile("HxVessels.csv", VESSELS), "config": json.dumps(CONFIG)}
    assert strict.post("/imports/try", sent).status_code == 403


def test_without_a_file_the_form_asks_for_one(pages: Client) -> None:
    page = pages.post("/imports/try", {"config": json.dumps(CONFIG)}).content.decode()
    assert "This field is required." in page
