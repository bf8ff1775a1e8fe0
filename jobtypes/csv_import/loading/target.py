"""Know the table that a file belongs to: its columns, their types, and what makes its key unique."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from jobtypes.csv_import.loading.failures import UNTOUCHED, LoadFailed
from jobtypes.csv_import.loading.session import Connection
from jobtypes.csv_import.plan import FilePlan

KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table", "S": "a sequence", "i": "an index"}
CUT = {"S", "V", "A"}  # texts, bits, and lists of them
MANY_COLUMNS = 1600
TABLE = """
SELECT c.oid::bigint, c.relkind,
       has_any_column_privilege(c.oid, 'SELECT'), has_any_column_privilege(c.oid, 'INSERT'),
       has_any_column_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'DELETE'),
       has_table_privilege(c.oid, 'TRUNCATE'), pg_has_role(c.relowner, 'USAGE'),
       EXISTS (SELECT FROM pg_constraint AS f WHERE f.contype = 'f' AND f.confrelid = c.oid AND f.conrelid <> c.oid)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""
COLUMNS = """
WITH RECURSIVE based AS (
    SELECT a.attnum, a.atttypid AS type, a.atttypmod AS modifier, a.attnotnull AS filled
    FROM pg_attribute AS a WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.attnum, t.typbasetype, t.typtypmod, b.filled OR t.typnotnull
    FROM based AS b JOIN pg_type AS t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT a.attname, format_type(a.atttypid, a.atttypmod), format_type(t.oid, -1), b.modifier, t.typcategory, b.filled,
       a.attidentity, a.attgenerated,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN quote_ident(n.nspname) || '.' || quote_ident(l.collname) END,
       coalesce(l.collisdeterministic, true),
       t.typtype = 'b' AND NOT EXISTS (
           SELECT FROM pg_operator AS o WHERE o.oprname = '=' AND (o.oprcanhash OR o.oprcanmerge)
           AND o.oprleft = e.oid AND o.oprright = e.oid)
FROM based AS b
JOIN pg_attribute AS a ON a.attrelid = %(table)s AND a.attnum = b.attnum
JOIN pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
JOIN pg_type AS e ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
LEFT JOIN pg_namespace AS n ON n.oid = l.collnamespace
ORDER BY a.attnum
"""
UNIQUE = """
SELECT i.indimmediate FROM pg_index AS i
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_attribute AS a WHERE a.attrelid = i.indrelid
       AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) = %s::text[]
ORDER BY i.indimmediate DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table. `type` and `base` are as the server writes them, quoted where that is needed."""

    name: str
    type: str = "text"
    base: str = "text"  # without domain, length and precision
    is_cut: bool = False  # silently to its length, by an explicit cast
    is_text: bool = True
    required: bool = False
    identity: str = ""
    generated: str = ""
    collation: str | None = None  # None: the database's own
    is_deterministic: bool = True
    has_no_equality: bool = False

    @property
    def takes_any_text(self) -> bool:
        return self.type in {"text", "character varying"}


@dataclass(frozen=True, slots=True)
class Table:
    """The table as it is when the file is merged. `is_new`: made in this transaction."""

    schema: str
    name: str
    columns: dict[str, Column]
    key: tuple[str, ...]
    is_new: bool = False
    is_referenced: bool = False
    may_truncate: bool = True

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


def prepare(connection: Connection, plan: FilePlan, header: Sequence[str]) -> tuple[Table, tuple[str, ...]]:
    """Return the table that can take these columns, and those that were added; it is made if it is missing.

    Raises LoadFailed where that is not possible or not wanted.
    """
    found = connection.execute(TABLE, (plan.schema, plan.table)).fetchone()
    if found is None:
        return _create(connection, plan, header), ()
    oid, kind, *rights, owns, is_referenced = found
    if kind not in {"r", "p"}:
        raise LoadFailed(
            "NotATable",
            f"{_full(plan)} is {KINDS.get(str(kind), 'no table')}; rows are loaded into tables only. {UNTOUCHED} "
            "Name its table as target_table.",
        )
    columns = {column.name: column for column in _columns(connection, oid)}
    _check_rights(plan, rights)
    new = tuple(name for name in header if name not in columns)
    if new:
        _add(connection, plan, new, columns, owns=bool(owns))
    table = Table(
        schema=plan.schema,
        name=plan.table,
        columns=columns | {name: Column(name) for name in new},
        key=plan.primary_key,
        is_referenced=bool(is_referenced),
        may_truncate=bool(rights[4]),
    )
    _check_writable(table, header)
    _check_key(connection, oid, table)
    return table, new


def _columns(connection: Connection, oid: object) -> list[Column]:
    found = []
    for row in connection.execute(COLUMNS, {"table": oid}).fetchall():
        name, full, base, modifier, category, filled, identity, generated, collation, deterministic, unequal = row
        is_text = category == "S"
        found.append(
            Column(
                name=str(name),
                type=str(full),
                base=str(base),
                is_cut=modifier >= 0 and category in CUT,
                is_text=is_text,
                required=bool(filled),
                identity=str(identity),
                generated=str(generated),
                collation=None if collation is None else str(collation),
                is_deterministic=bool(deterministic),
                has_no_equality=bool(unequal) and not is_text,
            )
        )
    return found


