"""Who works on the ledger: the process's own row, and the rescue of runs whose process is gone."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import structlog

from jobruns.engine import sql
from jobruns.engine.endings import record
from jobruns.models import JobRun, SchedulerProcess
from jobruns.queries import FRESH, JobRunQuerySet
from jobruns.runner import Ending

log = structlog.get_logger(__name__)


def register(slots: int, *, fires: bool = True, queues: Sequence[str] = ()) -> SchedulerProcess:
    """Write this process's row and return it; its name owns the leases.

    One that neither fires nor has slots, but executes a single run, has no heartbeat: nobody shall count on it.
    """
    now = sql.now()
    return SchedulerProcess.objects.create(
        name=f"{socket.gethostname()[:24]}-{incarnation(os.getpid())}-{secrets.token_hex(4)}",
        host=host_identity(),
        pid=os.getpid(),
        version=own_version(),
        fires=fires,
        queues=sorted(queues),
        slots=slots,
        started_at=now,
        heartbeat_at=now if fires or slots else now - FRESH,
    )


def beat(process: SchedulerProcess, *, busy: int) -> None:
    """Say that a process is alive and does its work."""
    SchedulerProcess.objects.filter(pk=process.pk).update(heartbeat_at=sql.now(), busy=busy, stopped_at=None)


def leave(process: SchedulerProcess) -> None:
    """Say that this process has ended in good order."""
    now = sql.now()
    SchedulerProcess.objects.filter(pk=process.pk).update(heartbeat_at=now, stopped_at=now, busy=0)


def rescue() -> int:
    """End the runs whose lease has run out or whose process on this host is dead, as failed/lost; return how many."""
    now = sql.now()
    gone = _gone()
    rescued = sum(_rescue_from(owner, JobRun.objects.running().filter(owner=owner), now) for owner in gone)
    if gone:
        log.warning("scheduler processes are gone without a word", processes=sorted(gone))
        SchedulerProcess.objects.filter(name__in=gone).update(stopped_at=now, busy=0)
    overdue = JobRun.objects.overdue(now)
    if not sql.is_postgres():  # one host and its own clock, which may jump: only a death ends a lease
        overdue = overdue.exclude(owner__in=_alive())
    for owner in set(overdue.values_list("owner", flat=True)[:1000]):
        rescued += _rescue_from(owner, overdue.filter(owner=owner), now)
    return rescued


def _rescue_from(owner: str, runs: JobRunQuerySet, now: datetime) -> int:
    """End `runs` of a process that is gone; should it live after all, whoever writes first wins."""
    lost = [
        Ending(
            run_id=run.pk,
            attempt=run.attempt,
            status="failed",
            reason="lost",
            started_at=run.started_at or now,
            finished_at=now,
            error=f"Its process {owner} died or did not renew its lease; what it did may be half done.",
        )
        for run in runs.only("pk", "attempt", "started_at")[:1000]
    ]
    rescued = len(record(lost, owner))
    if rescued:
        log.warning("runs rescued from a process that is gone", owner=owner, runs=rescued)
    return rescued


def _gone() -> set[str]:
    """Return the names of processes of this host that did not stop in good order and no longer exist."""
    return {name for name, exists in _neighbours().items() if not exists}


def _alive() -> set[str]:
    """Return the names of processes of this host that exist."""
    return {name for name, exists in _neighbours().items() if exists}


def _neighbours() -> dict[str, bool]:
    """Return for each process of this host that did not stop in good order whether it exists."""
    mine = SchedulerProcess.objects.filter(host=host_identity(), stopped_at__isnull=True)
    return {name: f"-{incarnation(pid)}-" in name for name, pid in mine.values_list("name", "pid")}


def incarnation(pid: int) -> str:
    """Return what names a living process and no later one with the same pid: pid and start, in ticks since the boot.

    A process that is dead but not yet reaped, or not there at all, is "none".
    """
    status = Path(f"/proc/{pid}/stat")
    try:
        fields = status.read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return _without_proc(pid)
    return "none" if fields[0] in "ZX" else f"{pid}.{fields[19]}"


def _without_proc(pid: int) -> str:
    """Return the pid of a living process where there is no /proc to ask for more."""
    if Path("/proc/self/stat").exists():
        return "none"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "none"
    except PermissionError:
        pass
    return str(pid)


def host_identity() -> str:
    """Return what two processes share exactly if they can see each other's pids: host, boot and pid namespace."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [
        socket.gethostname(),
        boot.read_text().strip() if boot.exists() else "",
        os.readlink(namespace) if namespace.is_symlink() else "",
    ]
    return " ".join(part for part in parts if part)[:255]


def own_version() -> str:
    """Return Carillon's version."""
    try:
        return version("carillon")
    except PackageNotFoundError:
        return "0.1.0"
