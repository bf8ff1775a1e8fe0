"""The storm itself: gunicorn, clients that send to it side by side, and what is held against the answers."""

import re
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from django.db import connections

from tests.security.storm import target
from tests.security.storm.attempts import attempts
from tests.security.storm.wire import Answer, Attempt, Wire

LONGEST = 1.0  # seconds
BATCH = 500
ALONE = 25  # of each batch of those who may write, sent one by one to see what a refused one changed
UNREADY = (503, "/ready")  # no scheduler works here
BROKEN = {"Host", "X-Giant", "Expect", "Upgrade", "X-Méthode"}  # headers after which a server may just hang up


class Storm:
    """Blows from the given seed; `complaints` says what went wrong, empty if nothing did."""

    def __init__(self, folder: Path, *, seed: str, workers: int, threads: int) -> None:
        self.folder, self.seed, self.workers, self.threads = folder, seed, workers, threads
        self.log = folder / "gunicorn.log"
        self.complaints: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []
        self.slow: list[tuple[Attempt, float]] = []
        self.local = threading.local()
        self.wires: list[Wire] = []

    def __enter__(self) -> "Storm":
        target.furnish()
        target.enter()
        self.routes = target.routes()
        connections.close_all()
        ready = self.folder / "port"
        with self.log.open("wb") as out:
            self.server = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(ready), str(self.workers), str(self.threads)],
                stderr=out,
                stdout=out,
            )
        while not ready.exists():
            if self.server.poll() is not None:
                raise RuntimeError(self.log.read_text())
            time.sleep(0.05)
        self.port = int(ready.read_text())
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self.wires:
            wire.close()
        connections.close_all()
        self.server.terminate()
        self.server.wait(20)

    def blow(self, requests: int) -> None:
        """Send so many requests: by turns of those who may write nothing, and of those who may."""
        with ThreadPoolExecutor(self.workers * self.threads) as pool:
            for number, start in enumerate(range(0, requests, BATCH)):
                callers = [one for one in target.enter() if one.may_write == bool(number % 2)]
                made = attempts(f"{self.seed} {number}", self.routes, callers)
                batch = list(islice(made, min(BATCH, requests - start)))
                if start and start % 5_000 == 0:
                    sys.stderr.write(f"{start} sent, {len(self.complaints)} complaints\n")
                if number % 2:
                    self.one_by_one(batch[:ALONE])
                    list(pool.map(self.send, batch[ALONE:]))
                    continue
                before = target.digests()
                list(pool.map(self.send, batch))
                for table in changed(before, target.digests()):
                    self.complaints.append(f"Batch {number}, of callers who may not write, changed {table}.")
        self.ask_slow_ones_again()

    def one_by_one(self, batch: list[Attempt]) -> None:
        """Send one after the other; what is refused must have changed nothing."""
        before = target.digests()
        for attempt in batch:
            answer = self.send(attempt)
            after = target.digests()
            if answer.status >= 400 and (tables := changed(before, after)):
                self.complaints.append(f"{answer.status} but changed {', '.join(tables)}: {attempt.told}")
            before = after

    def send(self, attempt: Attempt) -> Answer:
        """Send one request and take down what there is to say against its answer."""
        answer = self.wire().send(attempt)
        self.statuses[answer.status] += 1
        self.seconds.append(answer.seconds)
        if answer.status >= 500 and (answer.status, attempt.target.partition("?")[0]) != UNREADY:
            self.complaints.append(f"{answer.status}: {attempt.told}\n    {answer.body[:120]!r}")
        elif answer.status == 0 and not BROKEN & {name for name, _ in attempt.headers}:
            self.complaints.append(f"No answer: {attempt.told}")
        if answer.seconds > LONGEST:
            self.slow.append((attempt, answer.seconds))
        return answer

    def ask_slow_ones_again(self) -> None:
        """Hold slowness against an answer only if it is slow alone too: the machine may be busy with others."""
        for attempt, seconds in self.slow:
            best = min(self.wire().send(attempt).seconds for _ in range(5))
            if best > LONGEST:
                self.complaints.append(f"{seconds:.1f} s, alone {best:.1f} s: {attempt.told}")

    def wire(self) -> Wire:
        """Return this thread's own connection."""
        if not hasattr(self.local, "wire"):
            self.local.wire = Wire(self.port)
            self.wires.append(self.local.wire)
        return self.local.wire

    def report(self) -> str:
        """Return the figures, then every complaint, then the end of the server's log if there is one."""
        ordered = sorted(self.seconds)
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        lines = [
            f"{len(ordered)} requests with seed {self.seed} to {len(self.routes)} addresses.",
            f"Statuses {statuses}.",
            f"Median {middle(ordered, 0.5):.0f} ms, p99 {middle(ordered, 0.99):.0f} ms, longest "
            f"{middle(ordered, 1):.0f} ms; {len(self.slow)} took over a second while the storm blew.",
            *self.complaints[:60],
            f"{len(self.complaints)} complaints.",
        ]
        if self.complaints:
            lines += crashes(self.log.read_text(errors="replace"))
        return "\n".join(lines) + "\n"


SERVE = """
import os, sys
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.arbiter import Arbiter

ready, workers, threads = sys.argv[1:]

def tell(arbiter):
    port = arbiter.LISTENERS[0].sock.getsockname()[1]
    with open(ready + ".new", "w") as file:
        file.write(str(port))
    os.replace(ready + ".new", ready)

sys.argv = ["gunicorn", "scheduler_site.wsgi:application", "--bind", "127.0.0.1:0", "--workers", workers,
            "--threads", threads, "--no-control-socket", "--log-level", "warning", "--graceful-timeout", "3"]
application = WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]")
application.cfg.set("when_ready", tell)
application.run()
"""


def crashes(log: str) -> list[str]:
    """Return what the server logged of its errors, each kind once."""
    pieces = re.split(r"^(?=\d{4}-\d\d-\d\dT)", log, flags=re.MULTILINE)
    ends = {
        piece.strip().rpartition("\n")[2][:80]: piece
        for piece in pieces
        if "status_code=500" in piece or "Error handling" in piece
    }
    return [piece[:200] + " … " + piece[-700:] for piece in ends.values()]


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the tables that are not as they were."""
    return [table for table in after if before.get(table) != after[table]]


def middle(ordered: list[float], part: float) -> float:
    """Return a quantile in milliseconds."""
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1_000
