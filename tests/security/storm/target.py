"""What the storm meets: a database with something in everything, users of each standing, and every address."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from html.parser import HTMLParser
from io import StringIO
from random import Random
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from integrations import roles
from integrations.models import ApiToken
from integrations.scopes import ROLES
from jobruns import rollups
from jobruns.models import JobRun

CSRF = "c" * 32
OWN = {  # what everybody may change: tokens, tries to sign in, what is told of both, who asked and read what
    *["integrations_apitoken", "integrations_keptanswer", "integrations_failedlogins", "django_session"],
    *["integrations_auditentry", "integrations_auditlink", "integrations_audithead"],
    *["integrations_requestcount", "jobtypes_evidenceaccess"],
}
KEPT_RUNS = 500
PADDING = 12  # users and tokens with small ids, which a lucky request may delete


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: by token, by session, or as a stranger. `may_write` beyond his own tokens."""

    name: str
    headers: tuple[tuple[str, str], ...] = ()
    by_session: bool = False
    may_write: bool = False


@dataclass(frozen=True)
class Route:
    """An address with `%(name)s` in the place of its arguments, and how one asks there for something sensible.

    `bodies` are JSON objects by method, `names` query parameters, `forms` the fields of the forms on the page.
    """

    path: str
    bodies: dict[str, list[dict[str, Any]]]
    names: list[str]
    forms: list[list[tuple[str, str]]]


def furnish() -> None:
    """Fill a fresh database: the demo's schedules and runs, and whatever the API's document has as examples."""
    call_command("migrate", verbosity=0)
    call_command("loaddemo", schedules=12, runs=300, verbosity=0, stdout=StringIO())
    for number in range(PADDING):
        user = User.objects.create_user(f"padding-{number}")
        ApiToken.issue(user=user, name="padding")
    client = Client(headers={"Authorization": dict(enter()[-2].headers)["Authorization"]})
    document = SchemaGenerator().get_schema(public=True)
    for _ in range(2):  # some need others
        for path, methods in document["paths"].items():
            if "post" in methods and "{" not in path:
                for body in _examples(methods["post"]):
                    client.post(path, body, content_type="application/json")
    newest = JobRun.objects.order_by("-pk").values_list("pk", flat=True)[KEPT_RUNS]
    JobRun.objects.filter(pk__lt=newest).delete()  # every row is read again and again
    rollups.catch_up(timezone.now())  # as schedulers do meanwhile


def enter() -> list[Caller]:
    """Return everybody who takes part, made anew where a request has removed or disabled somebody."""
    callers = [Caller("stranger")]
    for name in ("nobody", *ROLES, "root"):
        user, _ = User.objects.update_or_create(
            username=f"storm-{name}", defaults={"is_active": True, "is_superuser": name == "root"}
        )
        roles.give(user, name if name in ROLES else "", [])
        text = ApiToken.issue(user=user, name="storm")[1]
        may_write = name not in {"nobody", "viewer"}
        callers.append(Caller(f"{name} by token", (("Authorization", f"Bearer {text}"),), may_write=may_write))
        client = Client()
        client.force_login(user)
        cookie = f"sessionid={client.cookies['sessionid'].value}; csrftoken={CSRF}"
        callers.append(Caller(f"{name} by session", (("Cookie", cookie), ("X-CSRFToken", CSRF)), True, may_write))
    return callers


def routes() -> list[Route]:
    """Return every address that there is, in a fixed order."""
    document = SchemaGenerator().get_schema(public=True)
    described = {re.sub(r"\{\w+\}", "*", path): methods for path, methods in document["paths"].items()}
    client = Client()
    client.force_login(User.objects.get(username="storm-root"))
    found = []
    for path in paths():
        methods = described.get(re.sub(r"%\(\w+\)s", "*", f"/{path}"), {})
        bodies = {method.upper(): list(_bodies(told, document)) for method, told in methods.items()}
        names = [
            one["name"] for told in methods.values() for one in told.get("parameters", []) if one["in"] == "query"
        ]
        forms = [] if path.startswith("api/") or "logout" in path else _forms(client, path)
        found.append(
            Route(path, {method: some for method, some in bodies.items() if some}, sorted(set(names)), forms)
        )
    return found


