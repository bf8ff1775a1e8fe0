"""The tests' settings with the job type that bears witness; for schedulers that are put through faults."""

from tests.settings import *  # noqa: F403
from tests.settings import JOB_TYPES

JOB_TYPES = [*JOB_TYPES, "tests.faults.witness.Witness"]
