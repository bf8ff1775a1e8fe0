import json
import os
import threading
import time
from datetime import UTC, datetime

import pytest
from django.core.checks import run_checks

from jobtypes import registry
from jobtypes.base import InvalidParams, JobCancelled, JobFailed, JobTimedOut
from jobtypes.management_command import allowlist
from tests.jobtypes.running import TrialContext, execute

ALLOWED = {
    "behave": {
        "how": {"type": "string", "max_length": 40},
        "count": {"type": "integer"},
        "loud": {"type": "boolean"},
    },
    "check": {},
    "choosy": {"colour": {"type": "choice", "choices": ["red", "blue"], "required": True}},
}


@pytest.fixture(autouse=True)
def allowed(settings, monkeypatch):
    settings.MANAGEMENT_COMMAND_ALLOWLIST = ALLOWED
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.jobtypes.command_settings")


def behave(context=None, **options):
    return execute("management_command", {"command": "behave", "options": options}, context)


def refused(command, options=None):
    with pytest.raises(InvalidParams) as problem:
        registry.validate("management_command", {"command": command, "options": options or {}})
    return problem.value.errors


def gone(pid):
    """Tell whether a process has ended, within two seconds; one that nobody has buried counts as ended."""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def pids(context):
    line = next(line for line in context.lines if line.startswith("pids"))
    return [int(word) for word in line.split()[1:]]


def when_it_runs(context, act):
    """Do something once the command and its child are there."""

    def watch():
        end = time.monotonic() + 20
        while "child" not in context.lines and time.monotonic() < end:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_options_reach_the_command_with_their_types():
    context = TrialContext()
    outcome = behave(context, how="a b; $(id) --settings=evil", count=-5, loud=True)
    assert context.lines == ["how=a b; $(id) --settings=evil count=-5 loud=True"]
    assert outcome.metrics["exit_code"] == 0
    assert outcome.summary.startswith("behave ended well in ")


def test_the_runs_process_group_is_named_while_it_lives():
    context = TrialContext()
    behave(context)
    group, end = context.groups
    assert end is None
    assert gone(group)


def test_an_exit_code_is_a_failure_that_shows_the_last_words():
    with pytest.raises(JobFailed, match="exit code 1: CommandError: the cat is away") as failure:
        behave(how="fail")
    assert failure.value.result["exit_code"] == 1
    assert failure.value.reason == "expected"


def test_only_what_django_needs_of_the_environment_is_handed_on(monkeypatch):
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://r:secret@db/x")
    monkeypatch.setenv("PYTHONPATH", "/tmp/evil")
    context = TrialContext()
    behave(context, how="environment")
    seen = json.loads(context.lines[0])
    assert "WAREHOUSE_URL" not in seen
    assert "PYTHONPATH" not in seen
    assert seen["DJANGO_SETTINGS_MODULE"] == "tests.jobtypes.command_settings"


def test_much_output_is_handed_on_line_by_line_and_its_end_is_kept():
    context = TrialContext()
    outcome = behave(context, how="flood", count=20_000)
    assert len(context.lines) == 20_000
    assert outcome.metrics["output_bytes"] > 1_900_000
    assert len(outcome.result["output"]) <= 131_072
    assert outcome.result["output"].endswith("line 19999 " + "x" * 90 + "\n")


def test_output_that_is_no_text_is_marked_and_long_lines_are_cut():
    context = TrialContext()
    behave(context, how="bytes")
    assert context.lines == ["\ufffd\0", "y" * 4000]


def test_a_cancelled_command_dies_with_its_children():
    context = TrialContext()
    watcher = when_it_runs(context, context.stop.set)
    with pytest.raises(JobCancelled):
        behave(context, how="slow")
    watcher.join()
    assert all(gone(pid) for pid in pids(context))


