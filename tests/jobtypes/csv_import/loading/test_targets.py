"""Tables of all kinds as targets: names, keys, rights, and what must not be written to."""

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from integrations import own_database
from tests.jobtypes.csv_import.loading.ground import counts

TWO = "id,name\n1,Aurora\n2,Borealis\n"


def test_a_header_that_looks_like_sql_is_a_columns_name(ground):
    ground.ask("CREATE TABLE x (id int)")
    name = 'a"; DROP TABLE x;--'
    result = ground.load('id,"a""; DROP TABLE x;--"\n1,%s {} $1\n', table='T"; DROP TABLE x;--')
    assert (result.inserted, result.error) == (1, "")
    columns = "SELECT attname FROM pg_attribute WHERE attnum = 2 AND attrelid = %s::regclass"
    assert ground.ask(columns, '"T""; DROP TABLE x;--"') == [(name,)]
    assert ground.ask("SELECT count(*) FROM x") == [(0,)]
    assert ground.load('id,"a""; DROP TABLE x;--"\n1,%s {} $1\n', table='T"; DROP TABLE x;--').skipped == 1


@pytest.mark.parametrize(
    "name", ["select", "Größe", "with space", "100%", "{}", "a.b", "'", "row", "line", "c1", "s"]
)
def test_any_name_can_be_a_column_and_a_key(ground, name):
    text = f"{name},other\n1,a\n2,b\n2,c\n"
    result = ground.load(text, primary_key=(name,), table=name)
    assert (counts(result), result.error) == ((2, 0, 0, 0, 1), "")
    assert counts(ground.load(text.replace("1,a", "1,z"), primary_key=(name,), table=name)) == (0, 1, 1, 0, 1)


def test_names_are_compared_as_they_are_written(ground):
    ground.ask('CREATE TABLE t (id int PRIMARY KEY, "Name" text)')
    assert ground.load(TWO).columns_added == ("name",)
    result = ground.load("ID,name\n1,a\n", primary_key=("ID",))
    assert (result.error_type, "capitals" in result.error) == ("KeyColumnMissing", True)


def test_a_table_without_a_unique_index_on_the_key_is_refused_with_the_statement_to_run(ground):
    ground.ask('CREATE TABLE t (id int, "Name" text, UNIQUE ("Name"))')
    result = ground.load("id,Name\n1,a\n", primary_key=("id", "Name"))
    assert (result.error_type, ground.rows()) == ("NoUniqueIndex", [])
    statement = f'CREATE UNIQUE INDEX ON "{ground.schema}"."t" ("id", "Name");'
    assert statement in result.error
    ground.ask(statement)
    assert ground.load("id,Name\n1,a\n", primary_key=("Name", "id")).inserted == 1


@pytest.mark.parametrize(
    "index",
    [
        "UNIQUE INDEX ON t (id) WHERE id > 0",
        "UNIQUE INDEX ON t ((id + 0))",
        "UNIQUE INDEX ON t (id, name)",
        "INDEX ON t (id)",
    ],
)
def test_an_index_that_does_not_make_the_key_unique_does_not_serve(ground, index):
    ground.ask(f"CREATE TABLE t (id int, name text); CREATE {index}")
    assert ground.load(TWO).error_type == "NoUniqueIndex"


def test_an_index_that_carries_other_columns_along_serves(ground):
    ground.ask("CREATE TABLE t (id int, name text); CREATE UNIQUE INDEX ON t (id) INCLUDE (name)")
    assert ground.load(TWO).inserted == 2


def test_a_deferrable_constraint_does_not_serve_and_that_is_said(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY DEFERRABLE, name text)")
    assert "deferrable" in ground.load(TWO).error


@pytest.mark.parametrize(("kind", "words"), [("VIEW", "a view"), ("MATERIALIZED VIEW", "a materialized view")])
def test_a_view_is_no_target(ground, kind, words):
    ground.ask(f"CREATE TABLE base (id int PRIMARY KEY, name text); CREATE {kind} t AS SELECT * FROM base")
    result = ground.load(TWO)
    assert (result.error_type, words in result.error, ground.rows("base")) == ("NotATable", True, [])


def test_a_partitioned_table_takes_rows_of_all_its_parts(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)")
    ground.ask("CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (2)")
    ground.ask("CREATE TABLE high PARTITION OF t FOR VALUES FROM (2) TO (9)")
    assert counts(ground.load(TWO)) == (2, 0, 0, 0, 0)
    assert counts(ground.load("id,name,flag\n1,Aurora,\n2,Boreas,\n3,x,\n")) == (1, 1, 1, 0, 0)
    assert [result.inserted for result in ground.rebuild("id,name\n5,x\n")] == [1]
    result = ground.load("id,name\n6,x\n12,x\n")
    assert (result.error_type, "partition" in result.error) == ("ConstraintViolation", True)
    assert ground.rows() == [(5, "x", None)]


