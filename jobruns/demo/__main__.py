"""`make demo`: prepare a demo and serve it until somebody asks for the end.

python -m jobruns.demo [--host 127.0.0.1] [--port 8000]
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from jobruns.demo import environment
from jobruns.demo.receiver import Receiver
from jobruns.demo.supervisor import supervise
from jobruns.demo.warehouse import NoWarehouse, open_warehouse

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD_FILE = ROOT / "var" / "admin-password"


def main() -> int:
    """Return the exit code: 0 when it was asked to end."""
    parser = argparse.ArgumentParser(prog="make demo", description="Serve sample data with a scheduler at work.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    if not 1 <= options.port <= 65_535:
        parser.error("PORT must lie between 1 and 65535.")
    if sentence := _refusal(options.host, options.port):
        return _fail(sentence)
    os.chdir(ROOT)
    os.umask(0o077)  # keys, a password and people's data
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # while it is being prepared
    with ExitStack() as stack:
        return _serve(options.host, options.port, warehouse=_warehouse(stack))


def _warehouse(stack: ExitStack) -> str:
    """Open the database that imports fill until the stack closes, and return its address; empty if it cannot run."""
    try:
        return stack.enter_context(open_warehouse(ROOT / "var" / "warehouse"))
    except NoWarehouse as wrong:
        _say(f"Imports are left out, since their database does not run here: {wrong}.")
        return ""


def _serve(host: str, port: int, *, warehouse: str) -> int:
    """Prepare the demo's data, serve it, and return the exit code."""
    environment.prepare(ROOT / "var" / "carillon.env", host=host, port=port, warehouse=warehouse)
    address = f"http://{environment.bracketed(environment.reachable(host))}:{port}"
    for step in (
        ["migrate", "--verbosity", "0"],
        ["collectstatic", "--noinput", "--verbosity", "0"],
        ["loaddemo", "--address", address, "--admin"],
    ):
        if code := _manage(*step):
            return code
    if not os.environ.get("NATS_URL"):
        receiver = Receiver()
        os.environ["NATS_URL"] = receiver.address
        receiver.start()
    given = os.environ.pop("CARILLON_ADMIN_PASSWORD", "")
    return supervise(
        _web(f"{environment.bracketed(host)}:{port}"),
        [sys.executable, "manage.py", "runscheduler", "--processes", "4", "--drain-timeout", "3"],
        is_ready=lambda: _answers(environment.reachable(host), port),
        on_ready=lambda: _say(f"\n  Carillon is at {address}/\n  {_sign_in(given)}\n  Ctrl-C ends it.\n"),
    )


def _web(bind: str) -> list[str]:
    return [
        *[sys.executable, "-m", "gunicorn", "scheduler_site.wsgi:application", "--bind", bind],
        *["--workers", "1", "--threads", "8", "--graceful-timeout", "3", "--log-level", "warning"],
        "--no-control-socket",
    ]


def _refusal(host: str, port: int) -> str:
    """Return why nothing can listen there; empty if something can."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        return f"HOST={host} is no address of this machine. Write 127.0.0.1, or 0.0.0.0 for all of them."
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            return f"Port {port} of {host} cannot be used ({error.strerror}). Try: make demo PORT={port % 65_535 + 1}"
    return ""


def _manage(*arguments: str) -> int:
    """Run a management command and return its exit code."""
    return subprocess.run([sys.executable, "manage.py", *arguments], check=False).returncode  # noqa: S603


def _answers(host: str, port: int) -> bool:
    """Tell whether the web server answers, whatever it says."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/live")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _sign_in(given: str) -> str:
    """Return how to sign in."""
    if given:
        return f"Sign in as admin, password {given}"
    if PASSWORD_FILE.exists():
        return f"Sign in as admin, password {PASSWORD_FILE.read_text().strip()} (unless you changed it)"
    return "Sign in as admin, with the password given when the demo was made"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # while it was still being prepared
        sys.exit(130)
