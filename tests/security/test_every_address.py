"""Walk all addresses: each keeps out strangers, people without a role, lower roles, and people of elsewhere.

A new address is walked as soon as it exists. One that is open on purpose stands in a table here, with its reason.
"""

import json
import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import ApiToken, AuditEntry
from jobruns.models import SchedulerProcess
from jobtypes.models import AlertIncident, AlertState, ImportedFile, ImportFileResult, RejectedRow
from schedules.models import TagLimit, Template
from tests.security import compliance
from tests.security.addresses import SAFE, every_address

ADDRESSES = every_address()
WRITING = re.compile("INSERT|UPDATE|DELETE", re.IGNORECASE)

# Open to everybody.
OPEN = {
    "health": "says up or down and nothing else",
    "live": "says up or down and nothing else",
    "ready": "says up or down and nothing else",
    "login": "where one signs in",
    "logout": "there is nothing to sign out of",
    "admin/login/": "leads to the login",
    "admin/logout/": "there is nothing to sign out of",
    "api/v1/": "says that there is no such address",
    "admin/nothing/": "leads to the login",
}
# Open to who is signed in, without any role.
OWN = {
    "api/v1/tokens": "one's own tokens, which carry no more than one's own rights",
    "api/v1/tokens/{object}": "one's own tokens; those of others are 404",
    "login": OPEN["login"],
    "logout": OPEN["logout"],
    "admin/login/": OPEN["admin/login/"],
    "admin/logout/": OPEN["admin/logout/"],
}
# Sent with POST, but only read: open to viewers.
READING = {
    "api/v1/schedules/preview": "computes what was sent",
    "api/v1/schedules/{object}/preview-change": "computes what was sent",
    "api/v1/schedules/bulk/operation": "is judged by the operation in the body; see tests/api/test_bulk.py",
    "admin/password_change/": "one's own password",
}
# The last words of addresses by which operators act.
OPERATING = {
    *("trigger", "run", "pause", "resume", "enable", "disable", "backfill", "withdraw", "cancel", "retry", "again"),
    *("replay", "silence", "unsilence", "acknowledge", "move", "operation", "changed", "act"),
}
# Others by which they act: elsewhere these last words mean a change.
ACTING = {
    "api/v1/import-projects/{object}/import",
    "api/v1/import-projects/{object}/dry-run",
    "api/v1/import-projects/{object}/test",
    "imports/{object}/import",
    "imports/{object}/dry-run",
}
# Redirects that look at no object and lead to an address that judges.
LEADING = re.compile(r"admin/\w+/\w+/\{object\}/|admin/schedules/schedule/\{object\}/delete/")
# What belongs to no environment, and why.
COMMON = {
    "tokens": "of a user",
    "tag-limits": "holds over all environments",
    "catalogs": "controls are of no environment; only who has no limit deletes a catalog",
    "control-requirements": "controls are of no environment; only who has no limit changes what they require",
    "integrations/apitoken": "of a user",
    "schedules/taglimit": "holds over all environments",
    "jobtypes/catalog": "controls are of no environment; nobody changes a catalog here",
    "jobtypes/control": "controls are of no environment; nobody changes one here",
    "jobtypes/controlrequirement": "controls are of no environment; only who has no limit changes what they require",
    "auth/user": "people are of no environment; only who has no limit changes them",
    "auth/group": "people are of no environment",
    "jobruns/schedulerprocess": "processes serve all environments",
    "django_apscheduler/djangojob": "superusers only",
    "django_apscheduler/djangojobexecution": "superusers only",
    "r/1": "leads to the pages of objects, which judge",
}


