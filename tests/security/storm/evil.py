"""Values that programs choke on, drawn from a seeded generator. Pure."""

import json
from random import Random
from typing import Any

TEXTS = [
    "", " ", "\t", "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202eevil", "\u200b", "\x1b[31m", "a\r\nX-Evil: 1",
    "é" * 300, "😀" * 70, "ﬀ", "İ", "ß", "٣", "１２", "²", "½", "①②⑦.0.0.1", "a" * 256, "a" * 2001, "a" * 70_000,
    "None", "null", "undefined", "true", "on", "NaN", "Infinity", "-Infinity", "1e999", "-0", "0x10", "1_000",
    "0", "-1", "1", "2", "3", "007", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
    "9" * 40, "9" * 5_000, "-" + "9" * 30, "1.5", "1,5", ".", "..", "../../etc/passwd", "/etc/passwd", "%00", "%ff",
    "%2e%2e%2f", "'", '"', "';--", "' OR 1=1 --", '"; DROP TABLE schedules_schedule; --', "\\", "\\x00",
    "${SECRET_KEY}",
    "{{7*7}}", "{% debug %}", "{0.__class__}", "%(x)s", "%s%n%d", "$(id)", "`id`", "<script>alert(1)</script>",
    "<!--", "]]>", "&#0;", "=cmd|'/c calc'!A1", "@SUM(A1)", "***", "__all__", "id", "-id", "pk", "password",
    "owner__password", "created_by__isnull", "[]", "{}", "[", "{", '{"a":', "[" * 5_000,
]  # fmt: skip
TIMES = [
    "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999Z",
    "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-03-29T03:30:00", "2026-10-25T03:30:00", "24:00", "2026-13",
    "2026-W01", "2026-01-01", "0000-00-00", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "9998-12-31T23:59:59Z",
    "2026-01-01T00:00:00+99:99", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00+25:00", "now", "-62135596800", "1e18",
    "2026-01-01T00:00:00.1234567890123Z", "2026-01-01 00:00", "99999-01-01", "-2026-01-01", "P1D", "PT0S",
]  # fmt: skip
CRONS = [
    "* * * * *", "*/0 * * * *", "0-59/61 * * * *", "60 24 32 13 8", "0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "H H * * *",
    "H/0 * * * *", "@reboot", "@every 0s", "* * * * * *", "* * * * * * *", "L * * * *", "0 0 L * *", "0 0 * * 5#6",
    "0 0 29 2 *", "-1 * * * *", "1-0 * * * *", ",,,, * * * *", "*," * 400 + "* * * * *", "," * 100_000,
    "1" * 900 + " * * * *", "\u0661 * * * *", "0 0 1W * *", "JAN * * * *", "0 0 * JAN-DEC MON-SUN", "*/1e9 * * * *",
]  # fmt: skip
ZONES = [
    "UTC", "Europe/Riga", "Europe/riga", "../../etc/passwd", "/etc/localtime", "Etc/GMT+12", "posixrules",
    "localtime",
    "Factory", "Australia/Lord_Howe", "", "UTC+3", "US/Eastern\0", "Africa/El_Aaiun", "a" * 65,
]  # fmt: skip
ADDRESSES = [
    "http://127.0.0.1/", "http://[::1]/", "http://0/", "http://2130706433/", "http://169.254.169.254/latest/",
    "http://[64:ff9b::7f00:1]/", "file:///etc/passwd", "gopher://x/", "http://u:p@x.invalid/",
    "https://hook.invalid/",
    "//x", "http://", "http://x.invalid:99999/", "http://[::", "http://\u2100.invalid/", "http://xn--a.invalid/",
    "sqlite:///../../etc/passwd", "sqlite:////etc/passwd", "sqlite:///:memory:", "postgresql://", "mysql://u:p@[/x",
    "postgresql://u:p@127.0.0.1:1/x?options=-c%20a=b", "oracle://x", "http://" + "a" * 64 + ".invalid/",
]  # fmt: skip
NUMBERS = [
    0, -1, 1, 2, 59, 60, 3600, 86_400, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63,
    -(2**63) - 1,
    10**30, 10**99, -(10**99), 0.1, -0.0, 1.0, 1e-300, 1.7e308,
]  # fmt: skip
IDS = ["1", "2", "3", "4", "5", "8", "13", "0", "00001", "999999999999999999", "9" * 19, "9" * 400, "-1", "٣", "1.0",
       "x", "%00", "%ff", "..", "%2e%2e", "1%2f2", "a" * 300, "%F0%9F%98%80", "1;2", "_5F", "__fk__"]  # fmt: skip
