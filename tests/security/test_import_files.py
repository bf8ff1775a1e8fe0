"""Files that an import may name: under the root, regular, and without a word on what lies elsewhere."""

import os

import pytest

from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.finding import SourceFailed, find

CONFIG = ImportConfig.model_validate({"defaults": {"primary_key": "id", "file_pattern": "*"}})
OUTSIDE = [
    "../x", "../../etc/passwd", "/etc/passwd", "/etc/no-such-file", "/proc/self/environ", "/proc/self/fd/0",
    "/dev/zero", "/", ".", "..", "", "in/../../outside.csv", "in", "missing.csv", "link.csv", "folder-link/passwd",
    "loop.csv", "pipe.csv", "in/", "a\0b", "x" * 5_000, "\ud800.csv", "//etc/passwd", "in/a.csv/..", "in/a.csv/b",
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    place = tmp_path / "root"
    (place / "in").mkdir(parents=True)
    (place / "in" / "a.csv").write_text("id\n1\n")
    (tmp_path / "outside.csv").write_text("id\n1\n")
    (place / "link.csv").symlink_to(tmp_path / "outside.csv")
    (place / "folder-link").symlink_to("/etc")
    (place / "loop.csv").symlink_to("loop.csv")
    os.mkfifo(place / "pipe.csv")
    return place


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_no_file_under_the_root_is_refused(root, name):
    with find(CONFIG, root=root, local_files=[name]) as finding:
        assert finding.files == ()
        assert [one.error_type for one in finding.refused] == ["FileNotFound"]


def test_the_refusals_say_one_and_the_same(root):
    with find(CONFIG, root=root, local_files=OUTSIDE) as finding:
        assert len({one.error for one in finding.refused}) == 1


@pytest.mark.parametrize("folder", ["..", "/etc", "folder-link", "in/a.csv", "missing", "/proc/self/fd", "pipe.csv"])
def test_a_folder_out_of_the_root_is_refused_as_one_that_is_missing(root, folder):
    config = CONFIG.model_copy(update={"local_dir": folder})
    with pytest.raises(SourceFailed, match="no such folder under LOCAL_FILES_ROOT"), find(config, root=root):
        pass


def test_a_folder_that_turns_into_a_link_is_not_followed(root):
    config = CONFIG.model_copy(update={"local_dir": "in", "after_success": "delete"})
    with find(config, root=root, clock=lambda: 2**32) as finding:
        (root / "in" / "a.csv").unlink()
        (root / "in").rmdir()
        (root / "in").symlink_to("/etc")
        for file in finding.files:
            with pytest.raises(Exception, match="no such regular file"):
                finding.fetch(file)


def test_a_root_behind_a_link_is_a_root(root, tmp_path):
    (tmp_path / "mount").symlink_to(root)
    given = tmp_path / "mount"
    with find(CONFIG, root=given, local_files=["in/a.csv", str(given / "in" / "a.csv")]) as finding:
        assert [one.origin for one in finding.files] == ["in/a.csv", "in/a.csv"]
