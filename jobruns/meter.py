"""The load of each minute of a simulation: runs started, slots busy, waits and skips."""

from __future__ import annotations

from array import array


class Meter:
    """Counts by minute; times are seconds from the start of the simulation, what lies after its end is left out."""

    __slots__ = ("_going", "busy", "minutes", "skips", "starts", "waits")

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.starts = array("q", bytes(8 * minutes))
        self.skips = array("q", bytes(8 * minutes))
        self.waits = array("d", bytes(8 * minutes))  # seconds that runs due in this minute waited for
        self.busy = array("d", bytes(8 * minutes))  # slot-seconds, without those of whole minutes
        self._going = array("q", bytes(8 * (minutes + 1)))  # runs that begin or end to fill whole minutes

    def run(self, start: float, end: float, sign: int = 1) -> None:
        """Count a slot that is busy from `start` to `end`; with the sign -1 take that back."""
        end = min(end, self.minutes * 60.0)
        first, last = int(start) // 60, int(end) // 60
        if start >= end:
            return
        if first == last:
            self.busy[first] += sign * (end - start)
            return
        self.busy[first] += sign * (first * 60 + 60 - start)
        self._going[first + 1] += sign
        self._going[last] -= sign
        if last < self.minutes:
            self.busy[last] += sign * (end - last * 60)

    def started(self, start: float) -> None:
        """Count a run that starts."""
        if start < self.minutes * 60:
            self.starts[int(start) // 60] += 1

    def busy_seconds(self) -> list[float]:
        """Return the busy slot-seconds of every minute."""
        found, going = [], 0
        for minute in range(self.minutes):
            going += self._going[minute]
            found.append(self.busy[minute] + 60.0 * going)
        return found