def _create(connection: Connection, plan: FilePlan, header: Sequence[str]) -> Table:
    if not plan.create_table:
        raise LoadFailed("TableMissing", f"There is no table {_full(plan)}, and create_table is false. {UNTOUCHED}")
    known = connection.execute(
        "SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = %s", (plan.schema,)
    ).fetchone()
    if known is None:
        raise LoadFailed(
            "SchemaMissing",
            f"There is no schema {plan.schema}. {UNTOUCHED} Create it: CREATE SCHEMA {quoted(plan.schema)};",
        )
    if not known[0]:
        raise LoadFailed(
            "InsufficientPrivilege",
            f"There is no table {_full(plan)}, and the connection's role may not make one in {plan.schema}. "
            f"{UNTOUCHED} Make it yourself, or grant CREATE on the schema.",
        )
    key = sql.SQL(", ").join(map(sql.Identifier, plan.primary_key))
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in header)
    name = sql.Identifier(plan.schema, plan.table)
    connection.execute(sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(name, columns, key))
    return Table(plan.schema, plan.table, {name: Column(name) for name in header}, plan.primary_key, is_new=True)


def _add(
    connection: Connection, plan: FilePlan, new: Sequence[str], columns: dict[str, Column], *, owns: bool
) -> None:
    names = ", ".join(new[:20])
    if missing := [name for name in plan.primary_key if name in new]:
        raise LoadFailed(
            "KeyColumnMissing",
            f"{_full(plan)} has no column {', '.join(missing)}, which primary_key names. {UNTOUCHED} "
            "Names of columns are compared as they are written, capitals too.",
        )
    if not plan.add_columns:
        raise LoadFailed(
            "ColumnMissing", f"{_full(plan)} does not have {names}, and add_columns is false. {UNTOUCHED}"
        )
    if not owns:
        raise LoadFailed(
            "InsufficientPrivilege",
            f"{_full(plan)} does not have {names}, and only its owner may add columns. {UNTOUCHED} "
            "Add them yourself, or connect as the owner.",
        )
    if len(columns) + len(new) > MANY_COLUMNS:
        raise LoadFailed(
            "TooManyColumns",
            f"{_full(plan)} would have {len(columns) + len(new)} columns; 1600 are possible. {UNTOUCHED}",
        )
    added = sql.SQL(", ").join(sql.SQL("ADD COLUMN {} text").format(sql.Identifier(name)) for name in new)
    connection.execute(sql.SQL("ALTER TABLE {} {}").format(sql.Identifier(plan.schema, plan.table), added))


def _check_rights(plan: FilePlan, rights: Sequence[object]) -> None:
    names = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
    missing = [name for name, has in zip(names[:3], rights, strict=False) if not has]
    if plan.rebuild_table and not (rights[3] or rights[4]):
        missing.append("TRUNCATE")
    if missing:
        words = ", ".join(missing)
        raise LoadFailed(
            "InsufficientPrivilege",
            f"The connection's role lacks {words} on {_full(plan)}. {UNTOUCHED} "
            f"As the owner: GRANT {words} ON {quoted(plan.schema)}.{quoted(plan.table)} TO that role;",
        )


def _check_writable(table: Table, header: Sequence[str]) -> None:
    for name in header:
        column = table.columns[name]
        if column.generated:
            raise LoadFailed(
                "ColumnNotWritable",
                f"{name} of {table.schema}.{table.name} is computed by the database and takes no values. {UNTOUCHED} "
                "Leave it out of the file, or map it to another name.",
            )
        if column.identity == "a" and name not in table.key:
            raise LoadFailed(
                "ColumnNotWritable",
                f"{name} of {table.schema}.{table.name} is GENERATED ALWAYS and cannot be updated. {UNTOUCHED} "
                "Leave it out of the file, or let it be GENERATED BY DEFAULT.",
            )


def _check_key(connection: Connection, oid: object, table: Table) -> None:
    found = connection.execute(UNIQUE, (oid, sorted(table.key))).fetchone()
    if found is not None and found[0]:
        return
    names = ", ".join(map(quoted, table.key))
    but = " but a deferrable one, which does not serve" if found is not None else ""
    raise LoadFailed(
        "NoUniqueIndex",
        f"{table.schema}.{table.name} has no unique index on its key ({', '.join(table.key)}){but}. {UNTOUCHED} "
        f"Run: CREATE UNIQUE INDEX ON {quoted(table.schema)}.{quoted(table.name)} ({names});",
    )


def quoted(name: str) -> str:
    """Return a name as it is written in SQL for people to copy."""
    return '"' + name.replace('"', '""') + '"'


def _full(plan: FilePlan) -> str:
    return f"{plan.schema}.{plan.table}"
