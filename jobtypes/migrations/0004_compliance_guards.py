"""Let the database refuse to change or remove what validations found, and the log of who touched evidence.

On SQLite a migration that alters one of these tables makes it anew without its triggers: put them back there.
"""

from django.db import migrations

KEPT = ("jobtypes_validationresult", "jobtypes_evidenceaccess")
REFUSAL = "What compliance found is never changed: rows are only added."
POSTGRESQL_REFUSE = f"""
CREATE OR REPLACE FUNCTION carillon_refuse_compliance() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
END $body$;
"""


def add_guards(apps, schema_editor):
    """Refuse UPDATE and DELETE of results and of the log, on PostgreSQL TRUNCATE as well."""
    if schema_editor.connection.vendor == "postgresql":
        triggers = [
            f"CREATE TRIGGER compliance_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION carillon_refuse_compliance();"
            for table in KEPT
        ]
        _run(schema_editor, "\n".join([POSTGRESQL_REFUSE, *triggers]))
        return
    for table in KEPT:
        for verb in ("update", "delete"):
            body = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END;"
            _run(schema_editor, f"CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} {body}")


def remove_guards(apps, schema_editor):
    for table in KEPT:
        if schema_editor.connection.vendor == "postgresql":
            _run(schema_editor, f"DROP TRIGGER IF EXISTS compliance_is_kept ON {table};")
        else:
            for verb in ("update", "delete"):
                _run(schema_editor, f"DROP TRIGGER IF EXISTS {table}_{verb};")


def _run(schema_editor, sql):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql)


class Migration(migrations.Migration):
    dependencies = [("jobtypes", "0003_compliance")]
    operations = [migrations.RunPython(add_guards, remove_guards)]
