"""Files of an SFTP server: fetched one by one without leaving anything, and put away afterwards."""

import os
import subprocess
import sys
import tempfile

import pytest

from integrations import sftp
from jobtypes.csv_import import found, remote
from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.finding import SourceFailed, find
from jobtypes.csv_import.plan import FileRefused
from tests.sftp import PASSWORD, USER, Place, make_key

NOW = 1_767_916_800  # 2026-01-09T00:00:00Z


@pytest.fixture
def place(tmp_path):
    with Place(tmp_path / "remote") as server:
        yield server


@pytest.fixture(autouse=True)
def copies(tmp_path, monkeypatch):
    """Return the folder in which copies are made."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def put(place, name, content=b"id\n1\n", *, modified=NOW - 3_600):
    path = place.folder / name
    path.write_bytes(content)
    os.utime(path, (modified, modified))
    return path


def looking(place, folder="/", *, go_on=lambda: None, **config):
    project = ImportConfig.model_validate({"defaults": {"primary_key": "id"}, **config})
    server = sftp.Server(place.host, place.port, USER, PASSWORD, host_key=place.host_key, folder=folder)
    return find(project, root="/nowhere", server=server, go_on=go_on, clock=lambda: NOW)


def names(files):
    return [one.name for one in files]


def test_files_are_listed_by_name_and_not_below(place):
    for name in ("b.csv", "a.csv", "notes.txt", "c.csv.part"):
        put(place, name)
    (place.folder / "d.csv").mkdir()
    (place.folder / "e.csv").symlink_to(place.folder / "a.csv")
    with looking(place, defaults={"primary_key": "id", "file_pattern": "*.csv*"}) as finding:
        assert (names(finding.files), finding.waiting) == (["a.csv", "b.csv"], ("c.csv.part",))
        assert finding.files[0].origin == f"127.0.0.1:{place.port}/a.csv"


def test_a_fresh_file_waits(place):
    put(place, "a.csv", modified=NOW - 1)
    with looking(place) as finding:
        assert (finding.files, finding.waiting) == ((), ("a.csv",))


@pytest.mark.parametrize(("grows", "waits"), [(False, ()), (True, ("a.csv",))])
def test_a_date_ahead_of_this_clock_is_judged_by_a_second_look(place, grows, waits):
    put(place, "a.csv", modified=NOW + 600)
    server = sftp.Server(place.host, place.port, USER, PASSWORD, host_key=place.host_key)
    looks = []

    def pause(seconds):
        looks.append(seconds)
        put(place, "a.csv", b"id\n1\n2\n" if grows else b"id\n1\n", modified=NOW + 600)

    finding = remote.RemoteFinding(server, clock=lambda: NOW, pause=pause)
    finding.look(ImportConfig.model_validate({"defaults": {"primary_key": "id"}}))
    finding.close()
    assert (finding.waiting, looks) == (waits, [found.SETTLED_SECONDS])


@pytest.mark.parametrize("size", [0, 1, 32_767, 32_768, 32_769, 3_000_001])
def test_a_copy_has_the_files_bytes_and_no_name(place, copies, size):
    content = os.urandom(size)
    put(place, "a.csv", content)
    with looking(place) as finding:
        path = finding.fetch(finding.files[0])
        assert path.read_bytes() == path.read_bytes() == content
        assert list(copies.iterdir()) == []
        finding.drop(finding.files[0])
        assert not path.exists()


def test_a_server_that_gives_less_at_once_is_asked_for_the_rest(place):
    content = os.urandom(200_000)
    put(place, "a.csv", content)
    place.most_at_once = 1_000
    with looking(place) as finding:
        assert finding.fetch(finding.files[0]).read_bytes() == content


def test_a_killed_process_leaves_no_copy(place, copies):
    put(place, "a.csv", b"x" * 100_000)
    script = (
        "import os, signal\n"
        "import django\n"
        "django.setup()\n"
        "from integrations import sftp\n"
        "from jobtypes.csv_import.config import ImportConfig\n"
        "from jobtypes.csv_import.finding import find\n"
        f"server = sftp.Server({place.host!r}, {place.port}, {USER!r}, {PASSWORD!r}, host_key={place.host_key!r})\n"
        "config = ImportConfig.model_validate({'defaults': {'primary_key': 'id'}})\n"
        "with find(config, root='/', server=server) as finding:\n"
        "    assert finding.fetch(finding.files[0]).stat().st_size == 100_000\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "TMPDIR": str(copies)},
        check=False,
    )
    assert ended.returncode == -9
    assert list(copies.iterdir()) == []


def test_names_of_the_server_choose_nothing_here(place, copies):
    place.names = [
        b"../../../../etc/cron.d/x.csv",
        b"a\x1b[31m.csv",
        b"caf\xe9.csv",
        b"x" * 300 + b".csv",
        b"..\\x.csv",
    ]
    with looking(place) as finding:
        assert finding.files == ()
        assert {one.error_type for one in finding.refused} == {"UnsafeName"}
        assert len(finding.refused) == 5
        assert all(one.name.isprintable() and len(one.name) <= 255 for one in finding.refused)


def test_a_file_larger_than_the_cap_is_refused_unread(place, monkeypatch):
    put(place, "a.csv", b"x" * 1_001)
    monkeypatch.setattr(found, "MOST_BYTES", 1_000)
    with looking(place) as finding:
        assert [one.error_type for one in finding.refused] == ["FileTooLarge"]


def test_copies_at_hand_together_keep_to_the_cap(place, monkeypatch):
    put(place, "a.csv", b"x" * 600)
    put(place, "b.csv", b"x" * 600)
    monkeypatch.setattr(remote, "MOST_BYTES", 1_000)
    with looking(place) as finding:
        finding.fetch(finding.files[0])
        with pytest.raises(FileRefused) as refused:
            finding.fetch(finding.files[1])
        assert refused.value.error_type == "FileTooLarge"
        finding.drop(finding.files[0])
        assert finding.fetch(finding.files[1]).stat().st_size == 600


def test_a_file_that_is_written_meanwhile_is_refused(place):
    put(place, "a.csv")
    with looking(place) as finding:
        put(place, "a.csv", b"id\n1\n2\n")
        with pytest.raises(FileRefused) as refused:
            finding.fetch(finding.files[0])
        assert refused.value.error_type == "StillWritten"


def test_a_file_that_has_gone_is_refused_and_the_next_one_is_fetched(place):
    put(place, "a.csv").unlink()
    put(place, "a.csv")
    put(place, "b.csv", b"b")
    with looking(place) as finding:
        (place.folder / "a.csv").unlink()
        with pytest.raises(FileRefused) as refused:
            finding.fetch(finding.files[0])
        assert refused.value.error_type == "SftpRefused"
        assert finding.fetch(finding.files[1]).read_bytes() == b"b"


def test_a_connection_that_was_dropped_between_two_files_is_made_again(place):
    put(place, "a.csv", b"a")
    put(place, "b.csv", b"b")
    with looking(place) as finding:
        finding.fetch(finding.files[0])
        place.drop()
        assert finding.fetch(finding.files[1]).read_bytes() == b"b"


def test_a_download_that_breaks_off_ends_the_search_and_leaves_nothing(place, copies):
    put(place, "a.csv", b"x" * 200_000)
    place.cut_after = 100_000
    with looking(place) as finding:
        with pytest.raises(SourceFailed) as failed:
            finding.fetch(finding.files[0])
        assert failed.value.retry is True
    assert list(copies.iterdir()) == []


def test_a_download_stops_when_it_is_asked_to(place):
    class Enough(Exception):
        pass

    def go_on():
        raise Enough

    put(place, "a.csv", b"x" * 10_000_000)
    with looking(place, go_on=go_on) as finding, pytest.raises(Enough):
        finding.fetch(finding.files[0])


@pytest.mark.parametrize("host_key", ["", sftp.fingerprint(make_key()[1].asbytes())], ids=["none", "another"])
def test_another_host_key_ends_the_search_before_the_password_leaves(place, host_key):
    shown, place.host_key = place.host_key, host_key
    with pytest.raises(SourceFailed) as failed, looking(place):
        pass
    assert failed.value.error_type == ("HostKeyMismatch" if host_key else "HostKeyNotConfirmed")
    assert failed.value.retry is False
    assert shown in str(failed.value)
    assert host_key in str(failed.value)
    assert place.passwords == []


def test_a_folder_that_may_not_be_listed_ends_the_search(place):
    place.refuses = {"list"}
    with pytest.raises(SourceFailed, match="did not list /") as failed, looking(place):
        pass
    assert failed.value.retry is False


def settled(place, ok, after_success):
    with looking(place, after_success=after_success) as finding:
        finding.fetch(finding.files[0])
        return finding.settle(finding.files[0], ok)


@pytest.mark.parametrize(("ok", "where"), [(True, "archive"), (False, "failed")])
def test_move_puts_files_away_and_overwrites_nothing(place, ok, where):
    for content in (b"1", b"2"):
        put(place, "a.csv", content)
        assert settled(place, ok, "move") == ""
    kept = {one.name: one.read_bytes() for one in (place.folder / where).iterdir()}
    assert kept == {"a.csv": b"1", "a.20260109T000000Z.csv": b"2"}
    assert not (place.folder / "a.csv").exists()


@pytest.mark.parametrize(("ok", "stays"), [(True, False), (False, True)])
def test_delete_takes_loaded_files_only(place, ok, stays):
    put(place, "a.csv")
    assert settled(place, ok, "delete") == ""
    assert (place.folder / "a.csv").exists() is stays


@pytest.mark.parametrize(("after_success", "refuses"), [("move", "rename"), ("move", "mkdir"), ("delete", "remove")])
def test_what_the_server_does_not_let_happen_is_told_and_the_file_stays(place, after_success, refuses):
    put(place, "a.csv")
    place.refuses = {refuses}
    assert "It stays where it is; what was loaded stays too." in settled(place, True, after_success)
    assert (place.folder / "a.csv").exists()


def test_a_file_that_changed_after_it_was_read_stays(place):
    put(place, "a.csv")
    with looking(place, after_success="delete") as finding:
        finding.fetch(finding.files[0])
        put(place, "a.csv", b"id\n1\n2\n")
        assert "changed after it was read" in finding.settle(finding.files[0], True)
    assert (place.folder / "a.csv").exists()
