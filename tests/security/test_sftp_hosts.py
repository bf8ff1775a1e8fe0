"""An SFTP server that is not the one that was confirmed gets nothing: no password, no key, no name of a file."""

import pytest

from integrations import sftp
from integrations.kinds.base import Unusable
from integrations.models import Connection
from tests.sftp import PASSWORD, USER, Place, make_key


@pytest.fixture
def place(tmp_path):
    with Place(tmp_path / "remote") as server:
        yield server


OTHER = sftp.fingerprint(make_key()[1].asbytes())


def connected(place, **changed):
    connection = Connection(name="erp", kind="sftp", address="")
    fields = {**place.fields, **changed}
    password = f":{fields['password']}" if fields["password"] else ""
    key = f"?host_key={fields['host_key']}" if fields["host_key"] else ""
    connection.address = f"sftp://{USER}{password}@{place.host}:{place.port}/{key}"
    return connection


@pytest.mark.parametrize("host_key", [OTHER, ""], ids=["another", "none"])
def test_a_password_never_leaves_for_a_key_that_nobody_confirmed(place, db, host_key):
    connection = connected(place, host_key=host_key)
    connection.store(by="anna")
    with pytest.raises(Unusable) as failed:
        connection.test()
    assert place.connections > 0
    assert (place.passwords, place.keys) == ([], [])
    assert place.host_key in str(failed.value)
    assert host_key in str(failed.value)
    assert PASSWORD not in str(failed.value)


def test_a_private_key_is_not_even_offered(place, db):
    text, place.authorised = make_key()
    connection = connected(place, host_key=OTHER, password="")
    connection.offer({"private_key": text})
    connection.store(by="anna")
    with pytest.raises(Unusable, match="somebody may be listening"):
        connection.test()
    assert place.keys == []


def test_a_hostile_listing_ends(place, monkeypatch):
    monkeypatch.setattr(sftp, "MOST_ENTRIES", 10)
    place.names = [f"{number}.csv".encode() for number in range(11)]
    with sftp.session(sftp.Server(place.host, place.port, USER, PASSWORD, host_key=place.host_key)) as session:
        with pytest.raises(sftp.NotDone, match="more than 10 entries"):
            list(session.entries("/"))
        assert session.exists("/nothing") is False


def test_a_name_that_is_no_text_does_not_hide_the_others(place):
    (place.folder / "a.csv").write_text("")
    place.names = [b"caf\xe9.csv", b"../../etc/passwd"]
    with sftp.session(sftp.Server(place.host, place.port, USER, PASSWORD, host_key=place.host_key)) as session:
        assert sorted(one.name for one in session.entries("/")) == ["../../etc/passwd", "a.csv", "caf\udce9.csv"]
