"""The supervisor with real processes and real signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
from jobruns.demo.supervisor import supervise
folder = Path(sys.argv[1])
sys.exit(supervise(
    *[[sys.executable, "-c", text, str(folder)] for text in sys.argv[2:]],
    is_ready=(folder / "ready").exists, on_ready=(folder / "told").touch, grace_seconds=1,
))
"""
SERVER = """
import os, sys, time; from pathlib import Path
folder = Path(sys.argv[1]); (folder / "server").write_text(str(os.getpid()))
(folder / "ready").touch(); time.sleep(60)
"""
WORKER = SERVER.replace("server", "worker")
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + WORKER
SHORT = "import time; time.sleep(0.3)"


def until(condition: Callable[[], object], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def start(folder: Path, *programs: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), *programs])


def lives(folder: Path, name: str) -> bool:
    """Tell whether the program of that name is still there."""
    try:
        os.kill(int((folder / name).read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def written(folder: Path, name: str) -> Callable[[], bool]:
    return lambda: (folder / name).exists() and (folder / name).read_text() != ""


def test_the_others_start_when_the_server_is_ready(tmp_path: Path) -> None:
    supervisor = start(tmp_path, SERVER.replace("ready", "later"), WORKER)
    until(written(tmp_path, "server"))
    assert not (tmp_path / "worker").exists()
    (tmp_path / "ready").touch()
    until(written(tmp_path, "worker"))
    until((tmp_path / "told").exists)
    supervisor.terminate()
    assert supervisor.wait(10) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_them(tmp_path: Path, number: signal.Signals) -> None:
    supervisor = start(tmp_path, SERVER, WORKER)
    until(written(tmp_path, "worker"))
    supervisor.send_signal(number)
    assert supervisor.wait(10) == 0
    assert not lives(tmp_path, "server")
    assert not lives(tmp_path, "worker")


def test_the_end_of_one_ends_the_other_and_is_told(tmp_path: Path) -> None:
    supervisor = start(tmp_path, SERVER, SHORT)
    assert supervisor.wait(10) == 1
    assert not lives(tmp_path, "server")


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    supervisor = start(tmp_path, SERVER, STUBBORN)
    until(written(tmp_path, "worker"))
    supervisor.terminate()
    assert supervisor.wait(10) == 0
    assert not lives(tmp_path, "worker")


def test_the_death_of_the_parent_ends_all_of_them(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        ["sh", "-c", '"$@"; true', "sh", sys.executable, "-c", PROGRAM, tmp_path, SERVER, WORKER]
    )
    until(written(tmp_path, "worker"))
    parent.kill()
    parent.wait()
    until(lambda: not lives(tmp_path, "server") and not lives(tmp_path, "worker"))