def test_a_computed_column_is_refused_before_anything_is_written(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED)")
    result = ground.load("id,n,twice\n1,1,2\n")
    assert (result.error_type, "twice" in result.error) == ("ColumnNotWritable", True)
    assert ground.load("id,n\n1,1\n").inserted == 1
    assert ground.rows() == [(1, 1, 2)]


def test_an_identity_key_takes_the_files_numbers(ground):
    ground.ask("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)")
    assert counts(ground.load(TWO)) == (2, 0, 0, 0, 0)
    assert counts(ground.load("id,name\n1,x\n2,Borealis\n")) == (0, 1, 1, 0, 0)


def test_an_identity_column_that_cannot_be_updated_is_refused(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY)")
    assert ground.load("id,n\n1,1\n").error_type == "ColumnNotWritable"


def test_an_identity_column_that_the_file_lacks_counts_on(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text, n int GENERATED ALWAYS AS IDENTITY)")
    ground.load(TWO)
    assert sorted(row[2] for row in ground.rows()) == [1, 2]


def test_a_texts_capitals_are_updated_where_the_column_ignores_them(ground):
    try:
        ground.ask("CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("This server was built without ICU.")
    ground.ask("CREATE TABLE t (id text COLLATE any_case PRIMARY KEY, name text COLLATE any_case)")
    result = ground.load("id,name\na,x\nA,Aurora\n")
    assert (counts(result), ground.rows()) == ((1, 0, 0, 0, 1), [("A", "Aurora")])
    assert counts(ground.load("id,name\na,aurora\n")) == (0, 1, 0, 0, 0)
    assert ground.rows() == [("A", "aurora")]


def test_columns_of_other_collations_are_compared(ground):
    ground.ask('CREATE TABLE t (id text COLLATE "C" PRIMARY KEY, name text COLLATE "C")')
    assert counts(ground.load(TWO)) == (2, 0, 0, 0, 0)
    assert counts(ground.load("id,name\n1,a\n2,Borealis\n")) == (0, 1, 1, 0, 0)


def test_types_without_equality_are_compared_as_texts(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, a json, b point, c json[])")
    text = 'id|a|b|c\n1|"{""x"": 1}"|(1,2)|{1}\n'
    assert counts(ground.load(text, delimiter="|")) == (1, 0, 0, 0, 0)
    assert counts(ground.load(text, delimiter="|")) == (0, 0, 1, 0, 0)
    assert counts(ground.load(text.replace("1,2", "1,3"), delimiter="|")) == (0, 1, 0, 0, 0)


def test_a_missing_schema_is_named_with_the_statement_to_run(ground):
    result = ground.load(TWO, schema="No such")
    assert (result.error_type, 'CREATE SCHEMA "No such";' in result.error) == ("SchemaMissing", True)


def test_a_missing_table_is_not_made_if_that_is_not_wanted(ground):
    assert ground.load(TWO, create_table=False).error_type == "TableMissing"


def test_new_columns_are_not_added_if_that_is_not_wanted(ground):
    ground.load(TWO)
    result = ground.load("id,name,flag\n1,a,b\n", add_columns=False)
    assert (result.error_type, "flag" in result.error) == ("ColumnMissing", True)


def test_a_constraint_of_the_table_fails_the_file_with_its_name(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE)")
    ground.ask("INSERT INTO t VALUES (9, 'Borealis')")
    result = ground.load(TWO)
    assert (result.status, result.error_type, result.retryable) == ("failed", "ConstraintViolation", False)
    assert "Borealis" in result.error
    assert ground.rows() == [(9, "Borealis")]


def test_a_trigger_may_change_rows_and_leave_some_out(ground):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text)")
    ground.ask(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.id = 1 THEN RETURN NULL; END IF; NEW.name := upper(NEW.name); RETURN NEW; END $$"
    )
    ground.ask("CREATE TRIGGER g BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()")
    result = ground.load(TWO)
    assert (counts(result), ground.rows()) == ((1, 0, 1, 0, 0), [(2, "BOREALIS")])


