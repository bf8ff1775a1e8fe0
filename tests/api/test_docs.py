import os

import pytest
from django.core.management import call_command
from django.test import Client

PUBLIC = {"/api/v1/schema", "/api/v1/docs"}


@pytest.fixture
def document(admin):
    return admin.get("schema").json()


def test_the_document_is_complete_and_valid(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def test_every_operation_says_what_it_does_and_how_it_fails(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            if path in PUBLIC:
                continue
            assert operation["summary"], where
            refused = operation["responses"]["403"]["content"]
            assert set(refused) == {"application/problem+json"}, where


def test_the_document_names_every_address_of_the_contract(document):
    paths = {path.removeprefix("/api/v1/") for path in document["paths"]}
    wanted = """schedules schedules/preview runs runs/running runs/stats executions executions/running
        executions/stats job-types connections tokens calendars templates channels deliveries notice-rules tag-limits
        systems evidence catalogs waivers control-requirements simulation schedules/bulk/create
        schedules/bulk/operation"""
    assert set(wanted.split()) <= paths
    verbs = {path.rpartition("/")[2] for path in paths}
    wanted = (
        "pause disable resume enable trigger run runs executions history occurrences cancel retry logs test backfill"
    )
    assert set(wanted.split()) <= verbs


def test_a_stranger_is_led_to_the_login(db):
    answer = Client().get("/api/v1/docs")
    assert (answer.status_code, answer["Location"]) == (302, "/login?next=/api/v1/docs")


@pytest.mark.django_db(transaction=True)
def test_the_documentation_works_in_a_browser_under_the_strict_policy(browser, live_server, admin):
    client = Client()
    client.force_login(admin.user)
    context = browser.new_context(
        viewport={"width": 1440, "height": 16_000}
    )  # of so many, only those in view are drawn
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    answer = page.goto(f"{live_server.url}/api/v1/docs")
    assert "'unsafe" not in answer.headers["content-security-policy"]
    operation = page.locator("#operations-job-types-job_types_list")
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    operation.locator(".live-responses-table").get_by_text("params_schema").first.wait_for()
    if folder := os.environ.get("CARILLON_PICTURES"):
        page.screenshot(path=f"{folder}/api-docs.png")
    context.close()
    assert said == []
