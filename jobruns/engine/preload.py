"""Loaded once into the process that children are forked from, so that each child starts warm."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
django.setup()

from jobruns.engine import child  # noqa: E402, F401
from jobtypes import registry  # noqa: E402

registry.job_types()
