"""Settings for trying things do not start in production, and the production check is clean."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOUND = {
    "DEBUG": "false",
    "ALLOWED_HOSTS": "carillon.example",
    "SECRET_KEY": "checks-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789",
    "CARILLON_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "SECURE_SSL_REDIRECT": "true",
    "SESSION_COOKIE_SECURE": "true",
    "CSRF_COOKIE_SECURE": "true",
    "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
}


def check(folder, **changes):
    surroundings = {**SOUND, "PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{folder}/x.sqlite3", **changes}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)


def test_a_sound_production_passes_every_check(tmp_path):
    told = check(tmp_path)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""), ("ALLOWED_HOSTS", ""), ("CARILLON_ENCRYPTION_KEYS", ""), ("CARILLON_ENCRYPTION_KEYS",
        "short"),
        ("SECRET_KEY", "for-development-only"), ("ALLOWED_HOSTS", "*"), ("DEBUG", "true"), ("DEBUG", "maybe"),
        ("SESSION_COOKIE_SECURE", "false"), ("CSRF_COOKIE_SECURE", "false"), ("SECURE_SSL_REDIRECT", "false"),
        ("OUTBOUND_ALLOWLIST", "*.example.com"), ("MANAGEMENT_COMMAND_ALLOWLIST", '{"flush; id": {}}'),
        ("MANAGEMENT_COMMAND_ALLOWLIST", '{"check": {"settings": {"type": "string"}}}'),
        ("MANAGEMENT_COMMAND_ALLOWLIST", "[]"),
    ],
)  # fmt: skip
def test_an_unsound_production_is_named(tmp_path, name, value):
    told = check(tmp_path, **{name: value})
    assert told.returncode != 0
    assert name in told.stderr or "security.W" in told.stderr


def test_the_container_runs_as_nobody_in_particular():
    lines = [line.split() for line in (ROOT / "Dockerfile").read_text().splitlines()]
    users = [words[1] for words in lines if words and words[0] == "USER"]
    assert users
    assert users[-1] not in {"root", "0"}
