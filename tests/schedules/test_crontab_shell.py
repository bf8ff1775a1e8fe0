"""A command line is read as a shell reads it, and nothing is run."""

import shlex
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schedules.crontab.shell import NotSimple, simple


def words(command, **variables):
    return list(simple(command, variables).words)


PLAIN = st.text(alphabet="ab /.-:?*'\"\\\t,%@", max_size=30)


@given(PLAIN)
@example('"a\\"b\\c"\'d\\\'')
def test_words_are_those_of_another_reader_of_shell_lines(command):
    try:
        expected = shlex.split(command)
    except ValueError:
        expected = None
    if command.rstrip(" \t").endswith("\\") or "\\\t" in command or expected == []:
        return  # an escape at the end means something else to each
    if expected is None:
        with pytest.raises(NotSimple):
            simple(f"x {command}", {})
    else:
        assert words(f"x {command}") == ["x", *expected]


@given(st.text(max_size=60))
def test_any_text_is_one_command_or_refused(command):
    with suppress(NotSimple):
        assert simple(command, {"A": "b"}).words


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("curl https://a.example.com/?a=1 # every night", ["curl", "https://a.example.com/?a=1"]),
        ("a >/dev/null 2>&1", ["a"]),
        ("a 2> /dev/null >> /var/log/a.log", ["a"]),
        ("a &> /dev/null;", ["a"]),
        ("a b2>/dev/null", ["a", "b2"]),
        ("cd /srv/app && ./manage.py x", ["./manage.py", "x"]),
        ("cd /srv/app; ./manage.py x", ["./manage.py", "x"]),
        ("LANG=C nice -n 10 ionice -c 3 -n7 flock -n -w 5 /tmp/a.lock a -b", ["a", "-b"]),
        ("/usr/bin/nice -15 chronic a", ["a"]),
        ("a || true", ["a"]),
        ("curl \"$URL/x\" ${URL} '$URL'", ["curl", "http://u/x", "http://u", "$URL"]),
        ('echo 5$ "$" a\\ b', ["echo", "5$", "$", "a b"]),
    ],
)
def test_what_surrounds_a_command_is_left_out(command, expected):
    assert words(command, URL="http://u") == expected


def test_what_is_left_out_and_matters_is_said():
    found = simple("cd /srv && flock /l a >> /var/log/a.log || true", {})
    assert [note[:20] for note in found.notes] == [
        "It began in /srv; he",
        "What it says is kept",
        "A failure was passed",
        "Its lock (flock) is ",
    ]
    assert simple("a >/dev/null 2>&1", {}).notes == ()


@pytest.mark.parametrize(("time", "seconds"), [("30", 30), ("5m", 300), ("1.5h", 5400), ("0.2s", 1)])
def test_a_time_limit_is_kept(time, seconds):
    assert simple(f"timeout -k 5 -s KILL {time} a", {}).timeout_seconds == seconds


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("a | b", "pipes"),
        ("a && b", "chains"),
        ("a; b", "chains"),
        ("a || b", "chains"),
        ("a &", "background"),
        ("(a)", "shell of its own"),
        ("a $(b)", "inside another"),
        ("a `b`", "inside another"),
        ('a "$(b)"', "inside another"),
        ("a < b", "reads a file"),
        ("a $HOME", r"\$HOME, which the crontab does not set"),
        ("a $1", "of the shell"),
        ("a 'b", "not closed"),
        ("a >", "Nothing follows"),
        ("a $WORDS", "outside quotes"),
        ("DJANGO_SETTINGS_MODULE=x a", "sets DJANGO_SETTINGS_MODULE"),
        ("flock /tmp/l -c 'a | b'", "hands a text"),
        ("timeout soon a", "cannot be read"),
        ("cd /srv && ", "chains|no command"),
        ("", "no command"),
    ],
)
def test_what_takes_a_shell_is_refused(command, said):
    with pytest.raises(NotSimple, match=said):
        simple(command, {"WORDS": "one two"})
