"""Watched files: whatever way they are saved, the last state is in force soon, and a bad one changes nothing."""

import os
import threading
import time

import pytest
from django.core.management import call_command
from django.utils import timezone

from schedules.files.models import RefusedFile
from schedules.files.problems import Problem
from schedules.files.watching import Watcher
from schedules.models import Schedule

pytestmark = pytest.mark.django_db(transaction=True)

SOON = 3.0  # seconds


def text(cron, name="a"):
    return f"schedules:\n  - {{name: {name}, job_type: noop, cron_expression: '{cron}'}}\n"


@pytest.fixture
def watch():
    """Return a function that starts watching a path; all watchers end with the test."""
    started = []

    def start(path, **options):
        watcher = Watcher(path, **options)
        watcher.start()
        started.append(watcher)
        return watcher

    yield start
    for watcher in started:
        watcher.stop()
        assert not watcher.thread.is_alive()


def crons():
    return set(Schedule.objects.existing().values_list("cron_expression", flat=True))


def wait_until(holds, seconds=SOON):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def test_the_last_of_a_burst_of_writes_is_in_force_within_three_seconds(tmp_path, watch):
    file = tmp_path / "s.yaml"
    file.write_text(text("0 0 * * *"))
    watch(file)
    wait_until(lambda: crons() == {"0 0 * * *"})
    for number in range(1, 21):
        file.write_text(text(f"{number} 1 * * *"))
        time.sleep(0.1)
    wait_until(lambda: crons() == {"20 1 * * *"})
    assert not RefusedFile.objects.exists()


def test_a_save_by_rename_counts(tmp_path, watch):
    file = tmp_path / "s.yaml"
    file.write_text(text("0 0 * * *"))
    watch(file)
    wait_until(lambda: crons() == {"0 0 * * *"})
    for hour in (1, 2):
        draft = tmp_path / ".s.yaml.swp"
        draft.write_text(text(f"0 {hour} * * *"))
        file.rename(tmp_path / "s.yaml~")
        draft.rename(file)
        wait_until(lambda hour=hour: crons() == {f"0 {hour} * * *"})


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_swapped_link_counts_as_kubernetes_does_it(tmp_path, watch, what):
    for number in (1, 2, 3):
        (tmp_path / f"..version{number}").mkdir()
        (tmp_path / f"..version{number}" / "s.yaml").write_text(text(f"0 {number} * * *"))
    (tmp_path / "..data").symlink_to("..version1")
    (tmp_path / "s.yaml").symlink_to("..data/s.yaml")
    watch(tmp_path / "s.yaml" if what == "file" else tmp_path)
    wait_until(lambda: crons() == {"0 1 * * *"})
    for number in (2, 3):
        (tmp_path / "..next").symlink_to(f"..version{number}")
        os.rename(tmp_path / "..next", tmp_path / "..data")
        wait_until(lambda number=number: crons() == {f"0 {number} * * *"})


def test_a_bad_file_keeps_what_was_there_and_says_so_until_it_is_mended(tmp_path, watch):
    file = tmp_path / "s.yaml"
    file.write_text(text("0 1 * * *"))
    watch(file)
    wait_until(lambda: crons() == {"0 1 * * *"})
    version = Schedule.objects.get().version
    file.write_text(text("0 99 * * *"))
    wait_until(RefusedFile.objects.exists)
    refused = RefusedFile.objects.get()
    assert refused.source == str(file)
    assert "s.yaml:2: schedules[1].cron_expression: " in refused.sentence
    assert (crons(), Schedule.objects.get().version) == ({"0 1 * * *"}, version)
    file.write_text(text("0 2 * * *"))
    wait_until(lambda: crons() == {"0 2 * * *"})
    wait_until(lambda: not RefusedFile.objects.exists())


def test_who_stops_watching_leaves_no_warning_behind(tmp_path, watch):
    file = tmp_path / "s.yaml"
    file.write_text(text("0 99 * * *"))
    watcher = watch(file)
    wait_until(RefusedFile.objects.exists)
    watcher.stop()
    assert not RefusedFile.objects.exists()


def test_a_file_that_vanishes_and_comes_back_is_taken_over_again(tmp_path, watch):
    folder = tmp_path / "mounted"
    folder.mkdir()
    (folder / "s.yaml").write_text(text("0 1 * * *"))
    watch(folder / "s.yaml")
    wait_until(lambda: crons() == {"0 1 * * *"})
    (folder / "s.yaml").unlink()
    folder.rmdir()
    wait_until(RefusedFile.objects.exists, seconds=5)
    assert "There is no such file." in RefusedFile.objects.get().sentence
    assert crons() == {"0 1 * * *"}
    folder.mkdir()
    (folder / "s.yaml").write_text(text("0 2 * * *"))
    wait_until(lambda: crons() == {"0 2 * * *"}, seconds=5)
    wait_until(lambda: not RefusedFile.objects.exists())


def test_new_files_of_a_folder_are_found(tmp_path, watch):
    (tmp_path / "one.yaml").write_text(text("0 1 * * *"))
    watch(tmp_path)
    wait_until(lambda: crons() == {"0 1 * * *"})
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "two.yaml").write_text(text("0 2 * * *", name="b"))
    wait_until(lambda: crons() == {"0 1 * * *", "0 2 * * *"})


def test_several_watchers_take_turns_and_nothing_is_done_twice(tmp_path, watch):
    file = tmp_path / "s.yaml"
    file.write_text(text("0 1 * * *"))
    plans = []
    for _ in range(3):
        watch(file, on_plan=plans.append)
    wait_until(lambda: len(plans) == 3)
    assert sorted(plan.changes_something for plan in plans) == [False, False, True]
    assert Schedule.objects.get().version == 1


def test_a_crash_while_reading_is_told_and_watching_goes_on(tmp_path, watch, monkeypatch):
    file = tmp_path / "s.yaml"
    file.write_text(text("0 1 * * *"))
    broken = threading.Event()
    broken.set()
    whole = Schedule.store

    def crash(self, **options):
        if broken.is_set():
            raise RuntimeError("a bug")
        whole(self, **options)

    monkeypatch.setattr(Schedule, "store", crash)
    watcher = watch(file)
    wait_until(RefusedFile.objects.exists)
    assert "It crashed: RuntimeError: a bug" in RefusedFile.objects.get().sentence
    assert watcher.thread.is_alive()
    broken.clear()
    file.write_text(text("0 2 * * *"))
    wait_until(lambda: crons() == {"0 2 * * *"})


def test_a_refusal_is_told_in_health_and_in_lists(admin_client, capsys):
    RefusedFile.objects.refuse("/etc/s.yaml", [Problem("s.yaml", 4, "x", "Wrong.", "")], timezone.now())
    told = admin_client.get("/health/detailed").json()["refused_files"]
    assert [(one["source"], one["problems"][0]["line"]) for one in told] == [("/etc/s.yaml", 4)]
    sentence = "/etc/s.yaml is refused; what it said before stays in force. s.yaml:4: x: Wrong."
    for command in ("listschedules", "alertstatus"):
        call_command(command)
        assert sentence in capsys.readouterr().err
