"""Execute one run: from its row's parameters to one of three endings. Works in any process; writes no row."""

from __future__ import annotations

import json
import math
import traceback as tracebacks
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from integrations import secrets
from jobtypes import registry
from jobtypes.base import Context, InvalidParams, JobCancelled, JobFailed, JobTimedOut, Outcome

ERROR_LIMIT = 10_000  # characters
TRACEBACK_LIMIT = 50_000
JSON_LIMIT = 1_048_576


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that a worker needs of a claimed run; `params` is JSON text. Pickled to child processes."""

    run_id: int
    schedule_id: int
    schedule_name: str
    job_type: str
    environment: str
    params: str
    scheduled_for: datetime
    attempt: int
    correlation_id: str
    idempotency_key: str
    timeout_seconds: int
    usual_seconds: float | None = None
    triggered_by: str = ""
    refusal: str = ""  # why it may not run after all


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended; the JSON parts are text. `retry=False` ends the instant whatever the policy says."""

    run_id: int
    attempt: int
    status: str
    started_at: datetime
    finished_at: datetime
    reason: str = ""
    summary: str = ""
    error: str = ""
    traceback: str = ""
    metrics: str = "{}"
    attributes: str = "{}"
    result: str = "{}"
    retry: bool = True
    retry_after: float = 0.0

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return (self.finished_at - self.started_at).total_seconds()


def execute(assignment: Assignment, context: Context) -> Ending:
    """Do the work of a run in this process and say how it ended. Never raises for what the job does."""
    started = timezone.now()
    if assignment.refusal:
        return _ending(assignment, started, "failed", reason="suspended", error=assignment.refusal, retry=False)
    try:
        config = registry.validate(
            assignment.job_type, json.loads(assignment.params), environment=assignment.environment
        )
        outcome = registry.job_type(assignment.job_type).run(config, context)
        return _ending(assignment, started, "success", outcome=outcome)
    except InvalidParams as refused:
        sentence = f"The parameters are no longer valid. {refused}"
        return _ending(assignment, started, "failed", reason="suspended", error=sentence, retry=False)
    except JobCancelled as stopped:
        return _ending(assignment, started, "cancelled", reason="requested", failure=stopped)
    except JobFailed as failed:
        return _ending(assignment, started, "failed", reason=failed.reason, failure=failed)
    except (Exception, SystemExit) as crash:  # whatever a job raises is a crash of that run, and of nothing else
        text = secrets.hide("".join(tracebacks.format_exception(crash)))
        # Not str(crash): an exception may be unable to describe itself.
        sentence = secrets.hide("".join(tracebacks.format_exception_only(crash)).strip())
        sentence = sentence.removeprefix(f"{type(crash).__module__}.")
        return _ending(assignment, started, "failed", reason="error", error=sentence, traceback=text)


def stopped(assignment: Assignment, started: datetime, *, why: str, by: str = "") -> Ending:
    """Return the ending of a run that was stopped from outside: `why` is timeout, lost or a cancellation's reason."""
    if why in {"requested", "overlap", "blackout"}:
        return _ending(assignment, started, "cancelled", reason=why, failure=JobCancelled(f"Cancelled by {by}."))
    if why == "timeout":
        sentence = f"Stopped after {assignment.timeout_seconds} s, the most it may take."
        return _ending(assignment, started, "failed", reason=why, failure=JobTimedOut(sentence))
    seconds = (timezone.now() - started).total_seconds()
    sentence = f"Its process died {seconds:.0f} s after the start; what it did may be half done."
    return _ending(assignment, started, "failed", reason="lost", error=sentence)


def _ending(
    assignment: Assignment,
    started: datetime,
    status: str,
    *,
    reason: str = "",
    outcome: Outcome | None = None,
    failure: JobFailed | None = None,
    error: str = "",
    traceback: str = "",
    retry: bool = True,
) -> Ending:
    said = outcome or failure
    return Ending(
        run_id=assignment.run_id,
        attempt=assignment.attempt,
        status=status,
        started_at=started,
        finished_at=timezone.now(),
        reason=reason,
        summary=_clean(said.summary, 1_000) if said else "",
        error=_clean(str(failure) if failure else error, ERROR_LIMIT),
        traceback=_clean(traceback, TRACEBACK_LIMIT),
        metrics=_json(said.metrics) if said else "{}",
        attributes=_json(said.attributes) if said else "{}",
        result=_json(said.result) if said else "{}",
        retry=retry and (failure is None or failure.retry),
        retry_after=(failure.retry_after or 0.0) if failure else 0.0,
    )


def _clean(text: str, limit: int) -> str:
    """Return text that every database takes: no NUL, no lone surrogate, at most `limit` characters."""
    plain = _plain(text)
    return plain if len(plain) <= limit else f"{plain[:limit]} … cut, {len(plain)} characters in all"


def _json(value: dict[str, Any]) -> str:
    """Return JSON that every database takes; what is not JSON becomes text, and too much of it a note."""
    if not value:
        return "{}"
    try:
        text = json.dumps(_storable(value), default=_text, ensure_ascii=True)
    except (RecursionError, ValueError) as refused:  # in circles, too deep, or a number of thousands of digits
        return json.dumps({"cut": f"It cannot be written as JSON: {refused}."})
    if len(text) > JSON_LIMIT:
        return json.dumps({"cut": f"{len(text)} bytes are more than the {JSON_LIMIT} that are kept."})
    return text


def _storable(value: Any) -> Any:
    """Return `value` without what JSON in a database cannot hold: NaN, infinities, NUL and lone surrogates."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, dict):
        return {_text(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def _text(value: Any) -> str:
    return _plain(str(value))


def _plain(text: str) -> str:
    return text.replace("\0", "�").encode(errors="replace").decode()
