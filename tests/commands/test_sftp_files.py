"""Connections of kind sftp and postgresql in files."""

import pytest

from integrations.models import Connection
from tests.commands.files import refused, sync, write
from tests.commands.test_exportschedules import exported
from tests.sftp import make_key

__all__ = ["write"]

pytestmark = pytest.mark.django_db
ERP = "connections: {erp: {kind: sftp, host: h.example.com, port: 2222, username: erp, remote_path: /out%s}}"


def test_a_server_is_declared_in_parts_and_the_second_time_nothing_changes(write, monkeypatch):
    text = ERP % ', password: "${ERP_PASSWORD}"'
    sync(write(text))
    assert "1 unchanged" in sync(write(text))
    monkeypatch.setenv("ERP_PASSWORD", "word")
    server = Connection.objects.get().sftp_server()
    assert (server.host, server.port, server.user, server.folder) == ("h.example.com", 2222, "erp", "/out")
    assert server.password == "word"


def test_a_kind_that_is_left_out_is_the_one_of_the_fields(write):
    text = (ERP % ", password: word").replace("kind: sftp, ", "")
    sync(write(text))
    assert "1 unchanged" in sync(write(text))
    assert Connection.objects.get().secrets == {"password": "word"}


def test_what_leaves_the_file_has_its_default_again(write):
    sync(write(ERP % (", password: marker-1, private_key: marker-2, host_key: 'SHA256:" + "k" * 43 + "'")))
    told = sync(write("connections: {erp: {kind: sftp, host: h.example.com, username: erp, password: marker-1}}"))
    assert "marker" not in told
    erp = Connection.objects.get()
    assert (erp.address, erp.secrets) == ("sftp://erp:***@h.example.com:22/", {"password": "marker-1"})


def test_a_private_key_may_lie_in_a_file_of_this_machine(write, tmp_path):
    text, _ = make_key()
    (tmp_path / "erp.key").write_text(text)
    told = sync(write(ERP % ", key_path: erp.key"))
    assert "PRIVATE" not in told
    assert Connection.objects.get().secrets == {"private_key": text.strip()}


def test_a_private_key_that_cannot_be_read_is_told(write):
    assert "key_path" in refused(write(ERP % ", key_path: nowhere.key"))
    assert not Connection.objects.exists()


def test_an_export_declares_the_same_again(write):
    sync(write(ERP % ', password: "${ERP_PASSWORD}", private_key: "${ERP_KEY}"'))
    declared = exported()["connections"]["erp"]
    assert declared == {
        "kind": "sftp",
        "address": "sftp://erp:${ERP_PASSWORD}@h.example.com:2222/out",
        "private_key": "${ERP_KEY}",
    }


def test_postgresql_is_another_word_for_sql(write):
    text = "connections: {w: {kind: postgresql, url: 'postgresql://a@h/w'}, v: {kind: postgresql, url: '${W_URL}'}}"
    sync(write(text))
    assert set(Connection.objects.values_list("kind", flat=True)) == {"sql"}
    assert "2 unchanged" in sync(write(text))
    assert "address" in refused(write("connections: {w: {kind: postgresql, url: 'mysql://a@h/w'}}"))
