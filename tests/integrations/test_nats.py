import pytest
from django.core.exceptions import ValidationError

from integrations.kinds.base import Unusable
from integrations.models import Connection
from tests.services import need

pytestmark = pytest.mark.django_db


def stored(address, **offered):
    connection = Connection(name="bus", kind="nats", address=address)
    connection.offer(offered or None)
    connection.store(by="anna")
    return Connection.objects.get()


def test_a_password_moves_out_of_the_address():
    connection = stored("nats://carillon:m4rker!@nats.example.test:4222/")
    assert connection.address == "nats://carillon:***@nats.example.test:4222"
    server = connection.nats_server()
    assert (server.address, server.user, server.secret) == ("nats://nats.example.test:4222", "carillon", "m4rker!")
    assert "m4rker!" not in repr(server)


def test_a_token_is_a_secret_too():
    connection = stored("tls://t0ken-of-ours@nats.example.test")
    assert connection.address == "tls://***@nats.example.test"
    server = connection.nats_server()
    assert (server.address, server.user, server.secret) == ("tls://nats.example.test", "", "t0ken-of-ours")
    assert connection.scrub("said t0ken-of-ours") == "said ***"


def test_a_secret_may_be_given_apart():
    assert stored("nats://nats.example.test", password="t0ken-of-ours").nats_server().secret == "t0ken-of-ours"


def test_another_address_needs_the_secret_again():
    connection = stored("nats://carillon:m4rker!@nats.example.test:4222")
    connection.address = "nats://carillon:***@evil.example.test:4222"
    with pytest.raises(ValidationError, match="must be written again"):
        connection.store(by="eve")
    connection.address = "nats://carillon:***@nats.example.test:4222"
    connection.store(by="anna")
    assert connection.nats_server().secret == "m4rker!"


def test_references_are_read_when_it_is_used(monkeypatch):
    connection = stored("nats://carillon:${NATS_PASSWORD_OF_OURS}@nats.example.test")
    with pytest.raises(Unusable, match="NATS_PASSWORD_OF_OURS"):
        connection.nats_server()
    monkeypatch.setenv("NATS_PASSWORD_OF_OURS", "later")
    assert connection.nats_server().secret == "later"


@pytest.mark.parametrize(
    "address",
    [
        "http://nats.example.test",
        "nats://",
        "nats://a b",
        "nats://host:99999",
        "nats://h/path",
        "nats://h?x=1",
        "${NATS_URL}",
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValidationError):
        stored(address)


def test_trying_it_names_the_server():
    need("NATS", 4222)
    assert stored("nats://127.0.0.1:4222").test().sentence.startswith("NATS 2.")


def test_trying_a_server_that_is_away_says_so():
    with pytest.raises(Unusable, match="cannot be reached"):
        stored("nats://127.0.0.1:1").test()
