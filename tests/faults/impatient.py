"""`manage.py` for a scheduler that gives a hanging loop up after two seconds instead of sixty."""

import sys

import django
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    sys.path.insert(0, ".")
    django.setup()
    from jobruns.engine import scheduler

    scheduler.HUNG = 2.0
    execute_from_command_line(["manage.py", *sys.argv[1:]])
