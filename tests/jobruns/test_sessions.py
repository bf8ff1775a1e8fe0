"""What a firing process asks of its PostgreSQL sessions: nobody waits for ever for one that froze."""

import time
from contextlib import closing

import psycopg
import pytest
from django.db import connection

from jobruns.engine import claims, sessions
from tests.jobruns.conftest import postgresql

__all__ = ["postgresql"]


def connect(**options):
    wanted = {**connection.get_connection_params(), **options}
    return psycopg.connect(
        **{key: value for key, value in wanted.items() if key not in {"context", "cursor_factory"}}
    )


@pytest.mark.django_db(transaction=True)
def test_the_turn_of_a_process_that_froze_goes_to_the_next_one(postgresql, make_schedule, monkeypatch):
    monkeypatch.setattr(sessions, "FROZEN", 0.5)
    make_schedule().runs.request(by="somebody")
    with closing(connect(**sessions.bounded({}))) as frozen:
        frozen.execute("SELECT pg_advisory_xact_lock(%s)", [claims.sql.CLAIM_LOCK])
        began = time.monotonic()
        assert len(claims.claim_ready(1, "me")) == 1
        assert 0.2 < time.monotonic() - began < 10
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            frozen.execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
def test_what_the_database_url_says_itself_goes_first(postgresql):
    with closing(connect(**sessions.bounded({"options": "-c lock_timeout=77", "connect_timeout": 3}))) as own:
        assert own.execute("SHOW lock_timeout").fetchone() == ("77ms",)
        assert own.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("5s",)
        assert own.info.get_parameters()["connect_timeout"] == "3"


def test_a_lock_is_awaited_for_less_than_the_time_between_two_renewals(settings):
    settings.LOCK_TIMEOUT_SECONDS = 8
    assert "-c lock_timeout=2000" in sessions.bounded({})["options"]