@pytest.fixture
def clerk(ground):
    """A role that may only look; yields its name, and an address to connect as it."""
    name = f"{ground.connection.info.dbname}_{ground.schema}"
    ground.ask(f"CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA {ground.schema} TO {name}")
    yield name, make_conninfo(ground.target, options=f"-c role={name}")
    ground.ask(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_rights_that_the_role_lacks_are_named(ground, clerk):
    name, target = clerk
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text)")
    ground.ask(f"GRANT SELECT ON t TO {name}")
    result = ground.load(TWO, target=target)
    assert (result.error_type, result.retryable) == ("InsufficientPrivilege", False)
    assert "lacks INSERT, UPDATE" in result.error
    ground.ask(f"GRANT INSERT, UPDATE ON t TO {name}")
    assert ground.load(TWO, target=target).inserted == 2
    assert "only its owner may add columns" in ground.load("id,flag\n1,a\n", target=target).error
    assert "may not make one" in ground.load(TWO, target=target, table="new").error
    assert "lacks TRUNCATE" in ground.load(TWO, target=target, rebuild_table=True).error
    ground.ask(f"GRANT DELETE ON t TO {name}")
    assert ground.load("id,name\n7,x\n", target=target, rebuild_table=True).inserted == 1
    assert ground.rows() == [(7, "x")]


def test_a_role_without_temporary_tables_is_told_so(ground, clerk):
    _, target = clerk
    ground.ask(f"REVOKE TEMPORARY ON DATABASE {ground.connection.info.dbname} FROM PUBLIC")
    result = ground.load(TWO, target=target)
    ground.ask(f"GRANT TEMPORARY ON DATABASE {ground.connection.info.dbname} TO PUBLIC")
    assert (result.error_type, "temporary tables" in result.error) == ("InsufficientPrivilege", True)


def test_a_server_that_is_not_there_is_tried_again_later(ground):
    result = ground.load(TWO, target=make_conninfo(ground.target, host="127.0.0.1", port=1))
    assert (result.error_type, result.retryable, result.connection_lost) == ("ConnectionFailed", True, True)


def test_a_role_that_reads_only_by_default_writes_all_the_same(ground):
    target = make_conninfo(ground.target, options="-c default_transaction_read_only=on")
    assert ground.load(TWO, target=target).inserted == 2


def test_triggers_views_and_grants_stay_as_they_were(ground, clerk):
    ground.ask("CREATE TABLE t (id int PRIMARY KEY, name text); CREATE VIEW v AS SELECT id FROM t")
    ground.ask("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$")
    ground.ask("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()")
    ground.ask(f"GRANT SELECT ON t TO {clerk[0]}; GRANT SELECT ON v TO {clerk[0]}")
    look = (
        "SELECT relname, relacl::text, relkind, relhastriggers, relowner, oid, "
        "(SELECT array_agg(tgname) FROM pg_trigger WHERE tgrelid = c.oid), pg_get_viewdef(oid) "
        "FROM pg_class AS c WHERE relnamespace = %s::regnamespace ORDER BY relname"
    )
    before = ground.ask(look, ground.schema)
    ground.load(TWO)
    ground.load("id,name,flag\n1,x,y\n")
    ground.load(TWO, rebuild_table=True)
    assert ground.ask(look, ground.schema) == before


def test_no_staging_table_or_function_is_left_behind(ground):
    ground.load(TWO)
    ground.load("id,name\nx\n")
    tables = "SELECT relname FROM pg_class WHERE relname LIKE 'carillon%'"
    assert ground.ask(f"{tables} UNION SELECT proname FROM pg_proc WHERE proname LIKE 'carillon%'") == []


def test_carillons_own_database_is_refused(ground, monkeypatch):
    with psycopg.connect(ground.target) as there:
        identity = there.execute(own_database.IDENTITY).fetchone()[0]
    monkeypatch.setattr(own_database, "identity", lambda: identity)
    result = ground.load(TWO)
    assert (result.error_type, ground.ask("SELECT to_regclass('t')")) == ("OwnDatabase", [(None,)])


def test_a_key_that_ignores_capitals_is_met_in_any_spelling(ground):
    if not ground.ask("SELECT 1 FROM pg_available_extensions WHERE name = 'citext'"):
        pytest.skip("This server has no citext.")
    ground.ask(f"CREATE EXTENSION citext SCHEMA {ground.schema}")
    ground.ask("CREATE TABLE t (id citext PRIMARY KEY, name citext)")
    target = make_conninfo(ground.target, options=f"-c search_path={ground.schema}")
    assert counts(ground.load("id,name\na,x\nA,Aurora\n", target=target)) == (1, 0, 0, 0, 1)
    assert counts(ground.load("id,name\na,aurora\nb,x\n", target=target)) == (1, 1, 0, 0, 0)
    assert ground.rows() == [("A", "aurora"), ("b", "x")]
