"""The guards of what is never changed, taken off and put back as the migrations do."""

from importlib import import_module

guards = import_module("integrations.migrations.0003_audit_guards")
compliance = import_module("jobtypes.migrations.0004_compliance_guards")


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


def remove_compliance_guards(connection):
    with connection.schema_editor() as editor:
        compliance.remove_guards(None, editor)


def add_compliance_guards(connection):
    with connection.schema_editor() as editor:
        compliance.add_guards(None, editor)
