"""The tests' settings with job types that misbehave; for child processes and schedulers that tests start."""

import os

os.environ.setdefault("LOG_LEVEL", "INFO")
from tests.settings import *  # noqa: F403
from tests.settings import JOB_TYPES

JOB_TYPES = [*JOB_TYPES, "tests.jobruns.kinds.Trick"]
OUTBOUND_ALLOWLIST = os.environ.get("RECEIVER_OF_A_TEST", "").split()
