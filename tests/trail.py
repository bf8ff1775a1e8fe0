"""The guards of the audit trail, taken off and put back as its migration does."""

from importlib import import_module

guards = import_module("integrations.migrations.0003_audit_guards")


def remove_guards(connection):
    with connection.schema_editor() as editor:
        guards.remove_guards(None, editor)


def add_guards(connection):
    with connection.schema_editor() as editor:
        guards.add_guards(None, editor)


def remove_chain(connection):
    with connection.schema_editor() as editor:
        guards.remove_chain(None, editor)


def add_chain(connection):
    with connection.schema_editor() as editor:
        guards.add_chain(None, editor)
