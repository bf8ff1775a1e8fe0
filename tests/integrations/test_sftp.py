"""Connections of kind sftp: what is stored of them, and that nothing is sent to a server that is not the one."""

import socket

import paramiko
import pytest
from django.core.exceptions import ValidationError

from integrations import sftp
from integrations.kinds.base import Unusable
from integrations.models import Connection
from tests.sftp import PASSWORD, Place, make_key

pytestmark = pytest.mark.django_db
KEY = "SHA256:" + "a" * 43
MARKER = "m4rker!pass"


@pytest.fixture
def place(tmp_path):
    with Place(tmp_path / "remote") as server:
        yield server


def stored(address, **offered):
    connection = Connection(name="erp-sftp", kind="sftp", address=address)
    connection.offer(offered or None)
    connection.store(by="anna")
    return Connection.objects.get()


def edited(connection, address, **offered):
    connection.address = address
    connection.offer(offered or None)
    connection.store(by="bert")
    return Connection.objects.get()


def test_a_password_moves_out_of_the_address():
    connection = stored(f"sftp://erp:{MARKER}@Files.example.test/out?host_key={KEY}")
    assert connection.address == f"sftp://erp:***@files.example.test:22/out?host_key={KEY}"
    server = connection.sftp_server()
    assert server == sftp.Server("files.example.test", 22, "erp", MARKER, "", KEY, "/out")
    assert MARKER not in repr(server) + str(connection.masked) + str(connection.recorded())


def test_a_private_key_is_a_secret_too():
    text, _ = make_key()
    connection = stored("sftp://erp@files.example.test", private_key=text)
    assert connection.masked == {"private_key": "***"}
    assert connection.sftp_server().private_key == text.strip()
    assert "PRIVATE" not in repr(Connection.objects.values().get())
    assert connection.scrub(f"said {text.strip()}") == "said ***"


@pytest.mark.parametrize("path", ["/a b/ü", "/100%", "/what?", "/a#b", "/a@b:c", "/${FOLDER}/in"])
def test_a_path_survives_whatever_it_holds(path, monkeypatch):
    monkeypatch.setenv("FOLDER", "x")
    address = Connection(kind="sftp", address=stored("sftp://erp@files.example.test").address).parts
    from integrations.kinds.sftp import composed, shown

    again = composed({**address, "remote_path": path})
    assert shown(again)["remote_path"] == path
    assert stored_path(again) == path.replace("${FOLDER}", "x")


def stored_path(address):
    Connection.objects.all().delete()
    return stored(address).sftp_server().folder


@pytest.mark.parametrize(
    "address",
    [
        "sftp://erp:***@evil.example.test:22/out",
        "sftp://erp:***@files.example.test:2222/out",
        "sftp://root:***@files.example.test:22/out",
    ],
)
def test_another_server_or_user_needs_the_secrets_again(address):
    connection = stored(f"sftp://erp:{MARKER}@files.example.test/out")
    with pytest.raises(ValidationError, match="must be written again"):
        edited(connection, address)
    assert edited(connection, address.replace("***", "fresh")).sftp_server().password == "fresh"
    connection = edited(connection, "sftp://erp@files.example.test/out", private_key="k")
    with pytest.raises(ValidationError, match="must be written again"):
        edited(connection, address.replace(":***", ""))


def test_another_path_and_a_confirmed_key_keep_the_secrets():
    connection = stored(f"sftp://erp:{MARKER}@files.example.test/out", private_key="k")
    connection = edited(connection, f"sftp://erp:***@files.example.test/in?host_key={KEY}")
    server = connection.sftp_server()
    assert (server.password, server.private_key, server.host_key, server.folder) == (MARKER, "k", KEY, "/in")


