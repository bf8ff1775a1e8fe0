"""Tell once a day, or once a week, how runs went."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from integrations.channels import Message, link
from integrations.models import Channel, Delivery
from jobruns.books import EVERY, RunSums
from schedules.models import Schedule
from schedules.telling import NoticeRule

PERIODS = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}
WORST = 5
HOUR = 6  # of the day, in SCHEDULER_TIMEZONE


def post_due(now: datetime) -> int:
    """Write the digests that are due at `now`, each once whatever number of processes try; return how many.

    After a downtime one digest tells of the newest period only.
    """
    written = 0
    with transaction.atomic():
        for rule in NoticeRule.objects.select_for_update(of=("self",)).filter(event__in=PERIODS).order_by("pk"):
            until = latest_end(rule.event, now)
            if rule.told_at is None:
                NoticeRule.objects.filter(pk=rule.pk).update(told_at=until)
            elif rule.told_at < until:
                NoticeRule.objects.filter(pk=rule.pk).update(told_at=until)
                _post(rule, until - PERIODS[rule.event], until)
                written += 1
    return written


def latest_end(event: str, now: datetime) -> datetime:
    """Return the newest moment at or before `now` at which a digest ends: six in the morning, or so on a Monday."""
    local = now.astimezone(ZoneInfo(settings.SCHEDULER_TIMEZONE))
    end = local.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    if event == "weekly":
        end -= timedelta(days=end.weekday())
    while end > local:
        end -= PERIODS[event]
    return end.astimezone(now.tzinfo)


def _post(rule: NoticeRule, since: datetime, until: datetime) -> None:
    channels = Channel.objects.filter(name__in=rule.channels)
    message = digest(rule.event, rule.environment, since, until)
    Delivery.objects.post(
        message, channels, key=f"digest {rule.pk} {until.isoformat()}", environment=rule.environment
    )


def digest(event: str, environment: str, since: datetime, until: datetime) -> Message:
    """Return what is told of the runs from `since` to `until`, of one environment or of all if empty."""
    hours = RunSums.objects.between(_hour(since), _hour(until), schedule_id=EVERY)
    sums = (hours.filter(environment=environment) if environment else hours).total()
    done, failed = sums.counts["success"], sums.counts["failed"]
    missed, skipped = sums.counts["missed"], sums.counts["skipped"]
    failing: Any = Schedule.objects.failing()
    failing = failing.filter(environment=environment) if environment else failing
    worst = tuple((one.name, f"{one.consecutive_failures} failed in a row") for one in failing[:WORST])
    where = f" in {environment}" if environment else ""
    rate = f"{100 * done / (done + failed):.1f} % of the runs{where} succeeded." if done + failed else ""
    text = f"{rate or f'Nothing ran{where}.'} {failed} failed, {missed} were missed, {skipped} were skipped."
    counts = {"successful": done, "failed": failed, "missed": missed, "skipped": skipped}
    return Message(
        event=f"digest.{event}",
        title=f"{'A day' if event == 'daily' else 'A week'}{where}",
        status="DIGEST",
        text=text,
        is_bad=bool(failed or missed or worst),
        facts=(("From", since.isoformat()), ("To", until.isoformat())),
        context=worst,
        link=link(""),
        body={"event": f"digest.{event}", "text": text, "since": since.isoformat(), "until": until.isoformat()}
        | {"counts": counts, "failing": [name for name, _ in worst]},
    )


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
