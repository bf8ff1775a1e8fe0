#!/usr/bin/env python3
"""Run Carillon's management commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from integrations.acting import acting, system_user

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    try:
        with acting(system_user(), source="command"):
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as wrong:
        sys.exit(f"Carillon cannot start. {wrong}")
