"""The scheduler refuses wrong settings at its start, and loads no more than firing needs."""

import os
import subprocess
import sys

from django.conf import settings

START = """
import sys, django
django.setup()
from django.core.management import load_command_class
command = load_command_class("jobruns", "runscheduler")
command.check(tags=command.requires_system_checks)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def python(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "scheduler_site.settings", "DEBUG": "true", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_wrong_settings_stop_the_scheduler_at_its_start():
    ended = python("manage.py", "runscheduler", OUTBOUND_ALLOWLIST="no such thing!")
    assert ended.returncode == 1
    assert "OUTBOUND_ALLOWLIST" in ended.stderr


def test_the_process_that_fires_loads_neither_pages_nor_a_database_toolkit():
    ended = python("-c", START)
    assert ended.returncode == 0, ended.stderr
    loaded = set(ended.stdout.split())
    assert "apscheduler" in loaded
    assert not loaded & {"sqlalchemy", "requests", "markdown", "prometheus_client", "yaml", "celery"}
