"""What the audit trail writes down, and how it is chained."""

import threading

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from integrations import audit
from integrations.models import AuditEntry, AuditHead, AuditLink, Channel, Connection
from integrations.trail import linked
from schedules.models import Calendar, TagLimit, Template
from schedules.telling import NoticeRule


def the_entry(**about) -> AuditEntry:
    return AuditEntry.objects.get(**about)


@pytest.mark.django_db
def test_an_edit_tells_only_what_changed(make_schedule):
    schedule = make_schedule(name="nightly", tags=["a"])
    schedule.priority = 8
    schedule.store(by="ada")
    entry = the_entry(act="update")
    assert (entry.kind, entry.object_id, entry.name, entry.environment) == (
        "schedule",
        schedule.pk,
        "nightly",
        "production",
    )
    assert (entry.before, entry.after) == ({"priority": 5}, {"priority": 8})
    assert (entry.actor, entry.source) == ("ada", "internal")


@pytest.mark.django_db
def test_the_one_who_acts_is_told_with_the_way_in(make_schedule):
    user = User.objects.create_user("ada")
    schedule = make_schedule()
    with audit.acting("", source="api", user=user, reason="because", on_behalf_of="X-Created-By: bob"):
        schedule.pause(by="somebody else")
    entry = the_entry(act="pause")
    assert (entry.actor, entry.actor_id, entry.source, entry.reason, entry.on_behalf_of) == (
        "ada",
        user.pk,
        "api",
        "because",
        "X-Created-By: bob",
    )


@pytest.mark.django_db
def test_a_verb_s_own_reason_wins(make_schedule):
    schedule = make_schedule()
    with audit.because("in general"):
        schedule.pause(by="ada", reason="the partner moves")
        schedule.resume(by="ada")
    assert the_entry(act="pause").reason == "the partner moves"
    assert the_entry(act="resume").reason == "in general"


@pytest.mark.django_db
def test_what_the_engine_does_is_told_as_its_own(make_schedule):
    with audit.acting("root", source="command"):
        make_schedule().suspend(reason="Its timing cannot be read.")
    entry = the_entry(act="suspend")
    assert (entry.actor, entry.source, entry.reason) == ("Carillon", "engine", "Its timing cannot be read.")


@pytest.mark.django_db
def test_changes_made_together_share_an_id(make_schedule):
    first, second, third = make_schedule(), make_schedule(), make_schedule()
    with audit.together() as shared:
        first.pause(by="ada")
        second.pause(by="ada")
    third.pause(by="ada")
    assert [entry.bulk_id for entry in AuditEntry.objects.filter(act="pause").order_by("pk")] == [shared, shared, ""]


@pytest.mark.django_db
def test_a_secret_that_changed_is_told_as_stars():
    connection = Connection(name="warehouse", kind="sql", address="postgresql://u:first-secret@db.example.com/w")
    connection.store(by="ada")
    connection.offer({"password": "second-secret"})
    connection.store(by="ada")
    connection.description = "Only words changed."
    connection.store(by="ada")
    created, changed, described = AuditEntry.objects.order_by("pk")
    assert created.after["password"] == "***"
    assert (changed.before, changed.after) == ({"password": "***"}, {"password": "***"})
    assert set(described.after) == {"description"}
    assert "secret" not in created.changes + changed.changes


@pytest.mark.django_db
def test_a_channel_s_signing_secret_is_told_as_stars():
    channel = Channel(name="hook", kind="webhook")
    channel.offer({"url": "https://hooks.example.com/x"})
    channel.store(by="ada")
    channel.rotate(by="ada")
    rotated = the_entry(act="update")
    assert rotated.after == {"signing_secret": "***"}
    assert channel.revealed["signing_secret"] not in rotated.changes


@pytest.mark.django_db
def test_a_refused_change_leaves_no_entry(make_schedule):
    schedule = make_schedule()
    before = AuditEntry.objects.count()
    schedule.priority = 99
    with pytest.raises(ValidationError):
        schedule.store(by="ada")
    schedule.refresh_from_db()
    with transaction.atomic():
        schedule.pause(by="ada")
        assert AuditEntry.objects.count() == before + 1
        transaction.set_rollback(True)
    assert AuditEntry.objects.count() == before


@pytest.mark.django_db
def test_names_that_no_database_takes_are_made_readable(make_schedule):
    schedule = make_schedule()
    with audit.acting("x" * 400, source="api", reason="a\x00b\ud800", on_behalf_of="\n" * 600):
        schedule.pause(by="")
    entry = the_entry(act="pause")
    assert (len(entry.actor), entry.reason, len(entry.on_behalf_of)) == (150, "a b?", 500)


@pytest.mark.django_db(transaction=True)
def test_every_entry_is_linked_to_the_one_before(make_schedule):
    schedule = make_schedule()
    schedule.pause(by="ada")
    schedule.resume(by="ada")
    digest = ""
    links = list(AuditLink.objects.order_by("position").select_related("entry"))
    for position, link in enumerate(links, start=1):
        assert link.position == position
        assert link.entry.digest == link.entry.content_digest()
        digest = linked(digest, link.entry_id, link.entry.digest)
        assert link.digest == digest
    assert len(links) == 3
    assert AuditHead.objects.get().digest == digest


@pytest.mark.django_db(transaction=True)
def test_writers_that_hold_many_locks_do_not_wait_for_each_other_in_a_circle(make_schedule):
    """Each thread changes two schedules in one transaction, crosswise to the other's."""
    first, second = make_schedule(), make_schedule()
    meet = threading.Barrier(2)
    wrong = []

    def change(mine, free):
        try:
            with transaction.atomic():
                mine.pause(by="ada")
                if connection.vendor == "postgresql":
                    meet.wait(10)
                free.store(by="ada")
        except Exception as error:  # whatever it is, the test must hear of it
            wrong.append(error)
        finally:
            connection.close()

    others = [make_schedule(), make_schedule()]
    threads = [threading.Thread(target=change, args=pair) for pair in ((first, others[0]), (second, others[1]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not wrong
    assert AuditLink.objects.count() == AuditEntry.objects.count() == 8
    assert sorted(AuditLink.objects.values_list("position", flat=True)) == list(range(1, 9))


@pytest.mark.parametrize(
    "row",
    [
        Connection(kind="http"),
        Channel(kind="webhook"),
        Calendar(),
        TagLimit(),
        NoticeRule(),
        Template(),
    ],
    ids=lambda row: type(row).__name__,
)
def test_every_field_that_a_form_may_change_is_told(row):
    editable = {field.attname for field in row._meta.concrete_fields if field.editable} - {"id"}
    assert editable - row.recorded().keys() == set()