def test_references_are_read_when_it_is_used(monkeypatch):
    connection = stored("sftp://erp:${ERP_PASSWORD}@files.example.test/", private_key="${ERP_KEY}")
    monkeypatch.setenv("ERP_PASSWORD", "later")
    with pytest.raises(Unusable, match="ERP_KEY"):
        connection.sftp_server()
    monkeypatch.setenv("ERP_KEY", "key")
    assert (connection.sftp_server().password, connection.sftp_server().private_key) == ("later", "key")
    whole = edited(connection, "${ERP_SFTP}", private_key="")
    monkeypatch.setenv("ERP_SFTP", f"sftp://erp:p%40ss@files.example.test:23/x?host_key={KEY}")
    server = whole.sftp_server()
    assert (server.password, server.port, server.host_key) == ("p@ss", 23, KEY)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://erp@files.example.test", "sftp://files.example.test", "sftp://erp@", "sftp://erp@h:0/", "sftp://erp@h:65536",
        "sftp://erp@2130706433/", "sftp://erp@0x7f.1/", "sftp://erp@h/?x=1", "sftp://erp@h/?host_key=MD5:00",
        "sftp://erp@h/?host_key=SHA256:short", "sftp://erp:${SECRET_KEY}@h/", "sftp://erp@h/a%0Ab", "sftp://e%00p@h/",
        "sftp://erp:***@h/", "sftp://@h/", "${SECRET_KEY}", "sftp://erp:a@b@h/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValidationError):
        stored(address)
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"256 {KEY} files.example.test (ED25519)",
        f"{KEY}=",
        KEY.partition(":")[2],
    ],
)
def test_a_fingerprint_is_taken_as_ssh_keygen_shows_it(text):
    from integrations.kinds.sftp import composed

    assert composed({"host": "h", "username": "u", "host_key": text}).endswith(f"?host_key={KEY}")


def test_a_line_of_known_hosts_is_turned_into_its_fingerprint(place):
    from integrations.kinds.sftp import composed

    line = f"[127.0.0.1]:{place.port} ssh-ed25519 {place.host_keys[0].get_base64()} erp"
    assert composed({"host": "h", "username": "u", "host_key": line}).endswith(f"?host_key={place.host_key}")


def test_trying_it_counts_the_files(place):
    (place.folder / "a.csv").write_text("")
    (place.folder / "b.csv").write_text("")
    (place.folder / "archive").mkdir()
    report = stored(place.address).test()
    assert report.facts == {"file_count": 2, "host_key": place.host_key}
    assert report.sentence.endswith("/ holds 2 files.")


def test_trying_it_signs_in_with_a_key_and_its_passphrase(place):
    text, place.authorised = make_key("open sesame")
    address = place.address.replace(f":{PASSWORD}@", "@")
    assert stored(address, private_key=text, password="open sesame").test().facts["file_count"] == 0
    assert place.passwords == []


@pytest.mark.parametrize(
    ("passphrase", "says"), [("", "write its passphrase"), ("wrong", "cannot be read")], ids=["none", "wrong"]
)
def test_a_key_that_cannot_be_opened_says_so(place, passphrase, says):
    text, place.authorised = make_key("open sesame")
    with pytest.raises(Unusable, match=says) as failed:
        stored(place.address.replace(f":{PASSWORD}@", "@"), private_key=text, password=passphrase).test()
    assert "PRIVATE" not in str(failed.value)


def test_a_key_of_another_type_than_the_first_may_be_confirmed(tmp_path):
    keys = [make_key()[1], paramiko.ECDSAKey.generate(), paramiko.RSAKey.generate(2048)]
    with Place(tmp_path / "remote", host_keys=keys) as place:
        for key in keys:
            confirmed = sftp.fingerprint(key.asbytes())
            with sftp.session(sftp.Server(place.host, place.port, "erp", PASSWORD, host_key=confirmed)) as session:
                assert list(session.entries("/")) == []


def test_while_no_key_is_confirmed_the_test_shows_it_and_sends_nothing(place):
    with pytest.raises(Unusable, match="nobody has confirmed") as failed:
        stored(place.address.partition("?")[0]).test()
    assert place.host_key in str(failed.value)
    assert failed.value.facts == {"host_key": place.host_key}
    assert place.passwords == []


def test_a_wrong_password_is_unusable_and_does_not_show(place):
    with pytest.raises(Unusable, match="does not take the password of erp") as failed:
        stored(place.address.replace(PASSWORD, MARKER)).test()
    assert MARKER not in str(failed.value)


def test_a_missing_folder_is_unusable(place):
    with pytest.raises(Unusable, match="did not list /nowhere"):
        stored(place.address.replace("/?", "/nowhere?")).test()


def test_a_server_that_is_away_is_unusable():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unusable, match="cannot be reached"):
        stored(f"sftp://erp:x@127.0.0.1:{port}/?host_key={KEY}").test()


def test_a_server_that_speaks_something_else_is_unusable(site):
    with pytest.raises(Unusable, match="does not speak SSH"):
        stored(f"sftp://erp:x@{site.url.partition('://')[2]}/?host_key={KEY}").test()


def test_without_the_extra_it_says_what_to_install(place, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "paramiko", None)
    with pytest.raises(Unusable, match=r"the extra \[sftp\]"):
        stored(place.address).test()
