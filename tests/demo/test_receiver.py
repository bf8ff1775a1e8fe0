import pytest

from jobruns.demo.receiver import Receiver
from tests.jobtypes.running import TrialContext, execute

PARAMS = {"target_command": "cmd.notification.send.bulk", "command_payload": {"recipient_filter": "last_minute"}}


@pytest.fixture
def receiver(settings):
    found = Receiver()
    settings.NATS_URL = found.address
    found.start()
    yield found
    found.shutdown()
    found.server_close()


def test_it_acknowledges_a_command_as_a_stream_would(receiver):
    first = execute("command", PARAMS, TrialContext(idempotency_key="a"))
    second = execute("command", PARAMS, TrialContext(idempotency_key="b"))
    assert (first.result["stream"], first.result["sequence"]) == ("DEMO", 1)
    assert second.result["sequence"] == 2


def test_it_takes_a_message_once(receiver):
    execute("command", PARAMS, TrialContext(idempotency_key="a"))
    again = execute("command", PARAMS, TrialContext(idempotency_key="a", attempt=2))
    assert (again.result["sequence"], again.result["duplicate"]) == (1, True)
