"""A marker in every secret field, and failures forced with it: it is nowhere but in the encrypted columns."""

import base64
import io
import json
import re
import subprocess
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.test import Client

from integrations import http, sender
from integrations.channels import Message
from integrations.models import Channel, Connection, Delivery
from jobruns.management.commands import runschedule
from jobruns.models import JobRun
from jobruns.runner import Assignment, execute
from schedules.models import Schedule
from tests.jobtypes.running import TrialContext
from tests.security.logbook import logged
from tests.security.storm.target import paths
from tests.webserver import Reply, Site

HEADER, PASSWORD, WEBHOOK, PATH, ENVIRONMENT, NATS, INLINE, SFTP = (
    f"marker-{name}-5ecre7"
    for name in ("header", "passw0rd", "webhook", "path", "environment", "nats", "inline", "sftp")
)
SIGNING = "whsec_" + base64.b64encode(b"marker-signing-5ecre7-0123456789").decode()
MARKERS = [HEADER, PASSWORD, WEBHOOK, PATH, ENVIRONMENT, NATS, INLINE, SFTP, SIGNING]
ENCRYPTED = re.compile(r"gAAAA[A-Za-z0-9_=-]+")


def leaks(text):
    """Return the markers in a text, whatever way they may be quoted there."""
    return [marker for marker in MARKERS if marker in text or marker.replace("-", "%2D") in text]


def around(text, marker):
    place = text.find(marker)
    return text[max(place - 150, 0) : place + 150]


@pytest.fixture
def site(settings):
    server = Site()
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{server.port}", "127.0.0.1:1"]
    yield server
    server.close()


@pytest.fixture
def planted(admin, site, monkeypatch, settings, tmp_path):
    """Plant the markers through the API; the receivers of them give all that they get back, in every place."""
    settings.LOCAL_FILES_ROOT = tmp_path
    (tmp_path / "a.csv").write_text("id\n1\n")
    monkeypatch.setenv("MARKED_VALUE", ENVIRONMENT)
    site.reply = Reply(500, {"Content-Type": f"text/{HEADER}"}, f"{HEADER} {ENVIRONMENT}".encode())
    site.pages["/hook"] = Reply(500, {}, WEBHOOK.encode())
    site.pages["/own"] = Reply(500, {}, INLINE.encode())
    site.pages[f"/services/{PATH}"] = Reply(200, {}, PATH.encode())
    for body in (
        {"name": "service", "kind": "http", "address": site.url,
         "headers": {"Authorization": f"Bearer {HEADER}", "X-Env": "${MARKED_VALUE}"}},
        {"name": "shop", "kind": "sql", "address": f"postgresql://reader:{PASSWORD}@127.0.0.1:1/shop"},
        {"name": "bus", "kind": "nats", "address": f"nats://reader:{NATS}@127.0.0.1:1"},
        {"name": "drop", "kind": "sftp", "host": "127.0.0.1", "port": 1, "username": "export", "password": SFTP,
         "host_key": f"SHA256:{'A' * 43}"},
    ):  # fmt: skip
        answer = admin.post("connections", body)
        assert answer.status_code == 201, answer.content
    project = {"name": "files", "connection": "shop", "source": "drop", "config": {"defaults": {"primary_key": "id"}}}
    assert admin.post("import-projects", project).status_code == 201
    webhook = {"name": "hook", "kind": "webhook", "url": f"{site.url}/hook", "signing_secret": SIGNING,
               "headers": {"X-Token": WEBHOOK}}  # fmt: skip
    slack = {"name": "slack", "kind": "slack", "webhook_url": f"{site.url}/services/{PATH}"}
    for body in (webhook, slack):
        answer = admin.post("channels", body)
        assert answer.status_code == 201, answer.content
    notify = [{"channel": "webhook", "url": f"{site.url}/own", "headers": {"X-Token": INLINE}}]
    about = {"schedule_type": "manual", "max_retries": 0}
    for name, job_type, params in (
        ("call", "http_request", {"connection": "service", "url": "/x"}),
        ("ask", "sql_alert", {"connection": "shop", "query": "SELECT 'OK' AS status", "notify": notify}),
        ("load", "csv_import", {"project": "files", "local_files": ["a.csv"]}),
        ("fetch", "csv_import", {"project": "files"}),
    ):
        body = {"name": name, "job_type": job_type, "params": params, **about}
        answer = admin.post("schedules", body, Idempotency_Key=name)
        assert answer.status_code == 201, answer.content
        for wrong in ({"name": ""}, {"timeout_seconds": -1}, {"params": {**params, "notify": [*notify, 7]}}):
            refused = admin.post("schedules", {**body, **wrong})
            assert (refused.status_code, leaks(refused.content.decode())) == (400, [])
    return SimpleNamespace(admin=admin, site=site)


def run(name):
    """Execute a schedule's work in this process as a child does, and keep the run as the recorder writes it."""
    schedule = Schedule.objects.get(name=name)
    row = schedule.runs.request(by="ada", params=schedule.params)
    ending = execute(
        Assignment(row.pk, schedule.pk, name, schedule.job_type, "production", json.dumps(schedule.params),
                   row.scheduled_for, 1, row.correlation_id, row.idempotency_key, 20),
        TrialContext(),
    )  # fmt: skip
    written = {part: getattr(ending, part) for part in ("status", "reason", "summary", "error", "traceback")}
    JobRun.objects.filter(pk=row.pk).update(
        **written, started_at=ending.started_at, finished_at=ending.finished_at,
        result=json.loads(ending.result), metrics=json.loads(ending.metrics),
    )  # fmt: skip
    assert ending.status == "failed"
    return ending


