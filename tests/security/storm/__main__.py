"""Let hostile requests loose on gunicorn with several workers, and tell what it answered.

python -m tests.security.storm --requests 100000 --seed 1

DATABASE_URL names a server on which a database of its own is made; without it that is a SQLite file. The exit code
is 1 where a request met a 5xx, silence or more than a second, or changed something that it had no right to or though
it was refused.
"""

import argparse
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.security.storm.grounds import database, surroundings


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.storm", description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--workers", type=int, default=2, help="Processes of gunicorn.")
    parser.add_argument("--threads", type=int, default=4, help="Of each process, and as many clients to each.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carillon-storm-") as name, database(Path(name)) as url:
        os.environ.update(surroundings(Path(name), url))
        import django

        django.setup()
        from tests.security.storm.blow import Storm

        with Storm(Path(name), seed=options.seed, workers=options.workers, threads=options.threads) as storm:
            with suppress(KeyboardInterrupt):  # told to stop: what was seen so far is told
                storm.blow(options.requests)
            sys.stdout.write(storm.report())
            return 1 if storm.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
