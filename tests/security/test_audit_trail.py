"""Attempts to change the past: the database refuses them, and what gets by its guards is found."""

import json
import threading
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from integrations.chain import missing_guards, walk
from integrations.models import AuditEntry, AuditHead, AuditLink
from tests import trail

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = ["integrations_auditentry", "integrations_auditlink"]


@pytest.fixture
def guards():
    trail.add_guards(connection)
    yield
    trail.remove_guards(connection)


@pytest.fixture
def entries(make_schedule):
    """Five entries about one schedule, in order."""
    schedule = make_schedule(name="nightly")
    for number in range(2):
        schedule.pause(by="ada", reason=f"reason {number}")
        schedule.resume(by="ada")
    return list(AuditEntry.objects.order_by("pk"))


def run(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


@contextmanager
def without_chain():
    trail.remove_chain(connection)
    yield
    trail.add_chain(connection)


@pytest.mark.parametrize("table", TABLES)
def test_the_database_refuses_to_change_an_entry(guards, entries, table):
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        run(f"UPDATE {table} SET digest = 'x'")


@pytest.mark.parametrize("table", [*TABLES, "integrations_audithead"])
def test_the_database_refuses_to_remove_entries(guards, entries, table):
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        run(f"DELETE FROM {table}")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no TRUNCATE")
@pytest.mark.parametrize("table", [*TABLES, "integrations_audithead"])
def test_the_database_refuses_to_empty_the_tables(guards, entries, table):
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        run(f"TRUNCATE {table}")


def test_the_database_refuses_to_move_the_head_back(guards, entries):
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        run("UPDATE integrations_audithead SET position = 2")


def test_the_orm_cannot_change_an_entry_either(guards, entries):
    entries[0].reason = "another"
    with pytest.raises(IntegrityError), transaction.atomic():
        entries[0].save()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.all().delete()


def test_changes_are_written_while_the_guards_stand(guards, make_schedule):
    make_schedule().pause(by="ada")
    assert walk().entries == 2
    assert missing_guards() == []


def test_a_missing_guard_is_told(guards, entries):
    trail.remove_guards(connection)
    told = StringIO()
    call_command("verifyaudit", stdout=StringIO(), stderr=told)
    assert "lacks a guard" in told.getvalue()
    assert "on integrations_auditlink" in told.getvalue()


def test_an_untouched_trail_is_unbroken(entries):
    out = StringIO()
    call_command("verifyaudit", stdout=out, stderr=StringIO())
    assert "unbroken: 5 entries" in out.getvalue()
    assert AuditHead.objects.get().digest in out.getvalue()


def test_an_empty_trail_is_unbroken():
    assert walk().broken is None


COLUMNS = {
    "at": "2020-01-01 00:00:00+00",
    "actor": "eve",
    "actor_id": 99,
    "source": "yaml",
    "act": "erase",
    "kind": "channel",
    "object_id": 12345,
    "name": "nightlx",
    "environment": "staging",
    "reason": "reason 2",
    "on_behalf_of": "x",
    "correlation_id": "x",
    "bulk_id": "x",
    "changes": '{"after":{},"before":{} }',
    "digest": "0" * 64,
}


def test_every_column_is_covered():
    columns = {field.attname for field in AuditEntry._meta.concrete_fields}
    assert columns - {"id"} == set(COLUMNS)


@pytest.mark.parametrize("column", COLUMNS)
def test_an_edited_column_names_the_row(entries, column):
    run(f"UPDATE integrations_auditentry SET {column} = %s WHERE id = %s", COLUMNS[column], entries[2].pk)
    assert walk().broken.entry_id == entries[2].pk


@pytest.mark.parametrize("place", [0, 4])
def test_one_byte_is_enough(entries, place):
    pk = entries[place].pk
    run("UPDATE integrations_auditentry SET actor = 'ade' WHERE id = %s", pk)
    with pytest.raises(CommandError, match=rf"Entry {pk} .* was changed") as refused:
        call_command("verifyaudit", stdout=StringIO(), stderr=StringIO())
    assert refused.value.returncode == 1


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL takes no such bytes")
@pytest.mark.parametrize("wrong", ["'yesterday'", "replace(at, ' ', 'T')", "CAST(x'ff' AS TEXT)"])
def test_a_moment_that_is_none_names_the_row(entries, wrong):
    run(f"UPDATE integrations_auditentry SET at = {wrong} WHERE id = %s", entries[1].pk)
    assert walk().broken.entry_id == entries[1].pk


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL takes no such bytes")
def test_bytes_that_are_no_text_name_the_row(entries):
    run("UPDATE integrations_auditentry SET reason = CAST(x'ff41' AS TEXT) WHERE id = %s", entries[3].pk)
    assert walk().broken.entry_id == entries[3].pk


def test_an_edit_with_a_fresh_digest_is_found_by_the_chain(entries):
    forged = AuditEntry.objects.get(pk=entries[1].pk)
    forged.reason = "another"
    forged.digest = forged.content_digest()
    forged.save()
    assert walk().broken.entry_id == entries[1].pk


def test_a_removed_row_is_named(entries):
    run("DELETE FROM integrations_auditentry WHERE id = %s", entries[2].pk)
    assert str(walk().broken) == f"Entry {entries[2].pk} is missing: it was removed."


def test_a_row_removed_with_its_link_is_found(entries):
    run("DELETE FROM integrations_auditentry WHERE id = %s", entries[2].pk)
    run("DELETE FROM integrations_auditlink WHERE entry_id = %s", entries[2].pk)
    assert walk().broken.entry_id == entries[3].pk


def test_a_row_put_past_the_chain_is_named(entries):
    with without_chain():
        forged = AuditEntry(act="pause", kind="schedule", source="api", actor="eve")
        forged.write()
    assert walk().broken.entry_id == forged.pk


def test_a_row_put_in_with_a_link_of_its_own_is_found(entries):
    with without_chain():
        forged = AuditEntry(act="pause", kind="schedule", source="api", actor="eve")
        forged.write()
    for position in (0, 6):
        AuditLink.objects.all().filter(entry=forged).delete()
        AuditLink.objects.create(position=position, entry=forged, digest="0" * 64)
        assert walk().broken is not None


def test_a_tail_that_was_cut_off_is_missed(entries):
    for table, column in (("integrations_auditlink", "entry_id"), ("integrations_auditentry", "id")):
        run(f"DELETE FROM {table} WHERE {column} >= %s", entries[3].pk)
    assert str(walk().broken) == "The tail was cut off: 5 entries were written, 3 are left."


@pytest.mark.parametrize(
    "sql", ["UPDATE integrations_audithead SET digest = 'x'", "DELETE FROM integrations_audithead"]
)
def test_a_head_that_was_changed_is_found(entries, sql):
    run(sql)
    assert "head" in str(walk().broken)


def test_programs_read_what_is_broken(entries):
    run("UPDATE integrations_auditentry SET actor = 'eve' WHERE id = %s", entries[2].pk)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verifyaudit", "--json", stdout=out, stderr=StringIO())
    told = json.loads(out.getvalue())
    assert (told["ok"], told["entries"], told["broken"]["entry_id"]) == (False, 2, entries[2].pk)


def test_any_number_of_writers_keep_one_chain(make_schedule):
    schedules = [make_schedule() for _ in range(4)]
    wrong = []

    def edit(schedule):
        try:
            for _ in range(5):
                schedule.pause(by="ada")
                schedule.resume(by="ada")
        except Exception as error:  # the test must hear of whatever it is
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=[schedule]) for schedule in schedules]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = walk()
    assert not wrong
    assert (found.broken, found.entries) == (None, 44)


def test_a_change_that_is_rolled_back_leaves_no_entry(entries, make_schedule):
    with transaction.atomic():
        make_schedule()
        transaction.set_rollback(True)
    assert (walk().broken, walk().entries) == (None, 5)
