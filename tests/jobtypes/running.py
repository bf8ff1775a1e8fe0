"""A run's context, for trying job types without an engine."""

import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from jobtypes import registry
from jobtypes.base import Outcome


@dataclasses.dataclass
class TrialContext:
    run_id: int = 7
    schedule_id: int | None = 3
    schedule_name: str = "trial"
    environment: str = "production"
    scheduled_for: datetime = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    attempt: int = 1
    correlation_id: str = "0af7651916cd43dd8448eb211c80319c"
    triggered_by: str = "schedule"
    idempotency_key: str = "3-2026-03-29T01:00:00Z"
    seconds: float = 30.0
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    lines: list[str] = dataclasses.field(default_factory=list)
    groups: list[int | None] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.deadline = datetime.now(UTC) + timedelta(seconds=self.seconds)

    def seconds_left(self) -> float:
        return max(0.0, (self.deadline - datetime.now(UTC)).total_seconds())

    def cancelled(self) -> bool:
        return self.stop.is_set()

    def log(self, text: str, *, level: str = "info") -> None:
        self.lines.append(text)

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        pass

    def owns_process_group(self, group: int | None) -> None:
        self.groups.append(group)


def execute(name: str, params: dict[str, Any], context: TrialContext | None = None) -> Outcome:
    """Do the work as a run does: read the parameters, then run."""
    return registry.job_type(name).run(registry.parse(name, params), context or TrialContext())
