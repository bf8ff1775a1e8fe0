import pytest
from cryptography.fernet import Fernet

from integrations import secrets
from integrations.kinds.base import Unusable
from integrations.models import Connection
from tests.integrations.storing import complaint, edited, stored

pytestmark = pytest.mark.django_db
MARKER = "m4rker!pass"


def test_the_password_moves_out_of_the_address():
    connection = stored(f"postgresql://reader:{MARKER}@db.example.test:5433/shop?sslmode=require")
    assert connection.address == "postgresql://reader:***@db.example.test:5433/shop?sslmode=require"
    assert connection.created_by == connection.updated_by == "anna"
    url = connection.sql_url()
    assert (url.password, url.host, url.port, url.drivername) == (
        MARKER, "db.example.test", 5433, "postgresql+psycopg",
    )  # fmt: skip


def test_a_password_is_decoded_as_in_any_address():
    assert stored("mysql://r:p%40ss%2Fw@db.example.test/shop").sql_url().password == "p@ss/w"


def test_a_password_may_be_given_apart():
    connection = Connection(name="x", kind="sql", address="postgresql://reader@db.example.test/shop")
    connection.offer({"password": MARKER})
    connection.store(by="anna")
    assert connection.address == "postgresql://reader:***@db.example.test/shop"
    assert connection.sql_url().password == MARKER


def test_cleaning_twice_keeps_the_secret():
    connection = Connection(name="x", kind="sql", address=f"postgresql://r:{MARKER}@db.example.test/shop")
    connection.full_clean()
    connection.full_clean()
    connection.store(by="anna")
    assert Connection.objects.get().sql_url().password == MARKER


def test_nothing_shows_the_secret_but_the_decrypted_column():
    connection = stored(f"postgresql://reader:{MARKER}@db.example.test/shop")
    service = stored("https://api.example.test", {"Authorization": f"Bearer {MARKER}"}, kind="http", name="api")
    for one in (connection, service):
        row = repr(Connection.objects.filter(pk=one.pk).values().get())
        assert MARKER not in row + repr(one) + str(one) + str(one.masked) + str(vars(one))
    assert service.masked == {"headers": {"Authorization": "***"}}


def test_the_mask_keeps_the_stored_password():
    connection = stored(f"postgresql://reader:{MARKER}@db.example.test/shop")
    assert edited(connection, connection.address).sql_url().password == MARKER


def test_a_new_password_replaces_the_old_one():
    connection = stored(f"postgresql://reader:{MARKER}@db.example.test/shop")
    assert edited(connection, "postgresql://reader:other@db.example.test/shop").sql_url().password == "other"


def test_leaving_the_password_out_removes_it():
    connection = edited(
        stored(f"postgresql://r:{MARKER}@db.example.test/shop"), "postgresql://r@db.example.test/shop"
    )
    assert connection.sql_url().password is None
    assert connection.encrypted == ""


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://reader:***@evil.example.test/shop",
        "postgresql://reader:***@db.example.test:6000/shop",
        "postgresql://reader:***@db.example.test/other",
        "postgresql://reader:***@db.example.test/shop?host=evil.example.test",
        "postgresql://other:***@db.example.test/shop",
        "mysql://reader:***@db.example.test/shop",
    ],
)
def test_another_destination_needs_the_password_again(address):
    connection = stored(f"postgresql://reader:{MARKER}@db.example.test/shop")
    assert "written again" in complaint(edited, connection, address)
    assert edited(connection, address.replace("***", "fresh")).sql_url().password == "fresh"


def test_the_mask_keeps_nothing_where_nothing_is_stored():
    assert "there is none" in complaint(stored, "postgresql://reader:***@db.example.test/shop")


def test_headers_are_kept_replaced_and_removed_one_by_one():
    connection = stored("https://api.example.test", {"X-A": "aaaa", "X-B": "bbbb", "X-C": "cccc"}, kind="http")
    connection = edited(connection, offer={"headers": {"X-A": "***", "X-B": "new"}})
    assert connection.http_headers() == {"X-A": "aaaa", "X-B": "new"}
    assert edited(connection).http_headers() == {"X-A": "aaaa", "X-B": "new"}
    assert edited(connection, offer={"headers": {}}).http_headers() == {}


@pytest.mark.parametrize("offer", [None, {"headers": {"X-A": "***"}}, {"headers": {"X-A": "***", "X-B": "new"}}])
def test_another_address_needs_the_headers_again(offer):
    connection = stored("https://api.example.test", {"X-A": "aaaa"}, kind="http")
    assert "written again" in complaint(edited, connection, "https://evil.example.test", offer)
    moved = edited(connection, "https://evil.example.test", {"headers": {"X-A": "fresh"}})
    assert moved.http_headers() == {"X-A": "fresh"}


def test_another_kind_does_not_take_the_secret_along():
    connection = stored("https://api.example.test", {"X-A": "aaaa"}, kind="http")
    connection.kind, connection.address = "sql", "postgresql://r@db.example.test/shop"
    connection.store(by="bert")
    assert Connection.objects.get().secrets == {}


