"""Command lines that a job type can do as well."""

import pytest

from jobtypes import curl
from jobtypes.base import CommandLine, InvalidParams
from jobtypes.management_command import allowlist
from jobtypes.management_command.line import adopt

URL = "https://a.example.com/x"


def request(text, stdin=None):
    return curl.adopt(CommandLine(tuple(text.split()), stdin))


@pytest.mark.parametrize(
    ("text", "params"),
    [
        (f"curl -f {URL}", {"url": URL, "method": "GET"}),
        ("curl -f a.example.com", {"url": "http://a.example.com", "method": "GET"}),
        (f"/usr/bin/curl -fsSo /dev/null {URL}", {"url": URL, "method": "GET"}),
        (f"curl -fsSL -o/dev/null --url {URL}", {"url": URL, "method": "GET"}),
        ("curl -fg https://a.example.com/{a}", {"url": "https://a.example.com/{a}", "method": "GET"}),
        (f"curl -f -I {URL}", {"url": URL, "method": "HEAD"}),
        (f"curl -f -XDELETE {URL}", {"url": URL, "method": "DELETE"}),
        (
            f"curl -f -H X-A:b -A me {URL}",
            {"url": URL, "method": "GET", "headers": {"X-A": "b", "User-Agent": "me"}},
        ),
        (
            f"curl -f -d a=1 -d b=2 {URL}",
            {"url": URL, "method": "POST", "headers": {"Content-Type": curl.FORM}, "body": "a=1&b=2"},
        ),
        (
            f"curl -f -X PUT -H content-type:text/csv --data-raw @a {URL}",
            {"url": URL, "method": "PUT", "headers": {"content-type": "text/csv"}, "body": "@a"},
        ),
        (
            f"curl -f --json {{}} {URL}",
            {"url": URL, "method": "POST", "headers": {"Content-Type": curl.JSON, "Accept": curl.JSON}, "body": "{}"},
        ),
        (
            f"curl -f -G -d a=1 --data-urlencode b=ä&c {URL}?z=0",
            {"url": f"{URL}?z=0&a=1&b=%C3%A4%26c", "method": "GET"},
        ),
        (f"wget -q -O - {URL}", {"url": URL, "method": "GET"}),
        (f"wget -qO- {URL}", {"url": URL, "method": "GET"}),
        (f"wget -qO /dev/null --spider {URL}", {"url": URL, "method": "HEAD"}),
        (
            f"wget -nv --post-data=a=1 --header=X-A:b {URL}",
            {"url": URL, "method": "POST", "headers": {"X-A": "b", "Content-Type": curl.FORM}, "body": "a=1"},
        ),
    ],
)
def test_a_download_is_a_request(text, params):
    found = request(text)
    assert found is not None
    assert found.params == params
    assert found.notes == ()


def test_the_input_may_be_the_body():
    assert request(f"curl -f -d @- {URL}", "a\nb\n").params["body"] == "ab"
    assert request(f"curl -f --data-binary @- {URL}", "a\nb\n").params["body"] == "a\nb\n"


def test_limits_and_retries_are_kept():
    found = request(f"curl -f -m 2.5 --retry 3 {URL}")
    assert (found.timeout_seconds, found.max_retries) == (3, 3)
    assert request(f"wget -t 3 {URL}").max_retries == 2
    assert (request(f"curl -f {URL}").timeout_seconds, request(f"curl -f {URL}").max_retries) == (None, None)


def test_a_request_that_took_every_answer_is_told_of():
    assert request(f"curl -s {URL}").notes == (curl.STATUS,)


def test_a_name_holds_no_secret():
    assert request("curl -f https://u:geheim@a.example.com:8443/b/c?token=geheim").name == "a.example.com/b/c"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"curl -k {URL}", "certificates"),
        (f"wget --no-check-certificate {URL}", "certificates"),
        (f"curl -u me:geheim {URL}", "connection of kind http"),
        (f"curl -H Authorization:geheim {URL}", "connection of kind http"),
        (f"curl -H geheim {URL}", "Name: value"),
        (f"curl -o /tmp/a {URL}", "in a file"),
        (f"curl -O {URL}", "in a file"),
        (f"curl -d @/etc/passwd {URL}", "sends the file /etc/passwd"),
        (f"curl -d @- {URL}", "sends the file -"),
        (f"curl {URL} {URL}", "calls 2 addresses"),
        ("curl https://a.example.com/{a,b}", "stands for several"),
        ("curl https://a.example.com/x?n=[1-9]", "stands for several"),
        ("curl -s", "calls 0 addresses"),
        (f"curl --frobnicate {URL}", "--frobnicate of curl has no counterpart"),
        (f"curl -fZ {URL}", "-Z of curl has no counterpart"),
        (f"curl {URL} -X", "has no value"),
        (f"curl -m soon {URL}", "no number of seconds"),
        (f"wget -r {URL}", "in a file"),
    ],
)
def test_what_a_request_cannot_do_is_refused(text, said):
    with pytest.raises(InvalidParams, match=said) as refused:
        request(text)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("text", ["curlew x", "/opt/wget2 x", "python x.py", "echo curl"])
def test_other_programs_are_none_of_it(text):
    assert request(text) is None
    assert curl.adopt(CommandLine(())) is None


ALLOWED = allowlist.read(
    {"tidy": {"days": {"type": "integer"}, "deep": {"type": "boolean"}, "where": {"type": "string"}}, "plain": {}}
)


def managed(text, stdin=None):
    return adopt(CommandLine(tuple(text.split()), stdin), ALLOWED)


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("python manage.py plain", {"command": "plain", "options": {}}),
        ("/srv/.venv/bin/python3.12 -u /srv/manage.py plain", {"command": "plain", "options": {}}),
        (
            "./manage.py tidy --days 3 --deep --where=a",
            {"command": "tidy", "options": {"days": 3, "deep": True, "where": "a"}},
        ),
        ("django-admin tidy --days=many", {"command": "tidy", "options": {"days": "many"}}),
        ("manage.py other --x=1 --y", {"command": "other", "options": {"x": "1", "y": True}}),
    ],
)
def test_manage_py_is_a_management_command(text, params):
    assert managed(text).params == params


@pytest.mark.parametrize(
    ("text", "stdin", "said"),
    [
        ("manage.py", None, "names no command"),
        ("manage.py --version", None, "names no command"),
        ("manage.py tidy now", None, "argument 'now'"),
        ("manage.py tidy -v 2", None, "short option -v"),
        ("manage.py tidy --deep --deep", None, "given twice"),
        ("manage.py tidy", "yes\n", "standard input"),
    ],
)
def test_what_a_management_command_cannot_be_given_is_refused(text, stdin, said):
    with pytest.raises(InvalidParams, match=said):
        managed(text, stdin)


@pytest.mark.parametrize("text", ["python backup.py", "python -m http.server", "python", "unmanage.py x"])
def test_other_scripts_are_none_of_it(text):
    assert managed(text) is None
