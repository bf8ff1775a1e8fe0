"""Templates in files: declared, changed as versions, exported, and refused with the line that is wrong."""

from io import StringIO

import pytest
from django.core.management import call_command

from schedules.models import Origin, Schedule, Template
from tests.commands.files import refused, sync, write

__all__ = ["write"]

pytestmark = pytest.mark.django_db

BOOKS = """
templates:
  close the books:
    description: One shop's books
    definition:
      job_type: noop
      cron_expression: "15 {{ hour }} * * *"
      params: {message: "{{ shop }}"}
    parameters:
      - {name: shop, required: true}
      - {name: hour, type: integer, default: 2}
schedules: []
"""


def test_a_template_is_made_and_the_second_time_nothing_changes(write):
    file = write(BOOKS)
    assert "1 created, 0 updated, 0 deleted, 0 unchanged." in sync(file)
    made = Template.objects.get()
    assert made.definition["params"] == {"message": "{{ shop }}"}
    assert made.parameters[1] == {"name": "hour", "type": "integer", "default": 2}
    assert "0 created, 0 updated, 0 deleted, 1 unchanged." in sync(file)
    assert Template.objects.get().version == 1


def test_a_changed_file_is_a_new_version_and_changes_no_schedule(write):
    sync(write(BOOKS))
    schedule = Schedule(name="riga", job_type="noop", schedule_type="manual")
    schedule.store(by="somebody")
    Origin.objects.create(schedule=schedule, template=Template.objects.get(), version=1)
    said = sync(write(BOOKS.replace("15 {{ hour }}", "45 {{ hour }}")))
    assert "1 updated" in said
    assert [one.number for one in Template.objects.get().versions.all()] == [2, 1]
    schedule.refresh_from_db()
    assert (schedule.version, schedule.origin.is_outdated) == (1, True)


def test_what_is_wrong_is_told_with_its_line(write):
    said = refused(write(BOOKS.replace("type: integer", "type: day")))
    assert "all.yaml:11" in said
    said = refused(write(BOOKS.replace("{{ shop }}", "{{ shops }}")))
    assert "all.yaml:8" in said
    assert "There is no parameter 'shops'." in said
    assert not Template.objects.exists()


def test_what_is_exported_changes_nothing_when_it_is_taken_over(write):
    sync(write(BOOKS))
    out = StringIO()
    call_command("exportschedules", stdout=out)
    assert "0 created, 0 updated, 0 deleted, 1 unchanged." in sync(write(out.getvalue(), "exported.yaml"))
