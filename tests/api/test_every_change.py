"""Every address of the API that changes something leaves an entry in the audit trail.

Each has a request here that changes something; what only answers is named, so that a new address cannot be forgotten.
"""

import re

import pytest
from django.utils import timezone

from integrations.models import AuditEntry, Delivery
from jobruns.models import JobRun
from jobtypes.models import Catalog, Control, Finding, System
from scheduler_site import api
from schedules.models import Schedule
from tests.jobtypes.watching import Alert

pytestmark = pytest.mark.django_db

ANSWERS = {
    "POST schedules/preview",
    "POST schedules/(pk)/preview-change",
    "POST calendars/(pk)/preview-change",
    "POST alerts/test",
    "POST import-projects/(pk)/dry-run",
}
SCHEDULE = {"name": "fresh", "job_type": "noop", "schedule_type": "manual"}
HOOK = {"name": "hook", "kind": "webhook", "url": "https://hooks.example.com/x"}
CRM = {"name": "crm", "kind": "http", "address": "https://crm.example.com", "headers": {"X-Key": "a"}}
SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T03:00:00Z"}
ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
ICS += "DTSTART;VALUE=DATE:20260704\r\nSUMMARY:Closed\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
TEMPLATE = {"name": "form", "definition": {"job_type": "noop", "schedule_type": "manual"}, "parameters": []}

SYSTEM = {"name": "harbour", "environment": "edge"}
EVIDENCE = {"system": "harbour", "evidence_type": "audit-log"}
WAREHOUSE = {"name": "warehouse", "kind": "sql", "address": "postgresql://db.example.com/stock"}
PROJECT = {"name": "files", "connection": "warehouse", "defaults": {"primary_key": "id"}}
WAIVER = {"control_id": "AC-2", "systems": ["harbour"], "reason": "Accepted.", "expires": "2099-12-31"}


class Ground:
    """Something of every kind to change; numbers are made when they are asked for."""

    def __init__(self, admin):
        self.admin = admin

    def made(self, path, body):
        answer = self.admin.post(path, body)
        assert answer.status_code == 201, answer.content
        return answer.json()["id"]

    def schedules(self):
        body = {**SCHEDULE, "name": "nightly", "schedule_type": "interval", "interval_seconds": 3600}
        return self.made("schedules", {**body, "callback_url": "https://hooks.example.com/c"})

    def schedules_paused(self):
        pk = self.schedules()
        self.admin.post(f"schedules/{pk}/pause", {})
        return pk

    def runs(self):
        return self.admin.post(f"schedules/{self.schedules()}/trigger", {}).json()["run_id"]

    def runs_failed(self):
        pk = self.runs()
        JobRun.objects.filter(pk=pk).update(status="failed")
        return pk

    executions, executions_failed = runs, runs_failed

    def connections(self):
        return self.made("connections", CRM)

    def warehouse(self):
        return self.made("connections", WAREHOUSE)

    def projects(self):
        self.warehouse()
        return self.made("import-projects", PROJECT)

    def channels(self):
        return self.made("channels", HOOK)

    def deliveries(self):
        return Delivery.objects.create(event="x", url="https://hooks.example.com", status="failed").pk

    def calendars(self):
        return self.made("calendars", {"name": "Works"})

    def templates(self):
        return self.made("templates", TEMPLATE)

    def instances(self):
        template = self.templates()
        made = self.made(f"templates/{template}/instantiate", {"name": "one", "parameters": {}})
        self.admin.patch(f"templates/{template}", {"definition": {**TEMPLATE["definition"], "priority": 9}})
        return template, made

    def systems(self):
        return self.made("systems", SYSTEM)

    def catalogs(self):
        return Catalog.objects.create(key="small", sha256="0" * 64, loaded_at=timezone.now()).pk

    def findings(self):
        control = Control.objects.create(catalog_id=self.catalogs(), control_id="AC-2", family="AC")
        system = System.objects.get(pk=self.systems())
        found = {"system": system, "control": control, "title": "It fails", "found_at": timezone.now()}
        return Finding.objects.create(**found).pk

    def tokens(self):
        return self.made("tokens", {"name": "for a program"})