def test_a_command_that_ignores_sigterm_is_killed_five_seconds_after_its_timeout():
    context = TrialContext()
    watcher = when_it_runs(context, lambda: setattr(context, "deadline", datetime.now(UTC)))
    with pytest.raises(JobTimedOut):
        behave(context, how="stubborn")
    watcher.join()
    assert 4.9 < (datetime.now(UTC) - context.deadline).total_seconds() < 7
    assert all(gone(pid) for pid in pids(context))


def test_a_child_that_the_command_left_behind_is_killed():
    context = TrialContext()
    outcome = behave(context, how="leave-a-child")
    assert outcome.metrics["exit_code"] == 0
    assert gone(pids(context)[1])


@pytest.mark.parametrize(
    "command", ["shell", "flush", "migrate", "behave --how=x", "--settings=evil", "../behave", ""]
)
def test_a_command_that_is_not_listed_is_refused_at_the_save(command):
    assert list(refused(command)) == ["command"]


def test_a_command_that_was_taken_off_the_list_is_not_run(settings):
    settings.MANAGEMENT_COMMAND_ALLOWLIST = {}
    context = TrialContext()
    with pytest.raises(JobFailed, match="Nothing was run") as failure:
        behave(context)
    assert not failure.value.retry
    assert context.groups == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"settings": "evil"}, "takes no option 'settings'"),
        ({"pythonpath": "/tmp"}, "takes no option"),
        ({"--how": "x"}, "takes no option"),
        ({"ho": "x"}, "takes no option"),
        ({"how": "x" * 41}, "At most 40"),
        ({"how": "a\nb"}, "Control characters"),
        ({"how": "a\0b"}, "Control characters"),
        ({"how": 5}, "Write a text"),
        ({"count": "5"}, "whole number"),
        ({"count": True}, "whole number"),
        ({"count": 10**30}, "whole number"),
        ({"loud": "yes"}, "true or false"),
        ({"loud": 1}, "true or false"),
        ({"how": 1.5}, "valid"),
        ({"how": ["x"]}, "valid"),
        ({"how": None}, "valid"),
    ],
)
def test_an_option_of_another_kind_is_refused(options, sentence):
    assert sentence in str(refused("behave", options))


def test_a_choice_is_one_of_its_words_and_may_be_required():
    assert refused("choosy") == {"options.colour": ["This option is required."]}
    assert refused("choosy", {"colour": "green"}) == {"options.colour": ["Write one of red, blue."]}
    registry.validate("management_command", {"command": "choosy", "options": {"colour": "red"}})


def test_options_are_spelled_so_that_a_value_is_never_an_option():
    options = {"how": "--settings=evil", "count": -1, "loud": True, "quiet": False}
    assert allowlist.arguments(options) == ["--count=-1", "--how=--settings=evil", "--loud"]


@pytest.mark.parametrize(
    "setting",
    [
        [],
        {"a": []},
        {"a": {"b": {}}},
        {"a": {"b": {"type": "text"}}},
        {"a": {"b": {"type": "choice"}}},
        {"a": {"b": {"type": "string", "choices": ["x"]}}},
        {"a": {"b": {"type": "string", "max": 5}}},
        {"a": {"settings": {"type": "string"}}},
        {"a": {"--b": {"type": "string"}}},
        {"a b": {}},
    ],
)
def test_a_malformed_allowlist_stops_the_start_and_is_named(settings, setting):
    settings.MANAGEMENT_COMMAND_ALLOWLIST = setting
    assert any("MANAGEMENT_COMMAND_ALLOWLIST" in error.msg for error in run_checks())


def test_a_wellformed_allowlist_passes_the_check():
    assert not [error for error in run_checks() if "ALLOWLIST" in error.msg]


def test_the_engine_gives_a_stubborn_command_its_five_seconds():
    assert registry.job_type("management_command").stop_grace_seconds > 5


def test_no_shell_variable_is_read(monkeypatch):
    monkeypatch.setenv("HARBOUR", "open")
    context = TrialContext()
    behave(context, how="$HARBOUR")
    assert "how=$HARBOUR" in context.lines[0]
    assert "HARBOUR" in os.environ
