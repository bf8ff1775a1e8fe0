"""Find the connections that jobs name."""

from collections.abc import Iterable

from integrations.models import Connection
from jobtypes.base import Config, InvalidParams, JobFailed


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


def out_of_place(config: Config, places: Iterable[str] | None) -> dict[str, list[str]]:
    """Return field → sentences for each connection that a configuration names and that serves none of `places`.

    None means every environment.
    """
    named = {
        name: getattr(config, name)
        for name, field in type(config).model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("connection")
    }
    chosen = [name for name in named.values() if name]
    if not chosen:
        return {}
    usable = set(Connection.objects.within(places).filter(name__in=chosen).values_list("name", flat=True))
    return {
        field: [f"There is no connection named {name!r}."]
        for field, name in named.items()
        if name and name not in usable
    }
