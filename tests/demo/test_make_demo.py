"""`make demo` as a newcomer meets it: in a clone of its own, as a real process, in a browser's place."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "only for this test"


class Clone:
    """A copy of the tree under version control, and the demo that runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "carillon"
        self.mark = f"CARILLON_TEST={uuid.uuid4()}"  # in the environment of every process that it starts
        self.log = folder / "log"
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port = probe.getsockname()[1]
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if not name.startswith(("tests/", "docs/", "bench/")) and (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.folder / name)
        self._borrow_packages()

    def _borrow_packages(self) -> None:
        """Make a virtual environment of links to this one's parts, so that nothing is installed."""
        venv = self.folder / ".venv"
        venv.mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (venv / part).symlink_to(Path(sys.prefix) / part)
        for pins in ("base.txt", "demo.txt"):
            shutil.copy2(ROOT / "requirements" / pins, venv)

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start `make demo` in a process group of its own and wait until it says where it is."""
        name, value = self.mark.split("=")
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        with self.log.open("wb") as log:
            demo = subprocess.Popen(
                ["make", "demo", f"PORT={self.port}"],
                cwd=self.folder,
                env={**kept, name: value, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(lambda: "Ctrl-C" in self.log.read_text() or demo.poll() is not None, seconds=120)
        assert demo.poll() is None, self.log.read_text()
        return demo

    def get(self, path: str) -> int:
        """Return the status with which the web server answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Return what the demo's database answers."""
        with closing(sqlite3.connect(self.folder / "var" / "carillon.sqlite3", timeout=20)) as database:
            return database.execute(query).fetchall()

    def processes(self) -> list[int]:
        """Return the processes that the demo started and that still live."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if self.mark.encode() in environment:
                    found.append(int(entry.name))
        return found


def until(condition: Callable[[], object], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def finish(clone: Clone, demo: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the demo's whole group and see everything end within ten seconds."""
    os.killpg(demo.pid, number)
    until(lambda: demo.poll() is not None and not clone.processes(), seconds=10)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """Yield a clone whose demo was started, seen to answer and to work, and ended by Ctrl-C."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc to find what survives")
    clone = Clone(tmp_path_factory.mktemp("demo"))
    try:
        demo = clone.start()
        assert clone.get("health") == 200
        assert clone.get("admin/login/") == 200
        assert (clone.folder / "var" / "warehouse" / "postmaster.pid").exists()
        until(lambda: clone.ask(f"SELECT 1 {DONE}"), seconds=70)
        until(lambda: clone.ask(f"SELECT 1 {DONE} AND job_type = 'csv_import'"), seconds=70)
        finish(clone, demo, signal.SIGINT)
        yield clone
    finally:
        for left in clone.processes():
            os.kill(left, signal.SIGKILL)


DONE = "FROM jobruns_jobrun WHERE owner <> 'demo-history' AND status = 'success'"
PAST = "SELECT count(*), max(id) FROM jobruns_jobrun WHERE owner = 'demo-history'"


def test_the_demo_leaves_nothing_running_in_its_ledger(clone: Clone) -> None:
    assert not clone.ask("SELECT 1 FROM jobruns_jobrun WHERE status = 'running'")
    assert clone.ask("SELECT count(*) FROM jobruns_schedulerprocess WHERE stopped_at IS NULL") == [(0,)]


def test_a_second_start_keeps_the_data_and_takes_a_given_password(clone: Clone) -> None:
    before = clone.ask(PAST)
    finish(clone, clone.start(CARILLON_ADMIN_PASSWORD=PASSWORD), signal.SIGTERM)
    assert clone.ask(PAST) == before
    assert PASSWORD in clone.log.read_text()
    assert not (clone.folder / "var" / "admin-password").exists()


def test_a_taken_port_is_told_and_nothing_is_made(clone: Clone) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "jobruns.demo", "--port", str(port)]
        said = subprocess.run(command, cwd=clone.folder, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert f"Port {port}" in said.stderr
    assert f"make demo PORT={port + 1}" in said.stderr