def grounded(name):
    return lambda ground: getattr(ground, name)()


def backfilled(ground):
    pk = ground.schedules()
    Schedule.objects.filter(pk=pk).update(anchor_at="2026-01-01T00:00:00Z")
    return pk


def withdrawn(ground):
    pk = backfilled(ground)
    answer = ground.admin.post(f"schedules/{pk}/backfill", SPAN)
    return pk, {"correlation_id": answer.json()["correlation_id"]}


def edited(ground):
    pk = ground.schedules()
    ground.admin.patch(f"schedules/{pk}", {"priority": 8})
    return pk


def alerted(ground):
    alert = Alert()
    alert.say("ALERT")
    return alert.schedule.pk


def silenced(ground):
    pk = alerted(ground)
    ground.admin.post(f"alerts/{pk}/silence", {"for": "2h"})
    return pk


def upgraded(ground):
    template, made = ground.instances()
    return template, {"schedule_ids": [made]}


CHANGES = {
    "POST schedules": (None, SCHEDULE),
    "PUT schedules/(pk)": (grounded("schedules"), {"priority": 8}),
    "PATCH schedules/(pk)": (grounded("schedules"), {"priority": 8}),
    "DELETE schedules/(pk)": (grounded("schedules"), None),
    "POST schedules/(pk)/pause": (grounded("schedules"), {}),
    "POST schedules/(pk)/disable": (grounded("schedules"), {}),
    "POST schedules/(pk)/resume": (grounded("schedules_paused"), {}),
    "POST schedules/(pk)/enable": (grounded("schedules_paused"), {}),
    "POST schedules/(pk)/trigger": (grounded("schedules"), {}),
    "POST schedules/(pk)/run": (grounded("schedules"), {}),
    "POST schedules/(pk)/callback-secret": (grounded("schedules"), {}),
    "POST schedules/(schedule_id)/backfill": (backfilled, SPAN),
    "POST schedules/(schedule_id)/backfill/cancel": (withdrawn, None),
    "POST alerts/(pk)/silence": (alerted, {"for": "2h"}),
    "POST alerts/(pk)/unsilence": (silenced, {}),
    "POST alerts/(pk)/acknowledge": (alerted, {}),
    "POST schedules/(schedule_id)/rollback": (edited, {"version": 1}),
    "POST schedules/bulk/create": (None, {"schedules": [SCHEDULE]}),
    "POST schedules/bulk/operation": (None, {"filter": {"name": "nightly"}, "operation": "pause"}),
    "POST runs/(pk)/cancel": (grounded("runs"), {}),
    "POST runs/(pk)/retry": (grounded("runs_failed"), {}),
    "POST executions/(pk)/cancel": (grounded("runs"), {}),
    "POST executions/(pk)/retry": (grounded("runs_failed"), {}),
    "POST connections": (None, CRM),
    "PUT connections/(pk)": (grounded("connections"), {"description": "x"}),
    "PATCH connections/(pk)": (grounded("connections"), {"description": "x"}),
    "DELETE connections/(pk)": (grounded("connections"), None),
    "POST connections/(pk)/test": (grounded("connections"), {}),
    "POST channels": (None, HOOK),
    "PUT channels/(pk)": (grounded("channels"), {"description": "x"}),
    "PATCH channels/(pk)": (grounded("channels"), {"description": "x"}),
    "DELETE channels/(pk)": (grounded("channels"), None),
    "POST channels/(pk)/rotate-secret": (grounded("channels"), {}),
    "POST channels/(pk)/test": (grounded("channels"), {}),
    "POST deliveries/(pk)/replay": (grounded("deliveries"), {}),
    "POST notice-rules": (grounded("channels"), {"event": "failure", "channels": ["hook"]}),
    "POST tag-limits": (None, {"tag": "a", "max_running": 1}),
    "POST calendars": (None, {"name": "Works"}),
    "PUT calendars/(pk)": (grounded("calendars"), {"description": "x"}),
    "PATCH calendars/(pk)": (grounded("calendars"), {"description": "x"}),
    "DELETE calendars/(pk)": (grounded("calendars"), None),
    "POST calendars/(pk)/holidays": (grounded("calendars"), {"country": "LV", "years": [2026]}),
    "POST calendars/(pk)/import": (grounded("calendars"), {"ics": ICS, "first_year": 2026, "last_year": 2026}),
    "POST calendars/(pk)/roll-back": (grounded("calendars"), {"version": 1}),
    "POST templates": (None, TEMPLATE),
    "PUT templates/(pk)": (grounded("templates"), {"description": "x"}),
    "PATCH templates/(pk)": (grounded("templates"), {"description": "x"}),
    "DELETE templates/(pk)": (grounded("templates"), None),
    "POST templates/(pk)/instantiate": (grounded("templates"), {"name": "one", "parameters": {}}),
    "POST templates/(pk)/upgrade": (upgraded, None),
    "POST import-projects": (grounded("warehouse"), PROJECT),
    "POST import-projects/(pk)/import": (grounded("projects"), {}),
    "POST import-projects/(pk)/test": (grounded("projects"), {}),
    "POST systems": (None, SYSTEM),
    "POST evidence": (grounded("systems"), EVIDENCE),
    "POST waivers": (grounded("systems"), WAIVER),
    "POST control-requirements": (None, {"family": "AC", "required_all": ["audit-log"]}),
    "DELETE catalogs/(pk)": (grounded("catalogs"), None),
    "POST findings/(pk)/move": (grounded("findings"), {"status": "investigating"}),
    "POST tokens": (None, {"name": "for a program"}),
    "DELETE tokens/(pk)": (grounded("tokens"), None),
}
OWNED = {
    "notice-rules": {"event": "failure", "channels": ["hook"]},
    "tag-limits": {"tag": "a", "max_running": 1},
    "systems": SYSTEM,
    "evidence": EVIDENCE,
    "waivers": WAIVER,
    "control-requirements": {"family": "AC", "required_all": ["audit-log"]},
    "import-projects": PROJECT,
}
CHANGED = {
    "notice-rules": {"event": "recovery"},
    "tag-limits": {"max_running": 2},
    "systems": {"description": "x"},
    "evidence": {"path": "x"},
    "waivers": {"notes": "x"},
    "control-requirements": {"remediation": "x"},
    "import-projects": {"skiprows": 1},
}
BEFORE = {"notice-rules": "channels", "evidence": "systems", "waivers": "systems", "import-projects": "warehouse"}