@pytest.fixture
def objects(worlds):
    """Return kind, as addresses call it → an object of production, or one that is of no environment."""
    there = worlds["production"]
    template = Template(name="production pattern", environment="production", definition={"job_type": "noop"})
    template.store(by="tester")
    alert = AlertState.objects.create(
        schedule_id=there.schedule.pk, name="production alert", environment="production"
    )
    incident = AlertIncident.objects.create(
        state=alert, kind="alert", opened_at=timezone.now(), first_run_id=1, last_run_id=1
    )
    file = ImportFileResult.objects.create(
        run_id=there.run.pk, project="p", environment="production", filename="a.csv", status="failed"
    )
    reject = RejectedRow.objects.create(file=file, line=2, reason="short")
    imported = ImportedFile.objects.create(
        project=there.project, table_name="t", filename="a.csv", size=1, imported_at=timezone.now(), run_id=1
    )
    common = SimpleNamespace(
        limit=TagLimit.objects.create(tag="nightly", max_running=1),
        process=SchedulerProcess.objects.create(name="one", host="here", pid=1, version="0"),
        entry=AuditEntry.objects.filter(environment="production").first(),
    )
    api = {
        "schedules": there.schedule,
        "runs": there.run,
        "executions": there.run,
        "connections": there.connection,
        "channels": there.channel,
        "deliveries": there.delivery,
        "notice-rules": there.own_rule,
        "calendars": there.calendar,
        "templates": template,
        "alerts": there.schedule,  # whose number names it
        "import-projects": there.project,
        "systems": there.system,
        "evidence": there.evidence,
        "waivers": there.waiver,
        "imports": there.project,
        "audit": common.entry,
        "changes": common.entry,
        "tag-limits": common.limit,
    }
    workshop = {
        "schedules/schedule": there.schedule,
        "schedules/calendar": there.calendar,
        "schedules/noticerule": there.rule,
        "schedules/template": template,
        "schedules/taglimit": common.limit,
        "jobruns/jobrun": there.run,
        "jobruns/schedulerprocess": common.process,
        "integrations/connection": there.connection,
        "integrations/channel": there.channel,
        "integrations/delivery": there.delivery,
        "integrations/auditentry": common.entry,
        "jobtypes/alertstate": alert,
        "jobtypes/alertincident": incident,
        "jobtypes/importproject": there.project,
        "jobtypes/system": there.system,
        "jobtypes/evidence": there.evidence,
        "jobtypes/evidenceaccess": there.evidence.accesses.get(),
        "jobtypes/waiver": there.waiver,
        "jobtypes/manifest": there.entry.manifest,
        "jobtypes/manifestentry": there.entry,
        "jobtypes/importfileresult": file,
        "jobtypes/rejectedrow": reject,
        "jobtypes/importedfile": imported,
        "auth/group": Group.objects.first(),
    }
    return {**api, **workshop, **compliance.kept("production")}


def pk_of(address, objects, otherwise=1):
    one = objects.get(address.kind)
    return otherwise if one is None else one.pk


@pytest.fixture
def walk(objects):
    """Return a function that asks every address and names all whose answers are not as they must be.

    With `harmless`, a page that takes a POST like a GET, shows what it shows and writes nothing, will do.
    """

    def go(user, fits, *, left_out=(), methods=None, harmless=False):
        client = Client(raise_request_exception=False)
        if user is not None:
            client.force_login(user)
        wrong = []
        for address in ADDRESSES:
            if address.pattern in left_out:
                continue
            for method in address.methods:
                if methods is not None and not methods(address, method):
                    continue
                status, wrote = answer(client, method, address.at(pk_of(address, objects)))
                shows = harmless and not wrote and status in {200, 302} and not address.pattern.startswith("api/")
                if not (fits(status) or shows):
                    wrong.append(f"{method} /{address.pattern}: {status}")
        if wrong:
            pytest.fail("\n".join(wrong), pytrace=False)

    return go


def refused(status):
    """Tell whether an answer is a refusal."""
    return status in {403, 404, 405}


def gone(status):
    """Tell whether an answer says that there is no such thing."""
    return status in {404, 405}


def in_workshop(address, method):
    """Tell whether it is an address of the workshop."""
    return address.pattern.startswith("admin/")


