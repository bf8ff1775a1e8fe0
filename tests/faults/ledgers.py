"""What the ledger says of schedules that fired every second."""

from collections import Counter
from datetime import timedelta

from jobruns.models import JobRun
from schedules.models import Schedule

SECOND = timedelta(seconds=1)


def every_second(make_schedule, count, **fields):
    """Make `count` schedules that fire every second."""
    return [make_schedule(interval_seconds=1, max_retries=0, timeout_seconds=20, **fields) for _ in range(count)]


def account(schedule):
    """Return (missing, doubled) instants of a one-second schedule, from its first instant to its last settled one."""
    seen = Counter()
    for run in JobRun.objects.filter(schedule=schedule, trigger="schedule"):
        for number in range(run.coalesced_count):
            seen[run.scheduled_for - number * SECOND] += 1
    if not seen:
        return 0, 0
    stored = Schedule.objects.get(pk=schedule.pk)
    first, last = stored.anchor_at + SECOND, stored.last_scheduled_for
    wanted = {first + number * SECOND for number in range((last - first) // SECOND + 1)}
    return len(wanted - set(seen)), sum(times - 1 for times in seen.values()) + len(set(seen) - wanted)


def lags(schedules):
    """Return how many seconds after its instant each run started, sorted."""
    runs = JobRun.objects.filter(schedule__in=schedules, started_at__isnull=False)
    return sorted((run.started_at - run.scheduled_for).total_seconds() for run in runs)