def owned(path):
    def make(ground):
        if path in BEFORE:
            grounded(BEFORE[path])(ground)
        return ground.made(path, OWNED[path])

    return make


for _path in OWNED:
    for _method in ("PUT", "PATCH", "DELETE"):
        CHANGES[f"{_method} {_path}/(pk)"] = (owned(_path), None if _method == "DELETE" else CHANGED[_path])


def addresses():
    for pattern in api.addresses:
        actions = getattr(pattern.callback, "actions", None)
        text = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"(\1)", str(pattern.pattern)).strip("^$")
        for method in actions or {}:
            if method in {"post", "put", "patch", "delete"}:
                yield f"{method.upper()} {text}"


def test_every_address_that_changes_something_is_tried_below():
    known = set(addresses())
    assert known - ANSWERS - CHANGES.keys() == set(), "say what it changes, or that it only answers"
    assert CHANGES.keys() - known == set(), "no such address"


@pytest.mark.parametrize("address", sorted(CHANGES))
def test_it_is_written_down(admin, address):
    prepare, body = CHANGES[address]
    if address == "POST schedules/bulk/operation":
        prepare = grounded("schedules")
    made = prepare(Ground(admin)) if prepare else None
    pk, body = made if isinstance(made, tuple) else (made, body)
    before = AuditEntry.objects.count()
    method, path = address.split(" ")
    path = re.sub(r"\(\w+\)", str(pk), path)
    answer = admin.send(method, path, body)
    assert answer.status_code < 300, answer.content
    written = AuditEntry.objects.order_by("pk")[before:]
    assert [(entry.actor, entry.actor_id, entry.source) for entry in written][:1] == [("ada", admin.user.pk, "api")]
