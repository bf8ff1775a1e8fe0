"""Let the database chain the audit trail, and refuse to change or remove what it holds.

On PostgreSQL the chain is written when the transaction commits: only then is its head locked, after all other locks,
so that edits of different things wait for one another no longer than a commit takes. SQLite has one writer anyway.
"""

from django.db import migrations

TABLES = ("integrations_auditentry", "integrations_auditlink")
HEAD = "integrations_audithead"
REFUSAL = "The audit trail is never changed: rows are only added."

POSTGRESQL_CHAIN = f"""
CREATE OR REPLACE FUNCTION carillon_chain_audit() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
  head {HEAD}%ROWTYPE;
  made text;
BEGIN
  SELECT * INTO head FROM {HEAD} WHERE id = 1 FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO {HEAD} (id, position, digest) VALUES (1, 0, '') ON CONFLICT (id) DO NOTHING;
    SELECT * INTO head FROM {HEAD} WHERE id = 1 FOR UPDATE;
  END IF;
  made := encode(sha256(convert_to(head.digest || ':' || NEW.id || ':' || NEW.digest, 'UTF8')), 'hex');
  INSERT INTO integrations_auditlink (position, entry_id, digest) VALUES (head.position + 1, NEW.id, made);
  UPDATE {HEAD} SET position = head.position + 1, digest = made WHERE id = 1;
  RETURN NULL;
END $body$;
CREATE CONSTRAINT TRIGGER audit_is_chained AFTER INSERT ON integrations_auditentry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION carillon_chain_audit();
"""
SQLITE_CHAIN = f"""
CREATE TRIGGER audit_is_chained AFTER INSERT ON integrations_auditentry BEGIN
  INSERT OR IGNORE INTO {HEAD} (id, position, digest) VALUES (1, 0, '');
  INSERT INTO integrations_auditlink (position, entry_id, digest)
    SELECT position + 1, NEW.id, SHA256(digest || ':' || NEW.id || ':' || NEW.digest) FROM {HEAD} WHERE id = 1;
  UPDATE {HEAD} SET position = position + 1,
    digest = (SELECT digest FROM integrations_auditlink WHERE entry_id = NEW.id) WHERE id = 1;
END;
"""
POSTGRESQL_REFUSE = f"""
CREATE OR REPLACE FUNCTION carillon_refuse_audit() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
END $body$;
"""


def add_chain(apps, schema_editor):
    _run(schema_editor, POSTGRESQL_CHAIN if schema_editor.connection.vendor == "postgresql" else SQLITE_CHAIN)


def remove_chain(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        _run(schema_editor, "DROP TRIGGER IF EXISTS audit_is_chained ON integrations_auditentry;")
    else:
        _run(schema_editor, "DROP TRIGGER IF EXISTS audit_is_chained;")


def add_guards(apps, schema_editor):
    """Refuse UPDATE, DELETE and TRUNCATE of entries and links; let the head only move on by one."""
    if schema_editor.connection.vendor == "postgresql":
        parts = [POSTGRESQL_REFUSE]
        parts += [
            f"CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION carillon_refuse_audit();"
            for table in TABLES
        ]
        parts.append(
            f"CREATE TRIGGER audit_is_kept BEFORE DELETE OR TRUNCATE ON {HEAD} "
            "FOR EACH STATEMENT EXECUTE FUNCTION carillon_refuse_audit();"
            f"CREATE TRIGGER audit_moves_on BEFORE UPDATE ON {HEAD} FOR EACH ROW "
            "WHEN (NEW.position <> OLD.position + 1 OR NEW.id <> OLD.id) EXECUTE FUNCTION carillon_refuse_audit();"
        )
        _run(schema_editor, "\n".join(parts))
        return
    for table in (*TABLES, HEAD):
        _run(schema_editor, _refusing(f"{table}_delete", f"DELETE ON {table}"))
    for table in TABLES:
        _run(schema_editor, _refusing(f"{table}_update", f"UPDATE ON {table}"))
    moved = "WHEN NEW.position <> OLD.position + 1 OR NEW.id <> OLD.id"
    _run(schema_editor, _refusing(f"{HEAD}_update", f"UPDATE ON {HEAD} {moved}"))


def remove_guards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in (*TABLES, HEAD):
            _run(schema_editor, f"DROP TRIGGER IF EXISTS audit_is_kept ON {table};")
        _run(schema_editor, f"DROP TRIGGER IF EXISTS audit_moves_on ON {HEAD};")
        return
    for table in (*TABLES, HEAD):
        for verb in ("update", "delete"):
            _run(schema_editor, f"DROP TRIGGER IF EXISTS {table}_{verb};")


def _refusing(name, event):
    return f"CREATE TRIGGER {name} BEFORE {event} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END;"


def _run(schema_editor, sql):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0002_roles")]
    operations = [
        migrations.RunPython(add_chain, remove_chain),
        migrations.RunPython(add_guards, remove_guards),
    ]
