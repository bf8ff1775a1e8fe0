"""`manage.py` for a scheduler that misses its messages after one second instead of thirty."""

import sys
from datetime import timedelta

import django
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    sys.path.insert(0, ".")
    django.setup()
    from jobruns.engine.dispatch import celery

    celery.LOST = timedelta(seconds=1)
    execute_from_command_line(["manage.py", *sys.argv[1:]])
