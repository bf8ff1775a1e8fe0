"""Find the connections that jobs name."""

from integrations.models import Connection
from jobtypes.base import InvalidParams, JobFailed


def find(name: str, *, kind: str) -> Connection:
    """Return the connection for a check; raises InvalidParams on `connection` if there is none of that kind."""
    try:
        return Connection.objects.named(name, kind=kind)
    except Connection.DoesNotExist as missing:
        raise InvalidParams({"connection": [str(missing)]}) from None


def use(name: str, *, kind: str) -> Connection:
    """Return the connection for a run; raises JobFailed if it has gone since the schedule was saved."""
    try:
        return Connection.objects.named(name, kind=kind)
    except Connection.DoesNotExist as missing:
        raise JobFailed(f"{missing} Nothing was done.", retry=False) from None
