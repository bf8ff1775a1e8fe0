import os
import socket
import sqlite3

import psycopg
import pymysql
import pytest
from django.db import connection as db

from integrations import own_database
from integrations.kinds.base import Unusable
from integrations.models import Connection
from tests.services import MARIADB, POSTGRESQL, need
from tests.webserver import Reply

pytestmark = pytest.mark.django_db
ROLE = f"carillon_reader_{os.getpid()}"  # another run of these tests may be under way beside


def tried(kind, address, headers=None):
    connection = Connection(name="there", kind=kind, address=address)
    connection.offer({"headers": headers} if headers else None)
    connection.store(by="anna")
    return connection.test()


def test_an_http_service_says_what_it_answered(site, settings):
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    report = tried("http", site.url, {"Authorization": "Bearer token"})
    assert report.sentence.startswith(f"{site.url}/ answered 200 in ")
    assert report.warnings == report.risks == ()
    assert site.received[0].headers["authorization"] == "Bearer token"


def test_an_http_service_that_refuses_the_headers_is_a_warning(site, settings):
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    site.reply = Reply(401)
    assert "refuses the headers" in tried("http", site.url).warnings[0]


def test_an_http_service_that_is_away_is_unusable(settings):
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unusable, match="refused"):
        tried("http", f"http://127.0.0.1:{port}")


def test_an_sqlite_file_says_how_many_tables_it_has(tmp_path, settings):
    settings.LOCAL_FILES_ROOT = tmp_path
    made = sqlite3.connect(tmp_path / "a.db")
    made.execute("CREATE TABLE t (a)")
    made.close()
    assert tried("sql", "sqlite:///a.db").sentence.endswith("it has 1 tables.")


def test_a_file_that_is_no_database_is_unusable(tmp_path, settings):
    settings.LOCAL_FILES_ROOT = tmp_path
    (tmp_path / "a.db").write_text("not a database, but longer than a hundred bytes" * 5)
    with pytest.raises(Unusable, match="not a database"):
        tried("sql", "sqlite:///a.db")


@pytest.fixture
def reader():
    """A PostgreSQL role that may only read."""
    need("PostgreSQL", 5432)
    with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True) as server:
        server.execute(f"DROP ROLE IF EXISTS {ROLE}")
        server.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'h1dden-word'")
        yield ROLE
        server.execute(f"DROP ROLE {ROLE}")


def test_a_superuser_of_postgresql_is_a_warning():
    need("PostgreSQL", 5432)
    report = tried("sql", f"{POSTGRESQL}/postgres")
    assert "PostgreSQL" in report.sentence
    assert "superuser" in report.risks[0]


def test_a_reading_role_of_postgresql_gives_no_warning(reader):
    report = tried("sql", f"postgresql://{reader}:h1dden-word@127.0.0.1:5432/postgres")
    assert report.sentence.endswith(f"the role is {ROLE}.")
    assert report.warnings == ()


def test_a_postgresql_that_refuses_is_unusable_and_the_password_does_not_show(reader):
    with pytest.raises(Unusable, match="no-such-database") as refused:
        tried("sql", f"postgresql://{reader}:h1dden-word@127.0.0.1:5432/no-such-database")
    assert "h1dden-word" not in str(refused.value)


def test_a_mariadb_user_that_may_write_is_a_warning():
    need("MariaDB", 3306)
    report = tried("sql", f"{MARIADB}/mysql")
    assert "MariaDB" in report.sentence
    assert "may write" in report.warnings[0]


def test_a_mariadb_user_that_may_only_read_gives_no_warning():
    need("MariaDB", 3306)
    with pymysql.connect(host="127.0.0.1", user="root", autocommit=True) as server, server.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE USER {ROLE}@'%' IDENTIFIED BY 'h1dden-word'")
        cursor.execute(f"GRANT SELECT ON mysql.* TO {ROLE}@'%'")
        try:
            assert tried("sql", f"mariadb://{ROLE}:h1dden-word@127.0.0.1:3306/mysql").warnings == ()
        finally:
            cursor.execute(f"DROP USER {ROLE}@'%'")


def test_carillons_own_postgresql_is_recognised_behind_another_name(monkeypatch):
    if db.vendor != "postgresql":
        pytest.skip("Carillon lives in SQLite here.")
    own = db.settings_dict
    host = own["HOST"] or own["OPTIONS"].get("host", "localhost")
    place = f"?host={host}" if host.startswith("/") else ""
    host = "" if place else f"{host}:{own['PORT'] or 5432}"
    monkeypatch.setattr(own_database, "is_meant", lambda location, path: False)  # as if the names told nothing
    with pytest.raises(Unusable, match="own database"):
        tried("sql", f"postgresql://{own['USER'] or 'postgres'}:{own['PASSWORD']}@{host}/{own['NAME']}{place}")
