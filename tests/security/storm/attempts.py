"""Make hostile requests from a seed: mostly a sensible request with something wrong in one or two places."""

from collections.abc import Iterator
from random import Random
from urllib.parse import quote_from_bytes, urlencode

from tests.security.storm import evil
from tests.security.storm.target import CSRF, Caller, Route
from tests.security.storm.wire import Attempt

METHODS = (
    ["GET"] * 6 + ["POST"] * 6 + ["PATCH", "PATCH", "PUT", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"]
)
PAGE_NAMES = ["q", "page", "before", "span", "status", "month", "tab", "next", "after", "id", "all", "count",
    "sure", "p",
    "o", "e", "all", "kind", "job_type", "_popup", "_to_field", "_changelist_filters", "cursor", "limit", "page_size",
    "ordering", "format", "term", "app_label", "model_name", "field_name", "status__exact", "id__in", "pk__gt",
    "environment__exact", "created_at__year", "owner__id__exact", "_selected_action", "action", "select_across",
    "index"]  # fmt: skip
VERBS = ["run", "pause", "resume", "delete", "backfill", "explain", "x", "a" * 200, "__init__"]
SEGMENTS = ["..", "%2e%2e", "%00", "%ff", "//", ";", "%0d%0aX:1", "\xff", "a" * 3_000, "?", "#", "%", "%zz", "."]
QUERIES = ["", "?", "&&&", "=", "==&=", "%", "%zz=%", "%ff=%ff", "a=" + "b" * 5_000, "&".join(["a=1"] * 3_000),
    "\xff=\xff",
    "q=%00", "q=%ED%A0%80", ";", "cursor=W10", "cursor=W2ZhbHNlLG51bGwsMV0", "q[]=1",
    "q=" + "x%20" * 400]  # fmt: skip


def attempts(seed: str, routes: list[Route], callers: list[Caller]) -> Iterator[Attempt]:
    """Yield requests without end, the same ones for the same seed, addresses and callers."""
    chance = Random(seed)
    kinds = [[route for route in routes if route.path.startswith(prefix)] for prefix in ("api/", "admin/", "")]
    by_session = [caller for caller in callers if caller.by_session] or callers
    while True:
        kind = chance.choices(range(3), [6, 3, 1])[0]
        some = by_session if kind and chance.random() < 0.9 else callers
        yield attempt(chance, chance.choice(kinds[kind]), chance.choice(some + some[-1:] * 3))


def attempt(chance: Random, route: Route, caller: Caller) -> Attempt:
    """Return one request to `route` in the name of `caller`."""
    method = chance.choice(METHODS)
    if route.bodies and chance.random() < 0.6:
        method = chance.choice(list(route.bodies))
    target = path(chance, route)
    asked = query(chance, route)
    made = Attempt(method, f"{target}?{asked}" if asked else target, list(caller.headers), caller=caller.name)
    if method in {"POST", "PUT", "PATCH", "DELETE"} or chance.random() < 0.02:
        content_type, made.body = body(chance, route, method, by_session=caller.by_session)
        made.headers.append(("Content-Type", content_type))
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2])):
        name, values = chance.choice(evil.HEADERS)
        if name == "Cookie":
            made.headers = [one for one in made.headers if one[0] != "Cookie"]
        made.headers.append((name, chance.choice(values)))
    return made


def path(chance: Random, route: Route) -> str:
    """Return the route with its arguments filled in, mostly sensibly, now and then with something odd behind."""
    filled = "/" + route.path
    while "%(" in filled:
        before, _, rest = filled.partition("%(")
        name, _, after = rest.partition(")s")
        words = VERBS if name in {"verb", "name"} else evil.IDS
        usual = ["1", "2", "3", "4", "5"] if words is evil.IDS else VERBS[:4]
        filled = before + chance.choice(usual if chance.random() < 0.7 else words) + after
    return filled if chance.random() < 0.93 else filled + chance.choice(["/", ""]) + chance.choice(SEGMENTS)


def query(chance: Random, route: Route) -> str:
    """Return a query string: none, one with parameters that the address knows, or rubbish."""
    kind = chance.random()
    if kind < 0.35:
        return ""
    if kind > 0.95:
        return chance.choice(QUERIES)
    names = route.names if route.names and chance.random() < 0.8 else PAGE_NAMES
    pairs = [
        (chance.choice(names), chance.choice([evil.text, number])(chance)) for _ in range(chance.randrange(1, 4))
    ]
    return "&".join(f"{name}={encoded(text)}" for name, text in pairs)[:7_000]


def number(chance: Random) -> str:
    """Return a number as text."""
    return str(chance.choice(evil.NUMBERS))


def encoded(text: str) -> str:
    """Return text as a query string carries it; half surrogate pairs become broken UTF-8."""
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"))


def body(chance: Random, route: Route, method: str, *, by_session: bool) -> tuple[str, bytes]:
    """Return a content type and a body: a form where the page has one, else JSON, else rubbish."""
    kind = chance.random()
    if kind < 0.1:
        return chance.choice(evil.CONTENT_TYPES), chance.choice(evil.BODIES)
    if kind < 0.2:
        return "application/json", chance.choice(evil.BODIES)
    if route.forms or (by_session and not route.path.startswith("api/")):
        return form(chance, chance.choice(route.forms) if route.forms else [("sure", "1")])
    known = route.bodies.get(method) or [one for some in route.bodies.values() for one in some]
    if known:
        return "application/json", evil.written(evil.spoiled(chance, chance.choice(known)))
    return "application/json", evil.written(evil.value(chance))


def form(chance: Random, fields: list[tuple[str, str]]) -> tuple[str, bytes]:
    """Return a form with some of its fields spoiled, as it is typed or as it is uploaded."""
    sent = [(name, CSRF if name == "csrfmiddlewaretoken" else value) for name, value in fields]
    for _ in range(chance.choice([1, 1, 2, 4])):
        place = chance.randrange(len(sent))
        act = chance.randrange(6)
        if act == 0:
            sent.pop(place)
            sent = sent or [("x", "y")]
        elif act == 1:
            sent.append((sent[place][0], evil.text(chance)))
        elif sent[place][0] != "csrfmiddlewaretoken":
            sent[place] = (sent[place][0], evil.text(chance))
    pairs = [(name, value.encode("utf-8", "surrogatepass")) for name, value in sent]
    if chance.random() < 0.8:
        return "application/x-www-form-urlencoded", urlencode(pairs).encode()
    parts = [
        b'--storm\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in pairs
    ]
    if chance.random() < 0.3:
        parts.append(
            b'--storm\r\nContent-Disposition: form-data; name="file"; filename="../../x\x00"\r\n\r\n\xff\r\n'
        )
    return "multipart/form-data; boundary=storm", b"".join(parts) + chance.choice([b"--storm--\r\n", b"", b"--storm"])