@pytest.mark.parametrize("headers", [{"Host": "x"}, {"X-A": "a\r\nb"}, {"X A": "b"}, {"X-A": 5}, ["X-A"]])
def test_a_harmful_secret_header_is_refused(headers):
    complaint(stored, "https://api.example.test", headers, kind="http")


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("http", "http://127.0.0.1/"), ("http", "http://[::1]/"), ("http", "http://169.254.169.254/"),
        ("http", "ftp://example.test"), ("http", "https://u:p@example.test"), ("http", "https://example.test/?a=1"),
        ("sql", "not an address"), ("sql", "nosuch://db.example.test/x"), ("sql", "oracle://u:p@db.example.test/x"),
        ("sql", f"postgresql://r:a@b@db.example.test/{MARKER}"), ("sql", "postgresql://db.example.test:port/x"),
        ("sql", "postgresql://db.example.test/x?password=abc"), ("sql", "postgresql://db.example.test/x?options=-c"),
        ("sql", "postgresql://db.example.test/x?passfile=/x"), ("sql", "mysql://db.example.test/x?local_infile=1"),
        ("sql", "sqlite://"), ("sql", "sqlite:///:memory:"), ("sql", "sqlite:///x.db?mode=rwc"),
        ("sql", "sqlite:///file:x?mode=rwc"), ("sql", "sqlite:///../x.sqlite3"), ("sql", "sqlite:////etc/passwd"),
        ("sql", "sqlite:////etc/no-such-file"), ("fax", "tel:112"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_connection_is_refused(kind, address):
    complaint(stored, address, kind=kind)
    assert not Connection.objects.exists()


def test_a_name_with_control_characters_is_refused():
    for name in ("a\x1b[31mb", "a\u202eb", "a\nb", ""):
        complaint(stored, "https://api.example.test", kind="http", name=name)


def test_an_address_that_does_not_resolve_yet_may_be_saved():
    stored("https://not-yet.invalid/", kind="http")


def test_a_reference_is_stored_as_written_and_read_when_used(monkeypatch):
    connection = stored("${SHOP_URL}")
    service = stored("https://${SHOP_HOST}/v1", {"Authorization": "Bearer ${SHOP_TOKEN}"}, kind="http", name="api")
    assert (connection.address, service.address) == ("${SHOP_URL}", "https://${SHOP_HOST}/v1")
    with pytest.raises(Unusable, match="SHOP_URL is not set"):
        connection.sql_url()
    with pytest.raises(Unusable, match="SHOP_TOKEN is not set"):
        service.http_headers()
    monkeypatch.setenv("SHOP_URL", f"postgresql://r:{MARKER}@db.example.test/shop")
    monkeypatch.setenv("SHOP_HOST", "api.example.test")
    monkeypatch.setenv("SHOP_TOKEN", MARKER)
    assert connection.sql_url().password == MARKER
    assert service.http_address() == "https://api.example.test/v1"
    assert service.http_headers() == {"Authorization": f"Bearer {MARKER}"}
    assert MARKER not in connection.scrub(f"cannot connect as {MARKER}")
    assert MARKER not in service.scrub(f"refused {MARKER}")


def test_a_password_may_be_a_reference(monkeypatch):
    connection = stored("postgresql://r:${SHOP_PASSWORD}@db.example.test/shop")
    monkeypatch.setenv("SHOP_PASSWORD", "p@ss/word")
    assert connection.sql_url().password == "p@ss/word"


def test_a_reference_is_judged_by_what_it_stands_for(monkeypatch, settings):
    connection = stored("${SHOP_URL}")
    monkeypatch.setenv("SHOP_URL", "sqlite:////etc/passwd")
    with pytest.raises(Unusable, match="LOCAL_FILES_ROOT"):
        connection.sql_url()


def test_a_value_from_the_environment_cannot_break_into_headers(monkeypatch):
    service = stored("https://api.example.test", {"X-A": "${SHOP_TOKEN}"}, kind="http")
    monkeypatch.setenv("SHOP_TOKEN", "a\r\nHost: evil")
    with pytest.raises(Unusable, match="line breaks"):
        service.http_headers()


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "CARILLON_ENCRYPTION_KEYS", "SMTP_PASSWORD"])
def test_carillons_own_secrets_cannot_be_referred_to(name):
    complaint(stored, f"https://evil.example.test/${{{name}}}", kind="http")
    complaint(stored, "https://evil.example.test/", {"X-A": f"${{{name}}}"}, kind="http")
    complaint(stored, f"postgresql://r:${{{name}}}@evil.example.test/x")
    complaint(stored, f"${{{name}}}")


def test_the_first_key_encrypts_and_all_decrypt(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    written = secrets.encrypt({"password": MARKER})
    settings.ENCRYPTION_KEYS = [new, old]
    assert secrets.decrypt(written) == {"password": MARKER}
    rewritten = secrets.encrypt({"password": MARKER})
    settings.ENCRYPTION_KEYS = [new]
    assert secrets.decrypt(rewritten) == {"password": MARKER}
    with pytest.raises(secrets.Undecryptable, match="CARILLON_ENCRYPTION_KEYS"):
        secrets.decrypt(written)


def test_a_connection_whose_key_is_gone_says_so_and_can_be_written_anew(settings):
    connection = stored(f"postgresql://r:{MARKER}@db.example.test/shop")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    for use in (connection.sql_url, connection.test):
        with pytest.raises(Unusable, match="CARILLON_ENCRYPTION_KEYS"):
            use()
    assert connection.scrub("a text") == "a text"
    assert "there is none" in complaint(edited, connection)
    assert edited(connection, "postgresql://r:again@db.example.test/shop").sql_url().password == "again"


def test_a_secret_is_scrubbed_in_each_form_that_it_is_sent_in():
    text = 'a p@ss"w b p%40ss%22w c p@ss\\"w d'
    assert secrets.scrub(text, ['p@ss"w']) == "a *** b *** c *** d"
    assert secrets.scrub("user:hunter22 hunter22", ["Basic dXNlcjpodW50ZXIyMg=="]) == "*** ***"
    assert secrets.scrub("status 200 ok", ["ok", ""]) == "status 200 ok"
