"""Runs in line for a number of slots, as the engine claims them: by priority, then by time; pure.

Times are seconds from the start of the simulation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush, heapreplace
from math import inf

from jobruns.engine.policy import REPLACES, View, jitter, room, side_by_side
from jobruns.meter import Meter

Waiting = tuple[int, float, float, int]  # whose, when it is free to start, when it was due, generation


@dataclass(frozen=True, slots=True)
class Work:
    """A schedule to simulate: its view, how long a run of it takes in seconds, and its priority."""

    name: str
    view: View
    seconds: float
    priority: int = 5

    @property
    def skips(self) -> bool:
        """Tell whether it only skips overlaps, which most do and which is quick to follow."""
        return self.view.overlap == "skip" and self.prompt

    @property
    def prompt(self) -> bool:
        """Tell whether its runs may start when they are due, however many they were."""
        return not self.view.jitter_seconds and self.view.fires_left is None


class Line:
    """The slots, who holds them until when, and who waits. Whose a run is, is the place of its work in `works`."""

    def __init__(self, works: Sequence[Work], slots: int, start: datetime, meter: Meter) -> None:
        self.works, self.start, self.meter = works, start, meter
        self.seconds = [work.seconds for work in works]
        self.free = [0.0] * slots  # a heap: when each slot is free
        self.ends = [0.0 if work.prompt else inf for work in works]  # when all its runs are done, inf while one waits
        self.skips = [work.skips for work in works]
        self.skipped = [0] * len(works)
        self.waits = [0.0] * len(works)
        self.longest = [0.0] * len(works)
        self.waited = self.replaced = 0
        self._queues: list[deque[Waiting]] = [deque() for _ in range(10)]  # from priority 10 down to 1
        self._queued = 0
        self._queue_of = [self._queues[10 - work.priority] for work in works]
        self._later: list[tuple[float, Waiting]] = []
        self._running: dict[int, list[float]] = {}
        self._waiting = [0] * len(works)
        self._generation = [0] * len(works)
        self._left = [work.view.fires_left for work in works]
        self.over = [0] * len(works)  # instants after the last run it may have

    def advance(self, due: Mapping[int, list[int]], until: int) -> None:
        """Follow what is due before `until`: for each second, whose instants fall on it, by priority."""
        times = [*sorted(due), until]
        place = 0
        while (at := self._next(times[place])) < until or self._queued:
            if self._queued:
                self._start_before(at)
                if self._next(times[place]) < at:
                    continue
            if at >= until:
                return
            while self._later and self._later[0][0] <= at:
                self._wait(heappop(self._later)[1])
            if times[place] != at:
                continue
            place += 1
            batch = due[int(at)]
            if not self._queued:
                batch = self._start_at_once(batch, int(at), self._next(times[place]))
            for whose in batch:
                self._admit(whose, int(at))

    def _next(self, at: float) -> float:
        return min(at, self._later[0][0]) if self._later else at

    def _wait(self, one: Waiting) -> None:
        self._queue_of[one[0]].append(one)
        self._queued += 1

    def _start_at_once(self, batch: list[int], at: int, following: float) -> list[int]:
        """Start runs while nobody waits and nothing else happens before `following`; return who must be admitted."""
        ends, seconds, free, skips = self.ends, self.seconds, self.free, self.skips
        minute = at // 60
        close, busy, starts, done = minute * 60 + 60, 0.0, 0, len(batch)
        for place, whose in enumerate(batch):
            if ends[whose] > at:
                if skips[whose]:
                    self._skip(whose, at)
                    continue
                done = place
                break
            start = free[0]
            if start <= at:
                ends[whose] = end = at + seconds[whose]
                heapreplace(free, end)
                starts += 1
                if end <= close:
                    busy += seconds[whose]
                else:
                    self.meter.run(at, end)
            elif start < following:
                ends[whose] = end = self._start(whose, start, at)
            else:
                done = place
                break
            if not skips[whose]:
                self._running[whose] = [end]
        self.meter.starts[minute] += starts
        self.meter.busy[minute] += busy
        return batch[done:]

    def _admit(self, whose: int, at: int) -> None:
        """Let a run wait, or turn it away, by the policy for overlaps."""
        if self.skips[whose]:
            if self.ends[whose] > at:
                self._skip(whose, at)
            else:
                self.ends[whose] = inf
                self._queue_of[whose].append((whose, at, at, 0))
                self._queued += 1
            return
        view, left = self.works[whose].view, self._left[whose]
        if left is not None and left <= 0:
            self.over[whose] += 1
            return
        running = self._running[whose] = [end for end in self._running.get(whose, ()) if end > at]
        if view.overlap in REPLACES:
            self._make_way(whose, running, at)
        elif len(running) + self._waiting[whose] >= room(view):
            self._skip(whose, at)
            return
        if left is not None:
            self._left[whose] = left - 1
        self._waiting[whose] += 1
        self.ends[whose] = inf
        put_off = jitter(view, self.start + timedelta(seconds=at)).total_seconds()
        one = (whose, at + put_off, at + put_off, self._generation[whose])
        if put_off:
            heappush(self._later, (at + put_off, one))
        else:
            self._wait(one)

    def _make_way(self, whose: int, running: list[float], at: int) -> None:
        """End what runs and drop what waits."""
        self.replaced += len(running) + self._waiting[whose]
        self._waiting[whose] = 0
        self._generation[whose] += 1
        for end in running:
            self.free.remove(end)
            self.free.append(float(at))
            self.meter.run(at, end, -1)
        if running:
            self.free.sort()
        running.clear()

    def _start_before(self, until: float) -> None:
        """Start who waits, as long as a slot is free before `until`."""
        free = self.free
        for queue in self._queues:
            while queue:
                whose, ready, due, generation = queue[0]
                start = free[0] if free[0] > ready else ready
                if start >= until:
                    return
                queue.popleft()
                self._queued -= 1
                if self.skips[whose]:
                    self.ends[whose] = self._start(whose, start, due)
                elif generation == self._generation[whose]:
                    self._start_or_hold(whose, start, due)

    def _start_or_hold(self, whose: int, start: float, due: float) -> None:
        """Start a run, unless as many of its schedule run as may; then it waits for the first of them."""
        running = self._running[whose] = [end for end in self._running.get(whose, ()) if end > start]
        if len(running) >= side_by_side(self.works[whose].view):
            first = min(running)
            heappush(self._later, (first, (whose, first, due, self._generation[whose])))
            return
        self._waiting[whose] -= 1
        running.append(self._start(whose, start, due))
        if self.works[whose].prompt and not self._waiting[whose]:
            self.ends[whose] = max(running)

    def _start(self, whose: int, start: float, due: float) -> float:
        """Take the slot that is free first; return when it will be free again."""
        end = start + self.seconds[whose]
        heapreplace(self.free, end)
        minute = int(start) // 60
        if end <= minute * 60 + 60 and minute < self.meter.minutes:
            self.meter.starts[minute] += 1
            self.meter.busy[minute] += end - start
        else:
            self.meter.started(start)
            self.meter.run(start, end)
        if (wait := start - due) > 0:
            self.waited += 1
            self.waits[whose] += wait
            self.meter.waits[int(due) // 60] += wait
            if wait > self.longest[whose]:
                self.longest[whose] = wait
        return end

    def _skip(self, whose: int, at: int) -> None:
        self.skipped[whose] += 1
        self.meter.skips[at // 60] += 1
