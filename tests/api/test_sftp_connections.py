"""Connections of kind sftp and postgresql over HTTP: fields as in files, secrets that never come out."""

import pytest

from integrations.models import Connection
from tests.sftp import PASSWORD, Place, make_key

FIELDS = {
    "name": "erp-sftp",
    "kind": "sftp",
    "host": "files.example.com",
    "username": "erp",
    "password": "s3cr3t-marker",
    "host_key": "SHA256:" + "k" * 43,
    "remote_path": "/out",
}
DATABASE = {
    "name": "warehouse",
    "kind": "postgresql",
    "address": "postgresql://loader:s3cr3t-marker@db.example.com/w",
}


@pytest.fixture
def place(tmp_path):
    with Place(tmp_path / "remote") as server:
        yield server


def made(admin, body):
    answer = admin.post("connections", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_the_fields_of_a_server_come_back_without_its_secrets(admin):
    text, _ = make_key()
    shown = made(admin, {**FIELDS, "private_key": text})
    parts = {"host": "files.example.com", "port": 22, "username": "erp", "remote_path": "/out"}
    assert shown.items() >= {**parts, "password": "***", "private_key": "***"}.items()
    assert shown["address"] == f"sftp://erp:***@files.example.com:22/out?host_key={FIELDS['host_key']}"
    for said in (admin.get(f"connections/{shown['id']}"), admin.get("connections"), admin.get("audit")):
        assert "s3cr3t-marker" not in said.content.decode()
        assert "PRIVATE KEY" not in said.content.decode()
    assert admin.put(f"connections/{shown['id']}", shown).status_code == 200
    assert Connection.objects.get().secrets == {"password": "s3cr3t-marker", "private_key": text.strip()}


def test_one_field_changes_alone(admin):
    address = f"connections/{made(admin, FIELDS)['id']}"
    assert admin.patch(address, {"port": 2222, "password": "fresh"}).json()["port"] == 2222
    assert admin.patch(address, {"host_key": ""}).json()["host_key"] == ""
    assert admin.patch(address, {"remote_path": "in"}).json()["remote_path"] == "/in"
    assert admin.patch(address, {"address": "sftp://erp:***@files.example.com:2222/x"}).json()["remote_path"] == "/x"
    assert Connection.objects.get().secrets == {"password": "fresh"}


@pytest.mark.parametrize("sent", [{"host": "evil.example.com"}, {"port": 2222}, {"username": "root"}])
def test_another_server_or_user_needs_the_password_again(admin, sent):
    address = f"connections/{made(admin, FIELDS)['id']}"
    answer = admin.patch(address, sent)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert admin.patch(address, {**sent, "password": "again"}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"host": None}, "host"), ({"host": ""}, "host"), ({"host": "0x7f.1"}, "host"), ({"host": "a b"}, "host"),
        ({"port": 0}, "port"), ({"port": 65_536}, "port"), ({"port": "x"}, "port"),
        ({"username": ""}, "username"), ({"username": "a\nb"}, "username"), ({"host_key": "MD5:00"}, "host_key"),
        ({"remote_path": "a\x1bb"}, "remote_path"), ({"private_key": "***"}, "private_key"),
        ({"private_key": "x" * 30_000}, "private_key"), ({"password": "***"}, "password"),
        ({"headers": {}}, "headers"), ({"key_path": "/root/.ssh/id_ed25519"}, "key_path"),
        ({"address": "sftp://erp@other.example.com/"}, "host"), ({"remote_path": "ü" * 1_000}, "remote_path"),
        ({"kind": "nats", "address": "nats://h"}, "host_key"), ({"password": "${SECRET_KEY}"}, "password"),
    ],
)  # fmt: skip
def test_a_bad_server_is_refused_under_its_field(admin, sent, field):
    answer = admin.post("connections", {**FIELDS, **sent})
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert not Connection.objects.exists()


@pytest.mark.parametrize("missing", ["host", "username"])
def test_a_server_needs_host_and_user_name(admin, missing):
    answer = admin.post("connections", {name: value for name, value in FIELDS.items() if name != missing})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [missing])


def test_a_test_counts_the_files(admin, place):
    (place.folder / "a.csv").write_text("")
    shown = made(admin, {"name": "erp", "kind": "sftp", **place.fields})
    told = admin.post(f"connections/{shown['id']}/test").json()
    assert (told["ok"], told["file_count"], told["host_key"]) == (True, 1, place.host_key)
    assert PASSWORD not in str(told)


def test_a_test_shows_the_key_that_a_person_may_confirm(admin, place):
    shown = made(admin, {"name": "erp", "kind": "sftp", **place.fields, "host_key": ""})
    told = admin.post(f"connections/{shown['id']}/test").json()
    assert (told["ok"], told["host_key"], place.passwords) == (False, place.host_key, [])
    assert admin.patch(f"connections/{shown['id']}", {"host_key": told["host_key"]}).status_code == 200
    assert admin.post(f"connections/{shown['id']}/test").json()["ok"] is True


def test_postgresql_is_another_word_for_sql(admin):
    shown = made(admin, DATABASE)
    assert shown["kind"] == "sql"
    assert admin.patch(f"connections/{shown['id']}", {"kind": "postgresql"}).json()["kind"] == "sql"
    made(admin, {"name": "x", "kind": "sql", "address": "mysql://r@db.example.com/x"})
    listed = admin.get("connections?kind=postgresql").json()["results"]
    assert [one["name"] for one in listed] == ["warehouse"]
    assert len(admin.get("connections?kind=sql").json()["results"]) == 2


@pytest.mark.parametrize(
    "address", ["mysql://r@db.example.com/x", "sqlite:///x.db", "", "nats://h", "postgresqlx://h/x"]
)
def test_postgresql_is_refused_for_what_is_none(admin, address):
    answer = admin.post("connections", {**DATABASE, "address": address})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["address"])


def test_who_sends_no_kind_means_the_one_of_the_fields(admin, place):
    body = {"name": "w", "database_url": "postgresql://loader:s3cr3t-marker@127.0.0.1:1/w", "description": None}
    shown = made(admin, {name: value for name, value in body.items() if value})
    assert (shown["kind"], shown["address"]) == ("sql", "postgresql://loader:***@127.0.0.1:1/w")
    assert made(admin, {"name": "erp", **place.fields})["kind"] == "sftp"
    answer = admin.post("connections", {"name": "x"})
    assert (answer.status_code, "kind" in answer.json()["errors"]) == (400, True)