def deliver_everything():
    for delivery in Delivery.objects.claim(100):
        sender.deliver(delivery)


def tell(*names):
    message = Message(event="failure", title="call", status="FAILED", text="It failed.")
    for channel in Channel.objects.filter(name__in=names):
        Delivery.of(message, channel).save()


@pytest.fixture
def written_logs(request):
    """Return what is logged meanwhile, in the form that the test names, at the lowest level."""
    with logged(request.param, "DEBUG") as lines:
        yield lines


def everything_that_can_be_read(admin):
    """Yield (address, text) of every address that answers, as the API's caller and as a person in the browser."""
    browser = Client(raise_request_exception=False)
    browser.force_login(admin.user)
    rows = sorted({1, *(model.objects.values_list("pk", flat=True).order_by("-pk").first() or 1
                        for model in (Connection, Channel, Delivery, JobRun, Schedule))})  # fmt: skip
    for path in {re.sub(r"%\(\w+\)s", str(row), f"/{path}") for path in paths() for row in rows}:
        if "logout" in path or "/schema" in path or "/docs" in path:
            continue
        answer = (admin if path.startswith("/api/") else browser).get(path)
        yield path, b"".join(answer).decode(errors="replace") + str(answer.headers)


def texts_of_all_tables():
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                yield table, ENCRYPTED.sub("", repr(row))


@pytest.mark.parametrize("written_logs", ["text", "json"], indirect=True)
def test_a_secret_is_nowhere_but_in_its_encrypted_column(planted, written_logs, monkeypatch):
    said = [run(name) for name in ("call", "ask", "load", "fetch")]
    said += [planted.admin.post(f"import-projects/files/{act}").content.decode() for act in ("test", "dry-run")]
    tell("hook", "slack")
    deliver_everything()
    for pk in Connection.objects.values_list("pk", flat=True):
        said.append(planted.admin.post(f"connections/{pk}/test").content.decode())
        said.append(planted.admin.patch(f"connections/{pk}", {"name": "\0"}).content.decode())
        said.append(planted.admin.patch(f"connections/{pk}", {"address": "https://other.invalid"}).content.decode())
    for pk in Channel.objects.values_list("pk", flat=True):
        said.append(planted.admin.post(f"channels/{pk}/test").content.decode())
        said.append(planted.admin.patch(f"channels/{pk}", {"url": "http://127.0.0.1/"}).content.decode())
    real = http.send

    def crash(request, **options):
        raise RuntimeError(f"{request.url} {request.secret_headers} {request.headers}")

    monkeypatch.setattr(http, "send", crash)
    said.append(run("call"))
    tell("hook", "slack")
    deliver_everything()
    monkeypatch.setattr(http, "send", real)
    assert said[-1].reason == "error"
    assert "***" in said[-1].traceback
    found = [("answers and endings", str(said))]
    found += everything_that_can_be_read(planted.admin)
    found += texts_of_all_tables()
    found += [("the log", written_logs.getvalue())]
    assert [(where, marker, around(text, marker)) for where, text in found for marker in leaks(text)] == []
    assert {leak for one in planted.site.received for leak in leaks(f"{one.headers} {one.path}")} >= {HEADER, WEBHOOK}


@pytest.mark.django_db(transaction=True)
def test_the_file_of_the_database_holds_no_secret_in_plain(planted):
    run("call")
    if database.vendor != "sqlite":
        pytest.skip("the tables of PostgreSQL are read by the test above")
    call_command("sqlflush", stdout=io.StringIO())
    with database.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # By another process: who opens and closes the file itself gives up SQLite's locks on it.
    command = ["cat", str(database.settings_dict["NAME"])]
    raw = subprocess.run(command, capture_output=True, check=True).stdout.decode("latin-1")
    assert "gAAAA" in raw
    assert leaks(ENCRYPTED.sub("", raw)) == []


def test_a_run_in_the_foreground_prints_no_secret(planted):
    run("call")
    assert leaks(json.dumps(runschedule.as_json(JobRun.objects.latest("pk")))) == []


def test_stars_keep_every_secret_when_an_answer_is_sent_back(planted):
    for kind, model in (("connections", Connection), ("channels", Channel)):
        for row in model.objects.all():
            before, shown = row.secrets, planted.admin.get(f"{kind}/{row.pk}").json()
            answer = planted.admin.put(f"{kind}/{row.pk}", shown)
            assert answer.status_code == 200, answer.content
            assert model.objects.get(pk=row.pk).secrets == before


def test_keys_are_rotated_by_listing_the_new_one_first(planted, settings):
    old = settings.ENCRYPTION_KEYS
    new = base64.urlsafe_b64encode(b"n" * 32).decode()
    settings.ENCRYPTION_KEYS = [new, *old]
    row = Connection.objects.get(name="service")
    assert row.secrets["headers"]["Authorization"] == f"Bearer {HEADER}"
    row.offer({"headers": {"Authorization": f"Bearer {HEADER}2"}})
    row.store(by="ada")
    settings.ENCRYPTION_KEYS = [new]
    assert Connection.objects.get(name="service").secrets["headers"] == {"Authorization": f"Bearer {HEADER}2"}
    answer = planted.admin.get(f"connections/{Connection.objects.get(name='shop').pk}")
    assert answer.status_code == 200
    assert leaks(answer.content.decode()) == []
