"""Hostile requests to the real gunicorn: no 5xx, no long wait, and nothing changed by who may not or was refused."""

import subprocess
import sys


def test_two_thousand_hostile_requests_meet_no_crash_no_wait_and_change_nothing():
    command = [sys.executable, "-m", "tests.security.storm", "--requests", "2000", "--seed", "1"]
    storm = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert storm.returncode == 0, storm.stdout + storm.stderr[-2_000:]
