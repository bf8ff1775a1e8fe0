import os

import pytest

from integrations.kinds.base import Unusable
from integrations.models import Connection
from tests.integrations.storing import complaint, stored

pytestmark = pytest.mark.django_db
MARKER = "m4rker!pass"


@pytest.fixture
def files(tmp_path, settings):
    settings.LOCAL_FILES_ROOT = tmp_path / "files"
    settings.LOCAL_FILES_ROOT.mkdir()
    return settings.LOCAL_FILES_ROOT


def test_an_sqlite_file_under_the_root_is_opened_where_it_lies(files):
    (files / "a.db").touch()
    assert stored("sqlite:///a.db").sql_url().database == str(files / "a.db")
    assert stored(f"sqlite:///{files}/a.db", name="absolute").sql_url().database == str(files / "a.db")


def test_links_fifos_and_folders_are_refused_with_what_they_are_not(files, tmp_path):
    (tmp_path / "outside.db").touch()
    (files / "link.db").symlink_to(tmp_path / "outside.db")
    (files / "way").symlink_to(tmp_path)
    os.mkfifo(files / "pipe.db")
    outside = {
        complaint(stored, f"sqlite:///{name}") for name in ("link.db", "way/outside.db", "way/nothing.db", "../x")
    }
    assert len(outside) == 1
    assert "regular file" in complaint(stored, "sqlite:///pipe.db")
    assert "LOCAL_FILES_ROOT" in complaint(stored, "sqlite:///.")


def test_a_link_made_after_the_save_is_not_followed_out(files, tmp_path):
    connection = stored("sqlite:///a.db")
    (tmp_path / "outside.db").touch()
    (files / "a.db").symlink_to(tmp_path / "outside.db")
    with pytest.raises(Unusable, match="LOCAL_FILES_ROOT"):
        connection.sql_url()


def test_a_missing_file_may_be_saved_but_not_used(files):
    with pytest.raises(Unusable, match="no database file"):
        stored("sqlite:///later.db").sql_url()
    assert list(files.iterdir()) == []


def test_carillons_own_sqlite_file_is_refused_under_every_name(files, settings, monkeypatch):
    own = files / "own.sqlite3"
    own.touch()
    monkeypatch.setitem(settings.DATABASES, "default", {"ENGINE": "django.db.backends.sqlite3", "NAME": own})
    (files / "soft.db").symlink_to(own)
    (files / "hard.db").hardlink_to(own)
    for name in ("own.sqlite3", "./own.sqlite3", "soft.db", "hard.db", str(own)):
        assert "own database" in complaint(stored, f"sqlite:///{name}")


@pytest.mark.parametrize(
    ("own", "address", "refused"),
    [
        ({"HOST": "127.0.0.1", "PORT": "5432"}, "postgresql://r@localhost/carillon", True),
        ({"HOST": "127.0.0.1", "PORT": ""}, "postgresql://r@127.0.0.1:5432/carillon", True),
        ({"HOST": "127.0.0.1", "PORT": ""}, "postgresql://r@/carillon?host=127.0.0.1", True),
        ({"HOST": "localhost", "PORT": 5432}, "postgresql+psycopg://r@[::1]/carillon", True),
        ({"HOST": "db.invalid", "PORT": ""}, "postgresql://r@DB.invalid/carillon", True),
        ({"HOST": "", "PORT": ""}, "postgresql:///carillon", True),
        ({"HOST": "127.0.0.1", "PORT": ""}, "postgresql://r@127.0.0.1/other", False),
        ({"HOST": "127.0.0.1", "PORT": ""}, "postgresql://r@127.0.0.1:5433/carillon", False),
        ({"HOST": "127.0.0.1", "PORT": ""}, "postgresql://r@db.invalid/carillon", False),
        ({"HOST": "127.0.0.1", "PORT": ""}, "mysql://r@127.0.0.1:5432/carillon", False),
    ],
)
def test_carillons_own_postgresql_is_refused_under_every_name(settings, monkeypatch, own, address, refused):
    own = {"ENGINE": "django.db.backends.postgresql", "NAME": "carillon", **own}
    monkeypatch.setitem(settings.DATABASES, "default", own)
    connection = Connection(name="x", kind="sql", address=address)
    if refused:
        assert "own database" in complaint(connection.clean)
    else:
        connection.clean()
