"""Carillon as the storm meets it: no throttle in the way of the requests, and mail and calls that lead nowhere."""

from tests.settings import *  # noqa: F403
from tests.settings import REST_FRAMEWORK

REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"user": "100000000/min"}}
