"""Ask a database whether something is wrong. An ALERT is a successful run: the query did its work."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from integrations import readonly
from integrations.kinds.base import Unusable
from integrations.watchdog import Stopped, TookTooLong
from jobtypes import connections
from jobtypes.base import (
    Context,
    Finished,
    InvalidParams,
    JobCancelled,
    JobFailed,
    JobTimedOut,
    JobType,
    JSONObject,
    Outcome,
    Standing,
)
from jobtypes.foreign import ForeignFile, Translation
from jobtypes.sql_alert import sentinel, settling, trial
from jobtypes.sql_alert.config import SqlAlertConfig
from jobtypes.sql_alert.verdict import BrokenContract, Verdict, is_number, judge

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

MARGIN_SECONDS = 7.0  # the time that ending a stubborn statement takes, before the run's own deadline


class SqlAlert(JobType[SqlAlertConfig]):
    name = "sql_alert"
    label = "SQL alert"
    description = "Asks a database whether something is wrong, and remembers what it said."
    icon = "bell"
    Config = SqlAlertConfig
    timeout_seconds = 90
    max_retries = 0
    stop_grace_seconds = 7.0
    remembers = True
    inline_channels = "notify"

    def check(self, config: SqlAlertConfig) -> None:
        """Refuse a connection that is not there, and a query that its database must not be sent."""
        connection = connections.find(config.connection, kind="sql")
        if sentence := readonly.refusal(connection.address.partition(":")[0].partition("+")[0], config.query):
            raise InvalidParams({"query": [sentence]})

    def propose_timeout(self, config: SqlAlertConfig) -> int:
        return config.query_timeout_seconds + 30

    def summarise(self, config: SqlAlertConfig) -> str:
        return f"Asks {config.connection} whether something is wrong"

    def follow(self, standing: Standing) -> None:
        settling.follow(standing)

    def settle(self, finished: Sequence[Finished]) -> Mapping[int, JSONObject]:
        return settling.settle(finished)

    def tend(self, now: datetime) -> None:
        settling.tend(now)

    def rehearse(self, config: SqlAlertConfig, schedule_id: int) -> tuple[bool, JSONObject]:
        """Ask the query; return whether it answered, and what that would mean."""
        answer: Verdict | JobFailed
        try:
            answer = ask(config, seconds=config.query_timeout_seconds)
        except JobFailed as failed:
            answer = failed
        return isinstance(answer, Verdict), trial.tried(config, schedule_id, answer)

    def translate(self, file: ForeignFile) -> Translation | None:
        return sentinel.translate(file)

    def run(self, config: SqlAlertConfig, context: Context) -> Outcome:
        began = time.monotonic()
        try:
            verdict = ask(config, seconds=context.seconds_left() - MARGIN_SECONDS, stopped=context.cancelled)
        except JobFailed as failed:
            failed.result = _result(config, None, began, error=str(failed))
            failed.metrics = {"duration_ms": failed.result["duration_ms"]}
            raise
        result = _result(config, verdict, began)
        numbers = {name: result[name] for name in ("actual_value", "threshold") if is_number(result[name])}
        return Outcome(
            summary=verdict.sentence, metrics={**numbers, "duration_ms": result["duration_ms"]}, result=result
        )


def ask(config: SqlAlertConfig, *, seconds: float, stopped: Callable[[], bool] = lambda: False) -> Verdict:
    """Return what the query says, within its own timeout and `seconds`; raises JobFailed where there is no answer."""
    connection = connections.use(config.connection, kind="sql")
    seconds = min(float(config.query_timeout_seconds), max(0.1, seconds))
    try:
        location = connection.sql_url()
        _refuse(location, config)
        table = readonly.read(location, config.query, seconds=seconds, max_rows=2, stopped=stopped)
        return judge(table.columns, table.rows, no_rows=config.no_rows, null_value=config.null_value)
    except (Unusable, BrokenContract) as wrong:
        raise JobFailed(connection.scrub(str(wrong))) from None
    except readonly.QueryFailed as wrong:
        raise JobFailed(f"{connection.name} answered with an error: {connection.scrub(str(wrong))}") from None
    except TookTooLong:
        raise JobTimedOut(f"The query took longer than {seconds:g} s and was cancelled on the server.") from None
    except Stopped:
        raise JobCancelled("The query was cancelled on the server, as asked.") from None


def _refuse(location: URL, config: SqlAlertConfig) -> None:
    """Check the query for the database that the connection leads to now; it may have been a reference at the save."""
    if sentence := readonly.refusal(location.get_backend_name(), config.query):
        raise JobFailed(sentence, retry=False)


def _result(config: SqlAlertConfig, verdict: Verdict | None, began: float, *, error: str = "") -> JSONObject:
    return {
        "status": verdict.status if verdict else "ERROR",
        "actual_value": verdict.actual_value if verdict else None,
        "threshold": verdict.threshold if verdict else None,
        "context": verdict.context if verdict else {},
        "duration_ms": round((time.monotonic() - began) * 1000),
        "error": error,
        "query_sha256": hashlib.sha256(config.query.encode()).hexdigest(),
        "event": None,
        "severity": config.severity,
        "runbook_url": config.runbook_url,
        "labels": dict(config.labels),
    }
