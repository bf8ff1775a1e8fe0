"""What a crontab says, line by line."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.crontab.reader import Unreadable, read


def jobs(text, *, has_users=False):
    return [one for one in read(text, has_users=has_users) if one.expression]


def refusals(text, *, has_users=False):
    return {one.number: one.refusal for one in read(text, has_users=has_users) if one.refusal}


def test_a_line_is_five_fields_and_the_rest():
    [one] = jobs("\n  */5\t9-17 * * MON-FRI   curl  https://a.example.com  \n")
    assert (one.number, one.expression, one.command) == (2, "*/5 9-17 * * MON-FRI", "curl  https://a.example.com")


def test_nicknames_are_read_in_any_case_and_reboot_is_refused():
    assert [one.expression for one in jobs("@Daily a\n@hourly b")] == ["@daily", "@hourly"]
    assert "starts nothing" in refusals("@reboot a")[1]


def test_a_percent_sign_begins_the_input_and_each_further_one_a_line():
    [one] = jobs(r"0 0 * * * mail -s 100\% ops%Hello%5\% more")
    assert (one.command, one.stdin) == ("mail -s 100% ops", "Hello\n5% more\n")
    assert jobs("0 0 * * * a")[0].stdin is None


def test_a_zone_holds_for_the_lines_below_it():
    text = "0 0 * * * a\nCRON_TZ=Europe/Riga\n0 0 * * * b\nCRON_TZ = 'Asia/Tokyo'\n0 0 * * * c"
    assert [one.zone for one in jobs(text)] == ["", "Europe/Riga", "Asia/Tokyo"]


def test_lines_below_an_unknown_zone_are_refused_with_its_line():
    found = refusals("CRON_TZ=Mars/Base\n0 0 * * * a\nCRON_TZ=UTC\n0 0 * * * b")
    assert list(found) == [1, 2]
    assert "'Mars/Base' of line 1" in found[2]


def test_variables_hold_for_the_lines_below_them():
    first, second = jobs('A=1\n0 0 * * * a\n"B" = "two words"\n0 0 * * * b')
    assert first.variables == {"A": "1"}
    assert second.variables == {"A": "1", "B": "two words"}


def test_only_mail_and_zones_are_remarked_upon():
    found = read("SHELL=/bin/sh\nMAILTO=ops@example.com\nTZ=UTC\nMAILTO=\n", has_users=False)
    assert [bool(one.remark) for one in found] == [False, True, True, False]


def test_a_user_stands_before_the_command_where_there_is_a_column_for_it():
    first, second = jobs("0 0 * * * root a b\n@daily www-data:adm c", has_users=True)
    assert (first.user, first.command) == ("root", "a b")
    assert (second.user, second.command) == ("www-data:adm", "c")
    assert "leave --user-column out" in refusals("0 0 * * * /bin/a", has_users=True)[1]
    assert refusals("0 0 * * * root", has_users=True) == {1: "There is no command."}


@pytest.mark.parametrize("line", ["hello", "* * * *", "0 0 * * *", "@daily", "0 0 * * * %text"])
def test_a_line_that_is_no_job_is_refused(line):
    [one] = read(line, has_users=False)
    assert one.refusal or not one.command


@pytest.mark.parametrize(
    ("text", "comments"),
    [
        ("# Close the books\n0 0 * * * a", ["Close the books"]),
        ("# Close\n# the books\n0 0 * * * a", ["Close\nthe books"]),
        ("# Not this one\n\n0 0 * * * a", [""]),
        ("# m h  dom mon dow   command\n0 0 * * * a", [""]),
        ("#0 5 * * 1 tar -zcf /x /home\n0 0 * * * a", [""]),
        ("# 5 times a day it is too late for that\n0 0 * * * a", ["5 times a day it is too late for that"]),
        ("#---------\n# Books\n#=====\n0 0 * * * a", ["Books"]),
        ("# One\n0 0 * * * a\n# Two\n0 0 * * * b", ["One", "Two"]),
        ("# Of the variable\nA=1\n0 0 * * * a", [""]),
    ],
)
def test_the_comment_right_above_a_line_belongs_to_it(text, comments):
    assert [one.comment for one in jobs(text)] == comments


def test_a_comment_above_several_lines_is_a_heading():
    assert [one.is_alone for one in jobs("# Backups\n0 0 * * * a\n0 1 * * * b\n# Own\n0 2 * * * c")] == [
        False,
        False,
        True,
    ]


def test_endings_of_lines_and_marks_of_other_systems_do_not_matter():
    assert [one.command for one in jobs("\ufeff0 0 * * * a\r\n0 0 * * * b\r\n")] == ["a", "b"]


@given(st.text(st.sampled_from("0*/,-@# \t%\\\n=ACRON_TZ'\"rootx"), max_size=200), st.booleans())
def test_whatever_a_file_holds_each_line_is_read_or_refused(text, has_users):
    for one in read(text, has_users=has_users):
        assert one.refusal or one.expression or not one.command


def test_a_line_that_is_too_long_is_refused_at_once():
    began = time.monotonic()
    found = refusals("0 0 * * * " + "a" * 500_000 + "\nA=" + " " * 300_000 + "b\n# " + "* " * 100_000)
    assert time.monotonic() - began < 2
    assert list(found) == [1, 2, 3]
    assert "500010 characters" in found[1]


def test_a_file_of_too_many_lines_is_refused():
    with pytest.raises(Unreadable, match="10001 lines"):
        read("\n" * 10_001, has_users=False)
