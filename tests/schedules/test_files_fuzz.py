"""Whatever a file holds, it is taken over or refused in sentences: nothing crashes, and nothing is half done."""

import json

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedules.files import reading
from schedules.files.gathering import Gathered
from schedules.files.problems import Refused
from schedules.files.sync import FIELDS, sync

pytestmark = pytest.mark.django_db
WORDS = [
    *(
        "noop",
        "http_request",
        "sql_alert",
        "sql",
        "http",
        "nats",
        "email",
        "slack",
        "webhook",
        "apprise",
        "cron",
        "a",
    ),
    *("***", "${HOME}", "${SECRET_KEY}", "sqlite:///x.db", "sqlite:///", "https://example.com", "* * * * *", "UTC"),
    *("", "\x1b", "\u202e", "0", "2026-12-25", "x" * 3000, "/", "//", "http://[", "postgresql://u:***@h/d", "=cmd"),
]
NUMBERS = st.integers(-(10**25), 10**25) | st.sampled_from([0, 1, 2**31, 2**63]) | st.floats(allow_nan=False)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(WORDS))
KEYS = st.sampled_from([*WORDS, "name", "schedule", "on", "url", "query", "connection", "notify", "channel", "kind"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
RIGHT = {
    "connections": [{"kind": "sql", "url": "sqlite:///x.db"}, {"kind": "http", "url": "https://example.com"}],
    "channels": [
        {"kind": "email", "recipients": ["a@example.com"]},
        {"kind": "webhook", "url": "https://example.com", "headers": {"X-Key": "secret"}},
        {"kind": "slack", "webhook_url": "https://hooks.slack.com/x"},
    ],
    "calendars": [{"weekdays": ["mon"]}],
    "tag_limits": [{"max_running": 1}],
    "schedules": [
        {"name": "n", "job_type": "noop", "cron_expression": "0 3 * * *"},
        {
            "name": "n",
            "job_type": "http_request",
            "schedule_type": "manual",
            "params": {"url": "https://example.com"},
        },
        {"name": "n", "job_type": "sql_alert", "schedule_type": "interval", "interval_seconds": 60, "params": {}},
    ],
}


@st.composite
def files(draw):
    """Return a file with one entry that is right, but for some of its fields."""
    section = draw(st.sampled_from(list(RIGHT)))
    known = [name for name, field in FIELDS[section]().fields.items() if not field.read_only]
    wrong = st.dictionaries(st.sampled_from([*known, "was", "url", "webhook", "nonsense"]), VALUES, max_size=2)
    entry = {**draw(st.sampled_from(RIGHT[section])), **draw(wrong)}
    return {section: [entry] if section == "schedules" else {draw(st.sampled_from(["n", "\x1b", "x" * 300])): entry}}


ANYTHING = st.dictionaries(st.sampled_from([*RIGHT, "alerts", "database", "source", "nonsense"]), VALUES, max_size=3)
TEXTS = st.text(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>%@`'\"#,? \n\t<0", max_size=60)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(files() | ANYTHING)
def test_any_values_are_taken_over_once_or_refused(tmp_path, values):
    gathered = Gathered(tmp_path, {"f.json": json.dumps(values)})
    with transaction.atomic():
        if not refusal(sync, gathered):
            assert not sync(gathered).changes_something
        transaction.set_rollback(True)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_is_read_or_refused(text):
    refusal(reading.read, text, "f.yaml")


def refusal(act, *arguments):
    """Return what `act` is refused for; nothing if it is not. Anything else that it raises is a failure."""
    try:
        act(*arguments)
    except Refused as refused:
        return [problem.sentence for problem in refused.problems] or pytest.fail("refused without a reason")
    return []
