import pytest

from integrations.models import Connection

MARKER = "s3cr3t-marker"
SERVICE = {
    "name": "reports",
    "kind": "http",
    "address": "https://reports.example.com/",
    "headers": {"Authorization": f"Bearer {MARKER}"},
}
WAREHOUSE = {"name": "warehouse", "kind": "sql", "address": f"postgresql://reader:{MARKER}@db.example.com/shop"}


@pytest.mark.parametrize("body", [SERVICE, WAREHOUSE], ids=["http", "sql"])
def test_a_secret_goes_in_and_never_comes_out(admin, body):
    answer = admin.post("connections", body)
    assert answer.status_code == 201, answer.content
    address = f"connections/{answer.json()['id']}"
    refused = admin.post("connections", body)
    for said in (answer, admin.get(address), admin.get("connections"), refused, admin.put(address, {})):
        assert MARKER not in said.content.decode()
    assert refused.status_code == 409
    assert Connection.objects.get().secrets


def test_three_stars_keep_the_stored_secret(admin):
    address = f"connections/{admin.post('connections', SERVICE).json()['id']}"
    shown = admin.get(address).json()
    assert shown["headers"] == {"Authorization": "***"}
    assert admin.patch(address, {"headers": shown["headers"], "description": "new"}).status_code == 200
    assert Connection.objects.get().secrets == {"headers": SERVICE["headers"]}


def test_an_answer_may_be_sent_back_with_its_stars(admin):
    for body in (SERVICE, WAREHOUSE):
        shown = admin.post("connections", body).json()
        answer = admin.put(f"connections/{shown['id']}", shown)
        assert answer.status_code == 200, answer.content


def test_another_address_needs_the_secret_again(admin):
    address = f"connections/{admin.post('connections', SERVICE).json()['id']}"
    answer = admin.patch(address, {"address": "https://thief.example.net/"})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["headers"]
    assert Connection.objects.get().address == SERVICE["address"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"address": "http://169.254.169.254/"}, "address"),
        ({"kind": "ftp"}, "kind"),
        ({"password": "x"}, "password"),
        ({"colour": 1}, "colour"),
        ({"name": "a\x1bb"}, "name"),
        ({"headers": {"A": "***"}}, "headers"),
        ({"headers": {f"A{number}": "x" for number in range(51)}}, "headers"),
        ({"headers": []}, "headers"),
    ],
)
def test_a_bad_connection_is_refused_under_its_field(admin, sent, field):
    answer = admin.post("connections", {**SERVICE, **sent})
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert not Connection.objects.exists()


def test_a_failing_test_says_why_without_the_secret(admin):
    body = {**WAREHOUSE, "address": f"postgresql://reader:{MARKER}@127.0.0.1:1/shop"}
    address = f"connections/{admin.post('connections', body).json()['id']}"
    answer = admin.post(f"{address}/test")
    assert answer.status_code == 200
    assert answer.json()["ok"] is False
    assert answer.json()["sentence"]
    assert MARKER not in answer.content.decode()


def test_a_connection_is_deleted(admin):
    address = f"connections/{admin.post('connections', SERVICE).json()['id']}"
    assert admin.delete(address).status_code == 204
    assert admin.get(address).status_code == 404


def test_connections_need_their_own_rights(having):
    reader = having("integrations.view_connection")
    assert reader.get("connections").status_code == 200
    assert reader.post("connections", SERVICE).status_code == 403