def paths() -> list[str]:
    """Return every address that Django knows, with `%(name)s` in the place of its arguments."""
    return sorted(set(_paths(get_resolver())))


def digests() -> dict[str, str]:
    """Return a digest of each table, leaving out what reading and one's own tokens change."""
    found = {}
    for table in sorted(set(connection.introspection.table_names()) - OWN):
        with connection.cursor() as cursor:
            columns = [one.name for one in connection.introspection.get_table_description(cursor, table)]
            kept = [f'"{name}"' for name in columns if (table, name) != ("auth_user", "last_login")]
            cursor.execute(f'SELECT {", ".join(kept)} FROM "{table}"')
            found[table] = sha256("\n".join(sorted(map(repr, cursor.fetchall()))).encode()).hexdigest()
    return found


def _paths(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for name in resolver.reverse_dict:
        for possibilities, *_ in resolver.reverse_dict.getlist(name):
            yield from (prefix + form for form, _ in possibilities)
    for inner, below in resolver.namespace_dict.values():
        yield from _paths(below, prefix + inner)


def _bodies(told: dict[str, Any], document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from _examples(told)
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    for seed in range(3) if "schema" in content else ():
        sampled = _sample(content["schema"], document, Random(seed))
        if isinstance(sampled, dict):
            yield sampled


def _examples(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    yield from (one["value"] for one in content.get("examples", {}).values() if isinstance(one.get("value"), dict))


def _sample(schema: dict[str, Any], document: dict[str, Any], chance: Random, depth: int = 0) -> Any:
    """Return a value that the schema describes, roughly."""
    if "$ref" in schema:
        return _sample(document["components"]["schemas"][schema["$ref"].split("/")[-1]], document, chance, depth)
    for key in ("allOf", "oneOf", "anyOf"):
        if key in schema:
            return _sample(chance.choice(schema[key]), document, chance, depth)
    if "enum" in schema:
        return chance.choice(schema["enum"])
    if "default" in schema:
        return schema["default"]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        members = schema.get("properties", {}) if depth < 5 else {}
        return {name: _sample(one, document, chance, depth + 1) for name, one in members.items()}
    if kind == "array":
        return [_sample(schema.get("items", {}), document, chance, depth + 1)]
    if kind == "string":
        times = {"date-time": "2026-12-01T10:00:00Z", "date": "2026-12-01", "uri": "https://hook.invalid/"}
        return times.get(schema.get("format", ""), chance.choice(["x", "1", "UTC", "*/5 * * * *", "noop"]))
    return {"integer": 1, "number": 1.5, "boolean": True}.get(str(kind), {})


def _forms(client: Client, path: str) -> list[list[tuple[str, str]]]:
    """Return the fields of the page's forms, those of each kind that it offers included."""
    address = "/" + re.sub(r"%\(\w+\)s", "1", path)
    waiting, seen, found = [address], {address}, []
    while waiting:
        answer = client.get(waiting.pop())
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        page = Page()
        page.feed(answer.content.decode())
        found += [form for form in page.forms if form]
        more = [
            f"{address.partition('?')[0]}{link}" for link in page.links if link.startswith("?") and "add/" in path
        ]
        waiting += [one for one in more if one not in seen]
        seen.update(more)
    return found


class Page(HTMLParser):
    """The forms of a page, each as its fields' names and values, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[list[tuple[str, str]]] = []
        self.links: list[str] = []
        self.area = self.chosen = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        name, value = told.get("name") or "", told.get("value") or ""
        if tag == "a":
            self.links.append(told.get("href") or "")
        elif tag == "form":
            self.forms.append([])
        elif tag in {"input", "button"} and name and self.forms:
            self.forms[-1].append((name, value))
        elif tag in {"textarea", "select"} and name and self.forms:
            self.area = name
            self.forms[-1].append((name, ""))
        elif tag == "option" and self.area and self.forms and ("selected" in told or chancy(value)):
            self.forms[-1][-1] = (self.area, value)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"textarea", "select"}:
            self.area = ""


def chancy(value: str) -> bool:
    """Tell whether an option that is not chosen may be taken all the same: those of actions, mostly."""
    return value in {"delete_selected", "noop", "cron"}
