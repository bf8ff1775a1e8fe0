"""What the processes of the celery peer load: one task that does nothing, and its schedules, due at one instant."""

import os
from datetime import datetime, timedelta

from celery import Celery
from celery.schedules import schedule

DAY = timedelta(days=1)
due = datetime.fromisoformat(os.environ["BENCH_DUE"])

app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BACKEND"])


@app.task(name="noop")  # type: ignore[untyped-decorator]
def noop() -> None:
    """Do nothing."""


app.conf.update(
    timezone="UTC",
    beat_schedule={
        f"bench-{number}": {"task": "noop", "schedule": schedule(DAY, app=app), "last_run_at": due - DAY}
        for number in range(int(os.environ["BENCH_COUNT"]))
    },
)
