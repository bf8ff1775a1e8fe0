"""What schedules cost while nothing is due: memory and processor time of the firing process."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench import ground

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def carillon(count: int, *, seconds: float) -> dict[str, float]:
    """Return memory (MB, resident) and cpu (share of one core) of a scheduler with `count` idle schedules."""
    ground.empty()
    ground.schedules(count, ground.soon(86_000))
    with ground.scheduler(processes=1) as process:
        time.sleep(15)  # until its child is warm, on a busy machine too
        before = _processor_seconds(process.pid)
        time.sleep(seconds)
        used = _processor_seconds(process.pid) - before
        return {"memory": _resident_megabytes(process.pid), "cpu": used / seconds}


def _resident_megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
