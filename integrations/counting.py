"""Count requests in the database, so that all web processes count alike."""

from __future__ import annotations

from django.db import connection, models

DRAW = """
INSERT INTO integrations_requestcount (key, began, count) VALUES (%s, %s, %s)
ON CONFLICT (key) DO UPDATE SET
    count = excluded.count + CASE WHEN integrations_requestcount.began > excluded.began - %s
        THEN integrations_requestcount.count ELSE 0 END,
    began = CASE WHEN integrations_requestcount.began > excluded.began - %s
        THEN integrations_requestcount.began ELSE excluded.began END
RETURNING began, count
"""


class RequestCount(models.Model):
    """How many requests were drawn for a user since his period began; only the last period is kept."""

    key = models.CharField(max_length=150, primary_key=True)
    began = models.BigIntegerField(help_text="Milliseconds since 1970.")
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


def draw(key: str, now: int, share: int, length: int) -> tuple[int, int]:
    """Add `share` to a user's count and return when his period began and the count since then.

    Times are in milliseconds; a period that began `length` ago or earlier is over, and the next one begins now.
    """
    with connection.cursor() as cursor:
        cursor.execute(DRAW, [key, now, share, length, length])
        began, count = cursor.fetchone()
    return began, count
