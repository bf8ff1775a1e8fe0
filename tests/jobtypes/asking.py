"""Ask the shop's database as an alert does, on one make or on each."""

import pytest

from jobtypes import registry
from tests.jobtypes.running import execute

on_each = pytest.mark.parametrize("shop", ["sqlite", "postgresql", "mariadb"], indirect=True)
on_sqlite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("shop", ["postgresql"], indirect=True)
on_mariadb = pytest.mark.parametrize("shop", ["mariadb"], indirect=True)


def alert(query, context=None, **params):
    return execute("sql_alert", {"connection": "shop", "query": query, **params}, context)


def saved(query, **params):
    registry.validate("sql_alert", {"connection": "shop", "query": query, **params})
