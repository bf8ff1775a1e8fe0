"""Store connections as a person does."""

import pytest
from django.core.exceptions import ValidationError

from integrations.models import Connection


def stored(address, headers=None, *, kind="sql", name="there"):
    connection = Connection(name=name, kind=kind, address=address)
    if headers is not None:
        connection.offer({"headers": headers})
    connection.store(by="anna")
    return Connection.objects.get(pk=connection.pk)


def edited(connection, address=None, offer=None):
    connection = Connection.objects.get(pk=connection.pk)
    connection.address = address or connection.address
    connection.offer(offer)
    connection.store(by="bert")
    return Connection.objects.get(pk=connection.pk)


def complaint(act, *rest, **options):
    with pytest.raises(ValidationError) as refused:
        act(*rest, **options)
    return str(refused.value)
