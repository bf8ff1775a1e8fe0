"""What the storm found once stays found: each of these ended in a 500."""

import pytest
from django.test import Client

from tests.security.addresses import every_address


@pytest.fixture
def pages(admin):
    client = Client(raise_request_exception=False)
    client.force_login(admin.user)
    return client


@pytest.mark.parametrize("path", ["/", "/nowhere", "/admin/schedules/taglimit/add/", "/login", "/api/v1/schedules"])
def test_a_form_in_another_encoding_is_refused_in_a_page(pages, path):
    answer = pages.post(path, b"a=1", content_type="application/x-www-form-urlencoded; charset=utf-7")
    assert answer.status_code == 400
    assert b"cannot be read" in answer.content or b"refused as it stands" in answer.content


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 40, "9" * 4_000, "٣", "²", "-1", "x"])
@pytest.mark.parametrize("path", ["/runs?before={}", "/schedules/act/pause?id={}", "/schedules?page={}"])
def test_a_row_that_no_database_can_number_is_not_found(pages, path, digits):
    assert pages.get(path.format(digits)).status_code in {200, 302}


@pytest.mark.parametrize(
    "asked",
    [
        "id__in=" + "9" * 40,
        "encrypted__startswith=g",
        "secret__contains=x",
        "created_at__year=99999",
        "name__regex=(",
    ],
)
@pytest.mark.parametrize("model", ["connection", "channel", "apitoken"])
def test_the_workshop_answers_no_lookup_but_those_of_its_filters(pages, model, asked):
    assert pages.get(f"/admin/integrations/{model}/?{asked}").status_code == 400


def test_the_workshop_answers_the_lookups_of_its_filters(pages):
    for asked in ("schedules/schedule/?calendar__id__exact=1", "integrations/channel/?kind__exact=email",
                  "schedules/schedule/?schedule_type__exact=cron", "auth/user/?is_active__exact=1"):  # fmt: skip
        assert pages.get(f"/admin/{asked}").status_code == 200


@pytest.mark.parametrize("model", ["schedule", "calendar", "template"])
@pytest.mark.parametrize("row", ["1", "_00", "%00", "9" * 40])
def test_a_post_to_a_history_is_no_crash(pages, make_schedule, make_calendar, model, row):
    made = {"schedule": make_schedule, "calendar": make_calendar}
    row = row.replace("1", str(made[model]().pk) if model in made else "9")
    known = model in made and row.isdecimal() and len(row) < 19
    assert pages.post(f"/admin/schedules/{model}/{row}/history/").status_code == (200 if known else 404)
    assert pages.get(f"/admin/schedules/{model}/{row}/change/?job_type=nonsense").status_code in {200, 302, 404}


def test_every_address_of_the_api_says_which_methods_it_has(admin):
    assert admin.send("OPTIONS", "schedules/1/callback-secret").status_code == 200
    assert admin.send("OPTIONS", "docs").status_code == 405


@pytest.mark.parametrize("model", ["auth/user", "auth/group", "integrations/apitoken", "schedules/taglimit"])
def test_every_form_of_the_workshop_opens(pages, model):
    assert pages.get(f"/admin/{model}/add/").status_code == 200


@pytest.mark.parametrize("chosen", ["x", "9" * 19, "9" * 40, "\0", "1 OR 1=1", "../1", "-" + "9" * 30])
@pytest.mark.parametrize(
    "model", ["auth/user", "schedules/schedule", "integrations/channel", "integrations/delivery"]
)
def test_ticking_what_is_no_row_is_refused(pages, model, chosen):
    ticked = {"action": "delete_selected", "_selected_action": ["1", chosen], "index": "0"}
    assert pages.post(f"/admin/{model}/", ticked).status_code == 400


@pytest.mark.parametrize("path", ["/nowhere", "/schedules/1/%00", "/login", "/admin/nowhere/"])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=" + "b" * 300, b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data"),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 3_000)),
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 3_000_000),
    ],
)
def test_a_form_that_cannot_be_read_breaks_no_error_page(admin, path, content_type, body):
    browser = Client(raise_request_exception=False, enforce_csrf_checks=True)
    browser.force_login(admin.user)
    assert browser.post(path, body, content_type=content_type).status_code in {400, 403, 404}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "PROPFIND", "OPTIONS"])
def test_the_page_of_the_document_is_only_read(admin, method):
    browser = Client(raise_request_exception=False, enforce_csrf_checks=True)
    browser.force_login(admin.user)
    answer = browser.generic(method, "/api/v1/docs", headers={"Accept": "text/html"}, secure=True)
    assert answer.status_code == 405


def test_every_address_says_what_it_takes(admin):
    browser = Client(raise_request_exception=False)
    browser.force_login(admin.user)
    asked = {one.at(1): browser.options(one.at(1), secure=True).status_code for one in every_address()}
    assert len(asked) > 300
    assert {place: status for place, status in asked.items() if status >= 500 and place != "/ready"} == {}


def test_the_page_of_the_document_has_one_form(admin):
    browser = Client(raise_request_exception=False, headers={"X-API-Key": ""})
    browser.force_login(admin.user)
    answer = browser.get("/api/v1/docs?format=59", secure=True)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_there_is_no_way_to_rows_of_any_table(pages):
    for kind in range(1, 40):
        assert pages.get(f"/admin/r/{kind}/9999999999999999999/").status_code == 404


@pytest.mark.parametrize(
    "path", ["/api/v1/alerts/%00/silence", "/api/v1/job-types/%00", "/schedules/%00", "/admin/%00/"]
)
def test_an_address_with_nul_leads_nowhere(admin, pages, path):
    for method in ("GET", "POST"):
        assert pages.generic(method, path).status_code == 404
        assert admin.send(method, path).status_code == 404


def test_an_empty_field_to_look_rows_up_by_is_none(pages):
    for verb in ("change", "delete"):
        assert pages.get(f"/admin/schedules/taglimit/1/{verb}/?_to_field=").status_code in {302, 404}


def test_words_that_are_no_address_lead_back_to_the_list(client, admin_user):
    client.force_login(admin_user)
    for word in ("UTC", "9007199254740993", "today"):
        answer = client.get(f"/schedules/act/run?next={word}")
        assert answer.status_code < 500


@pytest.mark.django_db
def test_an_alert_with_nul_in_its_place_is_not_there(admin):
    assert admin.post("alerts/4/silence?environment=US%00", {"for": "1h"}).status_code == 404
    assert admin.get("alerts/a%00b").status_code == 404


@pytest.mark.django_db
def test_the_page_of_the_document_refuses_a_bad_token_whatever_is_accepted(client):
    for accepted in ("", "text/html", "application/json"):
        answer = client.get("/api/v1/docs", headers={"Authorization": "Bearer no", "Accept": accepted})
        assert answer.status_code < 500