BODIES = [
    b"", b"\x00", b"\xff\xfe", b"{", b"[", b"nul", b"NaN", b"[NaN]", b'{"a":1e999}', b'{"a":' + b"9" * 5_000 + b"}",
    b"[" * 100_000, b"[" * 31 + b"]" * 31, b'{"a":' * 20_000, b'{"a":1,"a":2}', b'{"name":"\\ud800"}',
    b'{"name":"\\u0000"}',
    b"\xef\xbb\xbf{}", '{"name":"x"}'.encode("utf-16"), b'{"name":"\xc3\x28"}', b"[" + b"0," * 60_000 + b"0]",
    b'""', b"0",
    b"true", b'{"' + b"a" * 60_000 + b'":1}', b"\x1f\x8b\x08\x00\x00", b"a=1&b=2", b"{}" * 1_000, b"'", b"\r\n\r\n",
    b"{" + b",".join(b'"f%d":1' % number for number in range(3_000)) + b"}", b"[{}]", b"[[]]", b"[null]", b"{}",
]  # fmt: skip
CONTENT_TYPES = [
    "application/json", "application/json; charset=utf-16", "application/json;charset=nonsense", "text/plain", "",
    "x",
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-7", "multipart/form-data",
    "multipart/form-data; boundary=" + "b" * 300, "multipart/form-data; boundary=x", "application/xml", "text/html",
    "application/json, application/json", "*/*", "application/octet-stream", "application/problem+json",
    "a/b; q=\xff",
]  # fmt: skip
HEADERS = [
    ("If-Match", ["*", '"1"', "1", '"' + "9" * 40 + '"', 'W/"1"', '""', ",,,", '"\xff"', "a" * 4_000]),
    ("Idempotency-Key", ["k", "", " ", "\t", "k" * 255, "k" * 256, "\xff", "{}", "é", "k-1", "k-2"]),
    ("Accept", ["application/xml", "*/*;q=abc", "text/html", "", "a" * 3_000, "application/json; indent=99999999",
                "application/json;indent=-1", "application/vnd.oai.openapi", ",;,", "text/html,*/*"]),
    ("Accept-Language", ["de", "xx-" * 200, "*", "en;q=9", "\xff", "../../de", "en-" + "a" * 600]),
    ("Accept-Encoding", ["gzip", "gzip;q=nan", "br, *;q=0", "\xff"]),
    ("Range", ["bytes=0-", "bytes=9-1", "bytes=-9999999999999999999", "pages=1"]),
    ("If-None-Match", ["*", "x", 'W/"']), ("If-Modified-Since", ["x", "Thu, 01 Jan 99999 00:00:00 GMT", "-1"]),
    ("Cookie", ["sessionid=x", "sessionid=" + "a" * 3_000, "zone=../../etc/passwd", "zone=\xff",
    "csrftoken=\xff; ;;=",
                "messages=x", "messages=[[\"__json_message\",0,20,\"x\"]]:x:x", "=" * 500, "django_language=../x"]),
    ("Host", ["evil.example", "127.0.0.1:99999", "[::1", "", "a" * 300, "127.0.0.1@x", "127.0.0.1, x", "\xff"]),
    ("X-Forwarded-Host", ["evil.example"]), ("X-Forwarded-Proto", ["https", "https,http"]),
    ("X-Forwarded-For", ["127.0.0.1", "\xff", "a" * 500]), ("X-HTTP-Method-Override", ["DELETE", "x"]),
    ("X-Correlation-ID", ["x", "\xff", "a" * 500, "a b", "<script>", "%0d%0a"]), ("HX-Request", ["true", "x"]),
    ("HX-Current-URL", ["http://[", "\xff", "x"]), ("HX-Boosted", ["true"]), ("HX-Target", ["\xff"]),
    ("HX-Current-URL-URI-AutoEncoded", ["true"]), ("Referer", ["http://[", "\xff", "javascript:1",
    "//evil.example/"]),
    ("Origin", ["null", "http://evil.example", "http://["]), ("X-CSRFToken", ["x", "a" * 64, "\xff"]),
    ("Authorization", ["Bearer", "Bearer ", "Bearer x", "Bearer \xff", "bearer " + "a" * 5_000, "Basic YTpi", "x"]),
    ("X-API-Key", ["", "x", "\xff", "car_" + "a" * 40]), ("X-User", ["admin"]), ("Remote-User", ["storm-root"]),
    ("REMOTE_USER", ["storm-root"]), ("X-Remote-User", ["storm-root"]), ("Content-Encoding", ["gzip", "x"]),
    ("Upgrade", ["websocket", "h2c"]), ("Expect", ["x"]), ("traceparent", ["x", "\xff"]), ("Max-Forwards", ["0"]),
    ("X-Giant", ["a" * 7_900, "a" * 9_000, "a" * 60_000]), ("X-Méthode".encode().decode("latin-1"), ["x"]),
]  # fmt: skip


def text(chance: Random) -> str:
    """Return a text that somebody may not have thought of."""
    return chance.choice(chance.choice([TEXTS, TEXTS, TIMES, CRONS, ZONES, ADDRESSES]))


def value(chance: Random, depth: int = 0) -> Any:
    """Return any JSON value, wrong types and sizes included; texts may hold NUL and half surrogate pairs."""
    kind = chance.randrange(12)
    if kind < 5:
        return text(chance)
    if kind < 8:
        return chance.choice(NUMBERS)
    if kind == 8:
        return chance.choice([None, True, False])
    if kind == 9 or depth > 3:
        return chance.choice([[], {}, [None], [[]], {"": ""}, [0] * 2_000, ["x"] * 600])
    if kind == 10:
        return [value(chance, depth + 1) for _ in range(chance.randrange(1, 4))]
    return {text(chance)[:300]: value(chance, depth + 1) for _ in range(chance.randrange(1, 4))}


def written(body: Any) -> bytes:
    """Return a value as JSON bytes; half surrogate pairs stay escaped."""
    return json.dumps(body).encode()


def spoiled(chance: Random, body: dict[str, Any]) -> dict[str, Any]:
    """Return a valid body with one or a few of its members replaced, dropped, doubled in depth, or unknown."""
    found = dict(body)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        act, names = chance.randrange(8), list(found)
        name = chance.choice(names) if names else "name"
        if act < 5:
            inner = found.get(name)
            deeper = isinstance(inner, dict) and inner and chance.random() < 0.7
            found[name] = spoiled(chance, inner) if deeper else value(chance)
        elif act == 5:
            found.pop(name, None)
        elif act == 6:
            found[
                chance.choice(["id", "status", "created_by", "version", "encrypted", "__class__", text(chance)[:200]])
            ] = value(chance)
        else:
            found[name] = [found.get(name)] * chance.choice([1, 2, 300])
    return found
