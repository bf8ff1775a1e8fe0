"""A job type that is also called by the name of another one, and proposes a time."""

from jobtypes.noop import Noop


class Renamed(Noop):
    name = "renamed"
    aliases = ("noop",)
    cron_expression = "0 2 * * *"
