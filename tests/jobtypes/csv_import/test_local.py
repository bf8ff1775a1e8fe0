"""Files under LOCAL_FILES_ROOT: which are taken, which wait, and where they go afterwards."""

import os
import time

import pytest

from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.finding import SourceFailed, find
from jobtypes.csv_import.plan import FileRefused

NOW = 1_767_916_800.0  # 2026-01-09T00:00:00Z
LONG_AGO = NOW - 3_600


@pytest.fixture
def root(tmp_path):
    place = tmp_path / "files"
    (place / "in").mkdir(parents=True)
    return place


def put(path, content=b"id\n1\n", *, modified=LONG_AGO):
    path.write_bytes(content)
    os.utime(path, (modified, modified))
    return path


def looking(root, local_files=(), **config):
    project = ImportConfig.model_validate(
        {"defaults": {"primary_key": "id"}, **({} if local_files else {"local_dir": "in"}), **config}
    )
    return find(project, root=root, local_files=local_files, clock=lambda: NOW)


def names(files):
    return [one.name for one in files]


def test_a_folder_is_listed_by_name_and_not_below(root):
    for name in ("b.csv", "a.csv", "C.csv", "notes.txt"):
        put(root / "in" / name)
    (root / "in" / "archive").mkdir()
    put(root / "in" / "archive" / "old.csv")
    with looking(root) as finding:
        assert names(finding.files) == ["C.csv", "a.csv", "b.csv"]
        assert [one.origin for one in finding.files] == ["in/C.csv", "in/a.csv", "in/b.csv"]
        assert (finding.refused, finding.waiting) == ((), ())


def test_patterns_of_tables_find_files_too(root):
    put(root / "in" / "orders.txt")
    tables = [{"file_pattern": "*.txt", "target_table": "orders", "primary_key": "id"}]
    with looking(root, tables=tables, defaults=None) as finding:
        assert [(one.name, one.plan.table) for one in finding.files] == [("orders.txt", "orders")]


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.tmp", "a.csv.filepart", "A.CSV.PART"])
def test_a_file_with_an_ending_of_transfers_waits(root, name):
    put(root / "in" / name)
    with looking(root, defaults={"primary_key": "id", "file_pattern": "*"}) as finding:
        assert (finding.files, finding.waiting) == ((), (name,))


def test_a_file_that_changed_within_two_seconds_waits(root):
    put(root / "in" / "fresh.csv", modified=NOW - 1.9)
    put(root / "in" / "settled.csv", modified=NOW - 2.1)
    with looking(root) as finding:
        assert (names(finding.files), finding.waiting) == (["settled.csv"], ("fresh.csv",))


def test_a_date_in_the_future_does_not_hold_a_file_back_for_ever(root):
    put(root / "in" / "ahead.csv", modified=NOW + 10**6)
    with looking(root) as finding:
        assert names(finding.files) == ["ahead.csv"]


def test_links_and_pipes_of_a_folder_are_no_files(root):
    put(root / "in" / "a.csv")
    (root / "in" / "link.csv").symlink_to(root / "in" / "a.csv")
    os.mkfifo(root / "in" / "pipe.csv")
    (root / "in" / "folder.csv").mkdir()
    with looking(root) as finding:
        assert names(finding.files) == ["a.csv"]


def test_a_name_that_cannot_be_shown_is_refused_and_left(root):
    put(root / "in" / "a\x1b[31m.csv")
    put(root / "in" / os.fsdecode(b"caf\xe9.csv"))
    with looking(root) as finding:
        assert finding.files == ()
        assert [(one.name, one.error_type) for one in finding.refused] == [
            ("a\\x1b[31m.csv", "UnsafeName"), ("caf\\udce9.csv", "UnsafeName"),
        ]  # fmt: skip
    assert len(list((root / "in").iterdir())) == 2


def test_a_missing_folder_ends_the_search(root):
    with pytest.raises(SourceFailed, match="no such folder") as failed, looking(root, local_dir="out"):
        pass
    assert failed.value.retry is False


def test_named_files_are_taken_in_their_order(root):
    for name in ("a.csv", "b.csv"):
        put(root / "in" / name, modified=NOW)
    with looking(root, local_files=["in/b.csv", str(root / "in" / "a.csv")]) as finding:
        assert [one.origin for one in finding.files] == ["in/b.csv", "in/a.csv"]


