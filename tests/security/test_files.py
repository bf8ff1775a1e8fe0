"""Files that a connection may name: under the root, regular, and without a word on what lies elsewhere."""

import os

import pytest

from integrations.models import Connection
from jobtypes.base import JobFailed
from tests.jobtypes.running import execute

OUTSIDE = [
    "sqlite:///../../etc/passwd", "sqlite:////etc/passwd", "sqlite:///./../x", "sqlite:///a/../../x",
    "sqlite:////proc/self/environ",
    "sqlite:////dev/zero", "sqlite:///", "sqlite:///:memory:", "sqlite://", "sqlite:///file:x?mode=rwc",
    "sqlite:///.",
    "sqlite:///..%2f..%2fetc/passwd", "sqlite:///\x00", "sqlite:///..", "sqlite:///a%00b",
]  # fmt: skip


@pytest.fixture
def root(tmp_path, settings):
    settings.LOCAL_FILES_ROOT = tmp_path / "root"
    settings.LOCAL_FILES_ROOT.mkdir()
    return settings.LOCAL_FILES_ROOT


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_path_out_of_the_root_is_refused(root, admin, address):
    answer = admin.post("connections", {"name": "c", "kind": "sql", "address": address})
    assert answer.status_code == 400 or ".." in address, answer.content
    if answer.status_code == 201:  # a name that only looks like a way out: it is a file under the root
        said = admin.post(f"connections/{answer.json()['id']}/test").json()
        assert said["ok"] is False
        assert "no database file" in said["sentence"]


def test_the_refusal_does_not_tell_what_exists(root, admin):
    said = {
        admin.post("connections", {"name": "c", "kind": "sql", "address": f"sqlite:///{path}"}).content
        for path in ("/etc/passwd", "/etc/no-such-file", "/root", "/no/such/folder", "../../../etc/passwd")
    }
    assert len(said) == 1


@pytest.mark.parametrize("trap", ["link", "folder link", "pipe", "folder", "giant"])
def test_a_trap_laid_after_the_save_is_not_stepped_into(root, db, trap, tmp_path):
    Connection(name="shop", kind="sql", address="sqlite:///shop.sqlite3").store(by="test")
    place = root / "shop.sqlite3"
    if trap == "link":
        place.symlink_to("/etc/passwd")
    elif trap == "folder link":
        Connection.objects.update(address="sqlite:///inner/passwd")
        (root / "inner").symlink_to("/etc")
    elif trap == "pipe":
        os.mkfifo(place)
    elif trap == "folder":
        place.mkdir()
    else:
        with place.open("wb") as sparse:
            sparse.truncate(1 << 40)
    with pytest.raises(JobFailed) as failure:
        execute("sql_alert", {"connection": "shop", "query": "SELECT 'OK' AS status FROM sqlite_schema"})
    assert "root:" not in str(failure.value)
