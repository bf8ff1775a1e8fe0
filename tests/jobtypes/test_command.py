import json
import threading
import time
import uuid

import pytest

from integrations.models import Connection
from jobtypes import registry
from jobtypes.base import InvalidParams, JobCancelled, JobFailed, JobTimedOut
from tests.bus import URL, Bus
from tests.jobtypes.running import TrialContext, execute
from tests.services import need


@pytest.fixture
def bus(settings):
    need("NATS", 4222)
    settings.NATS_URL = URL
    found = Bus()
    yield found
    found.close()


@pytest.fixture
def command(bus, settings):
    name = f"{bus.prefix}.process.invoices"
    settings.COMMAND_WHITELIST = [name]
    return name


def trial():
    return TrialContext(idempotency_key=f"k-{uuid.uuid4()}")


def refused(**params):
    with pytest.raises(InvalidParams) as problem:
        registry.validate("command", {"target_command": "cmd.billing.process.invoices", **params})
    return problem.value.errors


def failed(context=None, **params):
    with pytest.raises(JobFailed) as problem:
        execute("command", params, context or trial())
    return problem.value


def test_a_stream_keeps_the_command_in_its_envelope(bus, command):
    stream = bus.keep(command)
    context = trial()
    outcome = execute(
        "command", {"target_command": command, "command_payload": {"batch": 200, "name": "Žofie"}}, context
    )
    [message] = bus.kept(stream)
    body = json.loads(message.data)
    assert message.subject == command
    assert message.headers["Nats-Msg-Id"] == context.idempotency_key == body["idempotency_key"]
    assert body["event_type"] == command
    assert body["payload"] == {"batch": 200, "name": "Žofie"}
    assert body["correlation_id"] == context.correlation_id
    assert body["metadata"] == {
        "source_service": "carillon",
        "version": "1.0",
        "schedule_id": 3,
        "execution_id": 7,
        "schedule_name": "trial",
        "scheduled_for": "2026-03-29T01:00:00+00:00",
        "attempt_number": 1,
    }
    assert outcome.result["stream"] == stream
    assert outcome.result["sequence"] == 1
    assert outcome.summary.endswith("Its work is not awaited.")


def test_a_second_attempt_at_one_instant_is_kept_once(bus, command):
    stream = bus.keep(command)
    context = trial()
    execute("command", {"target_command": command}, context)
    context.attempt = 2
    outcome = execute("command", {"target_command": command}, context)
    assert len(bus.kept(stream)) == 1
    assert outcome.result["duplicate"] is True


def test_without_a_stream_nobody_keeps_it_and_the_run_says_so(command):
    problem = failed(target_command=command)
    assert str(problem) == f"No stream takes the subject {command}; nobody keeps the message."
    assert problem.result["error_type"] == "no_stream"
    assert problem.retry


def test_without_an_acknowledgement_the_server_having_it_is_enough(bus, command):
    bus.answer(command, None)
    outcome = execute("command", {"target_command": command, "require_ack": False}, trial())
    assert "nobody may have heard it" in outcome.summary
    deadline = time.monotonic() + 5
    while not bus.heard and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bus.heard[0]["event_type"] == command


def test_a_reply_is_kept(bus, command):
    bus.answer(command, b'{"status": "done", "rows": 3}')
    outcome = execute("command", {"target_command": command, "complete_on": "reply"}, trial())
    assert outcome.result["reply"] == {"status": "done", "rows": 3}


@pytest.mark.parametrize("word", ["error", "failed"])
def test_a_reply_that_says_it_failed_fails_the_run(bus, command, word):
    bus.answer(command, json.dumps({"status": word, "error": "no such invoice"}).encode())
    problem = failed(target_command=command, complete_on="reply")
    assert str(problem) == f"{command} was answered: no such invoice"
    assert problem.reason == "expected"


def test_a_command_that_nobody_listens_to_fails_at_once(command):
    began = time.monotonic()
    problem = failed(target_command=command, complete_on="reply")
    assert problem.result["error_type"] == "no_responder"
    assert time.monotonic() - began < 10


def test_a_reply_that_does_not_come_times_out(bus, command):
    bus.answer(command, None)
    with pytest.raises(JobTimedOut) as problem:
        execute("command", {"target_command": command, "complete_on": "reply"}, TrialContext(seconds=2.0))
    assert problem.value.result["error_type"] == "timeout"


def test_waiting_for_a_reply_ends_when_somebody_cancels(bus, command):
    bus.answer(command, None)
    context = trial()
    threading.Timer(0.3, context.stop.set).start()
    with pytest.raises(JobCancelled):
        execute("command", {"target_command": command, "complete_on": "reply"}, context)


def test_a_message_that_a_stream_refuses_is_not_tried_again(bus, command):
    bus.keep(command, max_msg_size=500)
    problem = failed(target_command=command, command_payload={"text": "x" * 2_000})
    assert problem.result["error_type"] == "rejected"
    assert not problem.retry


def test_a_server_that_is_away_is_unreachable(command, settings):
    settings.NATS_URL = "nats://127.0.0.1:1"
    problem = failed(target_command=command)
    assert problem.result["error_type"] == "unreachable"
    assert problem.retry


def test_without_a_server_the_setting_is_named(command, settings):
    settings.NATS_URL = ""
    assert "NATS_URL" in str(failed(target_command=command))


def test_a_command_taken_off_the_list_is_not_sent(bus, command, settings):
    stream = bus.keep(command)
    settings.COMMAND_WHITELIST = []
    problem = failed(target_command=command)
    assert problem.result["error_type"] == "not_allowed"
    assert not problem.retry
    assert bus.kept(stream) == []


@pytest.mark.parametrize(
    "name", [">", "cmd.*", "cmd.x\r\nPUB y", "CMD.a.b", "cmd.a", "cmd.a..b", "cmd." + "a." * 7 + "a"]
)
def test_what_is_no_command_is_refused(name):
    assert list(refused(target_command=name)) == ["target_command"]


def test_a_command_that_is_not_listed_is_refused():
    assert "COMMAND_WHITELIST" in refused(target_command="cmd.other.thing.done")["target_command"][0]


def nested(levels):
    value = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (nested(33), "32 levels"),
        ({"a": "x" * 262_144}, "262144"),
        ({"a": float("nan")}, "NaN"),
        ({"a": "\0"}, "NUL"),
    ],
)
def test_a_payload_has_its_limits(payload, word):
    assert word in refused(command_payload=payload)["command_payload"][0]


def test_the_edge_of_each_limit_is_taken():
    for payload in (nested(32), {"a": "x" * (262_144 - len('{"a": ""}'))}):
        registry.validate("command", {"target_command": "cmd.billing.process.invoices", "command_payload": payload})


@pytest.mark.django_db
def test_a_connection_carries_it_and_its_password_stays_out_of_sight(bus, command):
    stream = bus.keep(command)
    Connection(name="bus", kind="nats", address="nats://carillon:s3cret@127.0.0.1:4222").store(by="test")
    assert Connection.objects.get().address == "nats://carillon:***@127.0.0.1:4222"
    execute("command", {"target_command": command, "connection": "bus"}, trial())
    assert len(bus.kept(stream)) == 1


@pytest.mark.django_db
def test_a_connection_that_is_not_there_is_refused():
    assert list(refused(connection="nowhere")) == ["connection"]
