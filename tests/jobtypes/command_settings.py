"""The tests' settings and a few commands to run as a job."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.jobtypes.commands_app"]
