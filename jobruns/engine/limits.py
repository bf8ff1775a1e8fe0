"""How many runs the limits of tags still let start; exact, as it is asked within the turn in which one claims."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from jobruns.engine import sql

RUNNING = "r.status = 'running'"
UNDER_WAY = "(r.status = 'running' OR r.status = 'pending' AND r.dispatched_at IS NOT NULL)"
PLACES = """
SELECT t.tag, t.max_running, (
    SELECT count(*) FROM jobruns_jobrun r JOIN schedules_schedule s ON s.id = r.schedule_id
    WHERE {counted} AND {carries})
FROM schedules_taglimit t
"""


class Places:
    """For each limited tag how many more runs may start. Most installations limit none, and then nothing is asked."""

    def __init__(self, places: dict[str, int]) -> None:
        self.places = places

    @classmethod
    def left(cls, *, counted: str = RUNNING) -> Places:
        """Return what the limits leave over now; `counted` is RUNNING, or UNDER_WAY with what was sent to workers."""
        has = "jsonb_exists(s.tags, t.tag)"
        carries = has if sql.is_postgres() else "EXISTS (SELECT 1 FROM json_each(s.tags) e WHERE e.value = t.tag)"
        rows = sql.fetch(PLACES.format(counted=counted, carries=carries), [])
        return cls({tag: most - taken for tag, most, taken in rows})

    def condition(self) -> tuple[str, list[Any]]:
        """Return SQL that leaves out schedules `s` with a tag that is full, and its parameters."""
        full = [tag for tag, left in self.places.items() if left <= 0]
        if not full:
            return "", []
        if sql.is_postgres():
            return "AND NOT jsonb_exists_any(s.tags, %s)", [full]
        carried = "EXISTS (SELECT 1 FROM json_each(s.tags) e WHERE e.value IN (SELECT value FROM json_each(%s)))"
        return f"AND NOT {carried}", [json.dumps(full)]

    def take(self, tags: str) -> bool:
        """Take a place for a run of a schedule with these tags (JSON text); False if one of them has none left."""
        limited = [tag for tag in _words(tags) if tag in self.places] if self.places else []
        if any(self.places[tag] <= 0 for tag in limited):
            return False
        for tag in limited:
            self.places[tag] -= 1
        return True


def _words(tags: str) -> Iterable[str]:
    """Return each tag once."""
    return set(json.loads(tags))