def test_a_named_file_that_matches_nothing_is_refused(root):
    put(root / "in" / "notes.txt")
    with looking(root, local_files=["in/notes.txt"]) as finding:
        assert [(one.name, one.error_type) for one in finding.refused] == [("in/notes.txt", "NoMatchingTable")]


def test_a_link_within_the_root_may_be_named(root):
    put(root / "in" / "2026-01.csv")
    (root / "current.csv").symlink_to("in/2026-01.csv")
    with looking(root, local_files=["current.csv"]) as finding:
        assert [one.origin for one in finding.files] == ["in/2026-01.csv"]


def test_a_giant_is_refused_unread(root):
    with (root / "in" / "giant.csv").open("wb") as sparse:
        sparse.truncate(1 << 40)
    with looking(root, local_files=["in/giant.csv"]) as finding:
        assert [one.error_type for one in finding.refused] == ["FileTooLarge"]


def test_the_path_leads_to_the_file_that_was_checked_whatever_takes_its_name(root):
    put(root / "in" / "a.csv", b"mine")
    with looking(root) as finding:
        path = finding.fetch(finding.files[0])
        (root / "in" / "a.csv").unlink()
        (root / "in" / "a.csv").symlink_to("/etc/passwd")
        assert path.read_bytes() == path.read_bytes() == b"mine"


def test_a_file_that_turned_into_a_link_is_refused_when_it_is_fetched(root):
    put(root / "in" / "a.csv")
    with looking(root) as finding:
        (root / "in" / "a.csv").unlink()
        (root / "in" / "a.csv").symlink_to("/etc/passwd")
        with pytest.raises(FileRefused, match="no such regular file"):
            finding.fetch(finding.files[0])


def test_no_descriptor_stays_open(root):
    for number in range(5):
        put(root / "in" / f"{number}.csv")
    before = os.listdir("/proc/self/fd")
    with looking(root) as finding:
        for file in finding.files:
            finding.fetch(file)
    assert os.listdir("/proc/self/fd") == before


def settled(root, ok, after_success):
    with looking(root, after_success=after_success) as finding:
        finding.fetch(finding.files[0])
        return finding.settle(finding.files[0], ok)


@pytest.mark.parametrize(("ok", "where"), [(True, "archive"), (False, "failed")])
def test_move_puts_files_away(root, ok, where):
    put(root / "in" / "a.csv", b"x")
    assert settled(root, ok, "move") == ""
    assert (root / "in" / where / "a.csv").read_bytes() == b"x"
    assert not (root / "in" / "a.csv").exists()


def test_move_overwrites_nothing(root):
    for content in (b"1", b"2", b"3"):
        put(root / "in" / "a.csv", content)
        settled(root, True, "move")
    kept = {one.name: one.read_bytes() for one in (root / "in" / "archive").iterdir()}
    assert kept == {"a.csv": b"1", "a.20260109T000000Z.csv": b"2", "a.20260109T000000Z-2.csv": b"3"}


@pytest.mark.parametrize(("ok", "stays"), [(True, False), (False, True)])
def test_delete_takes_loaded_files_only(root, ok, stays):
    put(root / "in" / "a.csv")
    assert settled(root, ok, "delete") == ""
    assert (root / "in" / "a.csv").exists() is stays


def test_keep_leaves_everything(root):
    put(root / "in" / "a.csv")
    assert settled(root, True, "keep") == ""
    assert os.listdir(root / "in") == ["a.csv"]


def test_a_file_that_changed_after_it_was_read_stays(root):
    put(root / "in" / "a.csv")
    with looking(root, after_success="delete") as finding:
        finding.fetch(finding.files[0])
        put(root / "in" / "a.csv", b"id\n1\n2\n", modified=time.time())
        assert "changed after it was read" in finding.settle(finding.files[0], True)
    assert (root / "in" / "a.csv").exists()


def test_a_move_that_fails_is_told_and_the_file_stays(root):
    put(root / "in" / "a.csv")
    (root / "in" / "archive").symlink_to("/tmp")
    assert "could not be moved to archive/" in settled(root, True, "move")
    assert (root / "in" / "a.csv").exists()