def looking(address, method):
    """Tell whether one asks to see an object."""
    return method == "GET" and not address.pattern.endswith("/delete/")


def answer(client, method, path):
    """Return the status of an answer, "login" for one that leads to it, and whether it wrote; that is undone."""
    with transaction.atomic(), CaptureQueriesContext(connection) as said:
        body = {"data": json.dumps({}), "content_type": "application/json"} if path.startswith("/api/") else {}
        response = client.generic(method, path, **body) if body or method != "POST" else client.post(path, {})
        transaction.set_rollback(True)
    place = response.headers.get("Location", "")
    status = "login" if response.status_code == 302 and "/login" in place else response.status_code
    return status, any(WRITING.match(one["sql"]) for one in said.captured_queries)


def test_there_are_addresses():
    assert len(ADDRESSES) > 150


def test_no_exception_is_left_of_an_address_that_is_gone():
    known = {address.pattern for address in ADDRESSES}
    assert {*OPEN, *OWN, *READING, *ACTING} - known == set()


@pytest.mark.django_db
def test_a_stranger_is_asked_to_sign_in(walk):
    walk(None, lambda status: status in {401, 405, "login"}, left_out=OPEN)


def test_a_user_without_a_role_may_nothing(walk, person):
    walk(person(""), refused, left_out={*OPEN, *OWN})


def test_a_viewer_changes_nothing(walk, person):
    def unsafe(address, method):
        return method not in SAFE

    left_out = {*OPEN, *OWN, *READING}
    walk(person("viewer"), refused, left_out=left_out, methods=unsafe, harmless=True)


def test_an_operator_changes_nothing_but_by_the_acts_of_operators(walk, person):
    def editing(address, method):
        words = address.pattern.strip("/").split("/")
        return method not in SAFE and not OPERATING & {words[-1], words[-2] if len(words) > 1 else ""}

    left_out = {*OPEN, *OWN, *READING, *ACTING}
    walk(person("operator"), refused, left_out=left_out, methods=editing, harmless=True)


def test_an_editor_changes_nothing_of_administrators(walk, person):
    guarded = ("connection", "channel", "tag-limit", "taglimit", "auth/", "apitoken")

    def administering(address, method):
        return method not in SAFE and any(word in address.pattern for word in guarded)

    walk(person("editor"), refused, methods=administering, harmless=True)


def test_what_lies_elsewhere_is_not_there(walk, objects, person):
    def of_an_object(address, method):
        return "{object}" in address.pattern and address.kind not in COMMON

    unknown = {address.kind for address in ADDRESSES if of_an_object(address, "")} - objects.keys()
    assert unknown == set(), "say in `objects` which object these addresses mean, or in COMMON why it is everybody's"
    # 403 in the workshop alone: of what nobody adds, changes or deletes there, whatever the object.
    user, left_out = person("admin", "staging"), [one.pattern for one in ADDRESSES if LEADING.fullmatch(one.pattern)]
    walk(user, refused, left_out=left_out, methods=lambda *asked: of_an_object(*asked) and in_workshop(*asked))
    walk(user, gone, left_out=left_out, methods=lambda *asked: of_an_object(*asked) and not in_workshop(*asked))
    walk(user, gone, left_out=left_out, methods=lambda *asked: of_an_object(*asked) and looking(*asked))


def test_the_same_addresses_lead_somewhere_for_who_sees_everything(walk, objects, person):
    def readable(address, method):
        return method == "GET" and "{object}" in address.pattern and address.kind not in COMMON

    walk(person("admin"), lambda status: status not in {404, 500}, methods=readable)


def test_tokens_of_others_are_not_there(walk, person):
    foreign, _ = ApiToken.issue(user=person("viewer"), name="foreign")
    client = Client()
    client.force_login(person("admin", "staging"))
    assert client.get(f"/api/v1/tokens/{foreign.pk}").status_code == 404
    assert client.get(f"/admin/integrations/apitoken/{foreign.pk}/change/").status_code == 404
