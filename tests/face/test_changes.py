"""The page of changes: what it says, how it narrows, and its files."""

import csv
import json
from io import StringIO
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission

from integrations import audit
from integrations.models import AuditEntry, Connection
from integrations.trail_words import differences
from tests.face.conftest import schedule
from tests.face.test_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def nightly():
    one = schedule("nightly")
    with audit.acting("ada", source="api", reason="The partner moves"):
        one.pause(by="ada")
    one.priority = 9
    with audit.acting("bob", source="command"):
        one.store(by="bob")
    return one


def body(answer):
    return b"".join(answer.streaming_content).decode()


def test_each_change_is_a_sentence_with_a_link_and_a_reason(pages, nightly):
    text = text_of(pages.get("/changes"))
    assert f'<b>ada</b> paused schedule <a href="/schedules/{nightly.pk}">nightly</a>' in text
    assert '<p class="why">The partner moves</p>' in text
    assert "<dt>priority</dt><dd><del>5</del>" in text
    assert "<ins>9</ins>" in text


def test_an_object_that_is_gone_has_no_link(pages, nightly):
    pk = nightly.pk
    nightly.erase(by="ada")
    text = text_of(pages.get("/changes"))
    assert "<b>ada</b> deleted schedule <b>nightly</b> together with its history" in text
    assert f'"/schedules/{pk}"' not in text


@pytest.mark.parametrize(
    ("query", "acts"),
    [
        ("q=did:pause", ["pause"]),
        ("q=by:bob", ["update"]),
        ("way=api", ["pause"]),
        ("q=partner", ["pause"]),
        ("q=kind:schedule", ["update", "pause", "create"]),
        ("q=env:staging", []),
        ("span=day&q=nightly", ["update", "pause", "create"]),
        ("before={pause}", ["create"]),
        ("q=nonsense:x", []),
        ("q=id:x", []),
        ('q="open', []),
    ],
)
def test_filters_leave_what_is_asked_for(pages, nightly, query, acts):
    query = query.format(pause=AuditEntry.objects.get(act="pause").pk)
    rows = pages.get(f"/changes?{query}").context["rows"]
    assert [row.entry.act for row in rows] == acts


def test_older_changes_are_a_page_away(pages, nightly):
    for _ in range(30):
        nightly.resume(by="ada")
        nightly.pause(by="ada")
    first = pages.get("/changes")
    assert len(first.context["rows"]) == 50
    second = pages.get(f"/changes?before={first.context['older']}")
    assert len(second.context["rows"]) == 13
    assert second.context["older"] is None


def test_an_empty_trail_says_what_it_will_tell(pages):
    assert "Nothing was changed yet" in text_of(pages.get("/changes?span=all"))
    assert "No change fits these filters" in text_of(pages.get("/changes?span=all&q=x"))


def test_the_list_is_given_as_a_file(pages, nightly):
    answer = pages.get("/changes?format=csv&q=did:update")
    rows = list(csv.DictReader(StringIO(body(answer))))
    assert [(row["actor"], row["act"], row["after"]) for row in rows] == [("bob", "update", '{"priority": 9}')]
    assert "attachment" in answer.headers["Content-Disposition"]
    told = json.loads(body(pages.get("/changes?format=json")))
    assert [row["act"] for row in told] == ["update", "pause", "create"]
    assert json.loads(body(pages.get("/changes?format=json&q=nobody"))) == []


def test_a_cell_that_would_be_a_formula_is_plain_text(pages):
    with audit.acting("=HYPERLINK(1)", source="api", reason="@SUM(A1)"):
        schedule("calm").pause(by="")
    rows = list(csv.DictReader(StringIO(body(pages.get("/changes?format=csv&q=did:pause")))))
    assert (rows[0]["actor"], rows[0]["reason"]) == ("'=HYPERLINK(1)", "'@SUM(A1)")


def test_markup_is_shown_as_it_was_written(pages):
    with audit.acting("<script>1</script>", source="api", reason="<img src=x>"):
        schedule("calm", description="<b>bold</b>").pause(by="")
    text = text_of(pages.get("/changes"))
    assert "<script>1" not in text
    assert "<img src" not in text
    assert "&lt;b&gt;bold" in text


def test_who_may_not_see_the_trail_has_neither_page_nor_link(client, viewer):
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=["view_schedule", "view_jobrun"]))
    client.force_login(viewer)
    assert client.get("/changes").status_code == 403
    assert 'href="/changes"' not in text_of(client.get("/schedules"))


def test_a_secret_is_nowhere_on_the_page(pages):
    one = Connection(name="crm", kind="http", address="https://crm.example.com")
    one.offer({"headers": {"X-Key": "marker-of-a-secret"}})
    one.store(by="ada")
    for address in (
        "/changes",
        "/changes?format=json",
        f"/admin/integrations/auditentry/{AuditEntry.objects.get().pk}/change/",
    ):
        answer = pages.get(address)
        text = body(answer) if answer.streaming else answer.content.decode()
        assert "crm" in text
        assert "marker-of-a-secret" not in text


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"tags": ["a"]}, {"tags": ["a", "b"]}, [("tags", "a", "a, b")]),
        (
            {"params": {"url": "x", "method": "GET"}},
            {"params": {"url": "y", "method": "GET"}},
            [("params.url", "x", "y")],
        ),
        ({"enabled": True}, {"enabled": False}, [("enabled", "yes", "no")]),
        ({"password": "***"}, {"password": "***"}, [("password", "***", "***")]),
        ({}, {"max_runs": None}, [("max runs", None, "–")]),
    ],
)
def test_differences_are_told_field_by_field(before, after, said):
    found = [SimpleNamespace(name=one.name, before=one.before, after=one.after) for one in differences(before, after)]
    assert [(one.name, one.before, one.after) for one in found] == said
