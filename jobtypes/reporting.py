"""What a job type is told of the run that a report is about. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Reported:
    """A run, as far as reports tell of it. Times are aware UTC."""

    run_id: int
    schedule_name: str
    environment: str
    status: str
    error: str
    params: dict[str, Any]
    attributes: dict[str, Any]
    metrics: dict[str, Any]
    started_at: datetime | None
    finished_at: datetime | None
