"""What one may ask of connections, tokens and kept answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connections, models, transaction
from django.db.models import Count, F
from django.utils import timezone

from integrations.access import OfEnvironments
from integrations.channels.storm import storm

if TYPE_CHECKING:
    from integrations.channels import Message
    from integrations.models import ApiToken, Channel, Connection, Delivery, KeptAnswer  # noqa: F401

KEPT_FOR = timedelta(days=1)
SENDING = timedelta(seconds=60)  # that one attempt may take, before another process makes it again
STORM = 10  # messages to one channel that are told one by one
COUNTED = 10_000
LOOK_BACK = 100_000
AT_ONCE = 2  # attempts at one channel or address at a time


class ConnectionQuerySet(OfEnvironments, models.QuerySet["Connection"]):
    has_common = True

    def of_kind(self, kind: str) -> ConnectionQuerySet:
        """Return the connections that lead to systems of that kind."""
        return self.filter(kind=kind)

    def named(self, name: str, *, kind: str) -> Connection:
        """Return the connection of that name and kind; raises Connection.DoesNotExist with a sentence for people."""
        found = self.filter(name=name).first()
        if found is None:
            raise self.model.DoesNotExist(f"There is no connection named {name!r}.")
        if found.kind != kind:
            raise self.model.DoesNotExist(
                f"The connection {name!r} is of kind {found.kind}; choose one of kind {kind}."
            )
        return found


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self, now: datetime) -> ApiTokenQuerySet:
        """Return tokens that are neither revoked nor expired at `now` and whose user is active."""
        return self.filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=now), revoked_at=None, user__is_active=True
        )

    def matching(self, text: str, now: datetime) -> ApiToken | None:
        """Return the usable token that `text` is, with its user, or None."""
        if not text.isprintable():
            return None  # no token is written so, and PostgreSQL takes no NUL
        candidates = self.usable(now).filter(prefix=text[:12]).select_related("user")
        return next((token for token in candidates if token.matches(text)), None)


class KeptAnswerQuerySet(models.QuerySet["KeptAnswer"]):
    def outdated(self, now: datetime) -> KeptAnswerQuerySet:
        """Return answers that are older than a day and given no more."""
        return self.filter(created_at__lt=now - KEPT_FOR)


class ChannelQuerySet(OfEnvironments, models.QuerySet["Channel"]):
    has_common = True

    def named(self, *names: str) -> list[Channel]:
        """Return the channels of these names, in this order; raises Channel.DoesNotExist naming the ones missing."""
        found = {one.name: one for one in self.filter(name__in=names)}
        if missing := [name for name in names if name not in found]:
            raise self.model.DoesNotExist(f"There is no channel {', '.join(repr(name) for name in missing)}.")
        return [found[name] for name in dict.fromkeys(names)]


class DeliveryQuerySet(OfEnvironments, models.QuerySet["Delivery"]):
    def post(self, message: Message, channels: Iterable[Channel], *, key: str = "", **about: Any) -> list[Delivery]:
        """Write one delivery of `message` for each channel, to be sent once this transaction is committed.

        With a `key`, which names what is told, no channel gets a second one. `about` is schedule_id, run_id,
        environment and correlation_id. Returns the deliveries that were written now.
        """
        rows = [self.model.of(message, channel, key=key, **about) for channel in channels]
        if not rows:
            return []
        self.bulk_create(rows, ignore_conflicts=True)
        return list(self.filter(webhook_id__in=[row.webhook_id for row in rows]).order_by("pk"))

    def tally(self) -> dict[str, int]:
        """Count the newest deliveries by status, and their `total`: at most COUNTED and one more."""
        counts = {status: Count("pk", filter=models.Q(status=status)) for status in self.model.Status.values}
        return self.order_by("-pk")[: COUNTED + 1].aggregate(total=Count("pk"), **counts)

    def older_than(self, pk: int | None, count: int) -> tuple[list[Delivery], int | None]:
        """Return up to `count` deliveries below `pk`, newest first, and from where to go on; None at the end.

        Looks at no more than LOOK_BACK ids, so a rare filter may give few rows, or none, and still go on.
        """
        top = pk or self.model.objects.top() + 1
        floor = top - LOOK_BACK
        rows = list(self.filter(pk__lt=top, pk__gte=floor).order_by("-pk")[: count + 1])
        if len(rows) > count:
            return rows[:count], rows[count - 1].pk
        return rows, floor if self.model.objects.filter(pk__lt=floor).exists() else None

    def lately(self, column: str) -> list[str]:
        """Return what stands in a column of the newest COUNTED deliveries, each once, in order."""
        newest = self.filter(pk__gt=self.model.objects.top() - COUNTED).exclude(**{column: ""})
        return list(newest.order_by(column).values_list(column, flat=True).distinct()[:200])

    def top(self) -> int:
        """Return the highest id, 0 where there is none."""
        return int(self.aggregate(top=models.Max("pk"))["top"] or 0)

    def due(self, now: datetime) -> DeliveryQuerySet:
        """Return deliveries whose next attempt may be made at `now`, the longest waiting first."""
        return self.filter(status="pending", next_attempt_at__lte=now).order_by("next_attempt_at", "id")

    def about_topics(self, topics: Collection[str]) -> DeliveryQuerySet:
        """Return the deliveries that belong to these topics, the oldest first, with the digests they were told in."""
        return self.filter(topic__in=topics).select_related("told_in").order_by("pk")

    def call_off(self, now: datetime, why: str) -> int:
        """Give up those of these that wait, since there is nothing to tell any more; return how many."""
        return self.filter(status="pending").update(status="discarded", finished_at=now, answer=why)

    def forsaken(self, now: datetime) -> DeliveryQuerySet:
        """Return deliveries that a process began to send and did not finish in time."""
        return self.filter(status="sending", lease_expires_at__lt=now)

    def ended_before(self, moment: datetime) -> DeliveryQuerySet:
        """Return deliveries that ended before `moment`, one way or another, the oldest first."""
        return self.filter(status__in=["delivered", "failed", "discarded"], finished_at__lt=moment).order_by("pk")

    def is_waited_for(self, now: datetime) -> bool:
        """Tell, in one statement, whether there is anything to send."""
        return self.due(now).order_by().values("pk").union(self.forsaken(now).values("pk"), all=True).exists()

    def condense(self, now: datetime) -> int:
        """Let one digest stand for the messages to a channel of which more than ten are due; return how many it was.

        Those that it stands for are kept as not sent, with its number. Callbacks and what was tried already stay.
        """
        due = self.filter(status="pending", attempts=0, channel__isnull=False, next_attempt_at__lte=now)
        crowded = due.order_by().values("channel").annotate(waiting=Count("pk")).filter(waiting__gt=STORM)
        channels = list(crowded.values_list("channel", flat=True))
        return sum(self._condense(due, channel, now) for channel in channels)

    def _condense(self, due: DeliveryQuerySet, channel: int, now: datetime) -> int:
        with transaction.atomic():
            waiting: Any = due.filter(channel=channel).order_by("pk")
            if connections[self.db].vendor == "postgresql":
                waiting = waiting.select_for_update(skip_locked=True, of=("self",))
            rows = list(waiting.select_related("channel"))
            if len(rows) <= STORM:
                return 0
            digest = self.model.of(storm([row.message for row in rows]), rows[0].channel)
            digest.environment = rows[0].environment
            digest.save()
            told = f"Told in one message with {len(rows) - 1} others: delivery {digest.pk}."
            self.filter(pk__in=[row.pk for row in rows]).update(
                status="discarded", finished_at=now, answer=told, told_in=digest
            )
        return len(rows)

    def claim(self, limit: int) -> list[Delivery]:
        """Take up to `limit` due deliveries to send them; each is taken by one process, few for any one receiver.

        An attempt that was begun and not finished within a minute is made again.
        """
        now = timezone.now()
        if not self.is_waited_for(now):
            return []
        with transaction.atomic():
            self.forsaken(now).update(status="pending", next_attempt_at=now, lease_expires_at=None)
            busy = self.filter(status="sending").values("channel", "url").annotate(going=Count("pk")).order_by()
            going: dict[tuple[int | None, str], int] = {(one["channel"], one["url"]): one["going"] for one in busy}
            waiting = self.due(now).select_related("channel")
            full = [place for place, count in going.items() if count >= AT_ONCE]
            for channel, url in full:
                waiting = waiting.exclude(channel=channel) if channel else waiting.exclude(channel=None, url=url)
            if connections[self.db].vendor == "postgresql":
                waiting = waiting.select_for_update(skip_locked=True, of=("self",))
            taken: list[Delivery] = []
            for one in waiting[: limit * 20]:
                place = (one.channel_id, one.url)
                if len(taken) < limit and going.get(place, 0) < AT_ONCE:
                    going[place] = going.get(place, 0) + 1
                    taken.append(one)
            self.filter(pk__in=[one.pk for one in taken]).update(
                status="sending", attempts=F("attempts") + 1, lease_expires_at=now + SENDING
            )
            for one in taken:
                one.status, one.attempts = "sending", one.attempts + 1
        return taken

    def finish(self, delivery: Delivery, *, status: str, answer: str, **columns: Any) -> bool:
        """Write how an attempt ended; False if another process has taken it over meanwhile."""
        mine = self.filter(pk=delivery.pk, status="sending", attempts=delivery.attempts)
        log = delivery.with_entry(timezone.now(), status, answer, columns.get("answer_status"))
        done = mine.update(lease_expires_at=None, status=status, answer=answer, log=log, **columns)
        return bool(done)
