"""The demo's PostgreSQL, as a real server."""

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from jobruns.demo import warehouse
from jobruns.demo.warehouse import NoWarehouse, open_warehouse

pytestmark = pytest.mark.skipif(find_spec(warehouse.PACKAGE) is None, reason="no PostgreSQL wheel for this platform")
KILLED = """
import os, signal, sys; from pathlib import Path
from jobruns.demo.warehouse import open_warehouse
with open_warehouse(Path(sys.argv[1])) as url:
    print(url, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
OPENED = """
import sys; from importlib.util import find_spec; from pathlib import Path
from jobruns.demo.warehouse import PACKAGE, open_warehouse
with open_warehouse(Path(sys.argv[1])):
    print(Path(find_spec(PACKAGE).origin).parents[1])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the data goes: below a folder that is closed to everybody else."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    return closed / "var" / "warehouse"


def test_what_was_loaded_is_there_at_the_next_start(folder: Path) -> None:
    with open_warehouse(folder) as address, psycopg.connect(address) as database:
        database.execute("INSERT INTO stock VALUES ('Riga', 'Hill Assam', 12.5, '2026-11-20')")
    with open_warehouse(folder) as address, psycopg.connect(address) as database:
        assert database.execute("SELECT tea FROM nearly_sold_out").fetchall() == [("Hill Assam",)]


def test_imports_reach_it_as_a_role_that_owns_its_tables_and_nothing_else(folder: Path) -> None:
    with open_warehouse(folder) as address, psycopg.connect(address) as database:
        database.execute("CREATE TABLE fresh (id text PRIMARY KEY)")
        asked = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert database.execute(asked).fetchone() == (False,)


def test_nothing_of_it_is_left_when_it_ends(folder: Path) -> None:
    with open_warehouse(folder) as address:
        sockets = Path(address.partition("host=")[2])
        number = int((folder / "postmaster.pid").read_text().splitlines()[0])
    assert not sockets.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_nobody_else_can_reach_it(folder: Path) -> None:
    with open_warehouse(folder) as address:
        sockets = Path(address.partition("host=")[2])
        assert sockets.stat().st_mode & 0o077 == 0
        assert folder.stat().st_mode & 0o077 == 0
        with psycopg.connect(address) as database:
            assert database.execute("SHOW listen_addresses").fetchone() == ("",)


def test_one_that_outlived_its_demo_is_ended_first(folder: Path) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED, str(folder)], capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL
    with open_warehouse(folder) as address, psycopg.connect(address) as database:
        assert database.execute("SELECT 1").fetchone() == (1,)
    shutil.rmtree(died.stdout.strip().partition("host=")[2])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run it as somebody else")
def test_root_runs_it_from_packages_that_are_closed_to_others(folder: Path) -> None:
    spec = find_spec(warehouse.PACKAGE)
    assert spec is not None
    packages = folder.parents[1] / "packages"
    for part in (warehouse.PACKAGE, f"{warehouse.PACKAGE}.libs"):
        shutil.copytree(Path(spec.origin or "").parents[1] / part, packages / part)
    environment = {**os.environ, "PYTHONPATH": f"{packages}:{Path.cwd()}"}
    command = [sys.executable, "-c", OPENED, str(folder)]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert said.stdout == f"{packages}\n", said.stderr


def test_a_platform_without_it_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse, "PACKAGE", "no_such_package")
    with pytest.raises(NoWarehouse, match="no PostgreSQL for this platform"), open_warehouse(folder):
        pass


def test_data_that_it_cannot_use_is_told_with_its_own_words(folder: Path) -> None:
    folder.mkdir(parents=True)
    with pytest.raises(NoWarehouse, match=r"postgresql\.conf"), open_warehouse(folder):
        pass
