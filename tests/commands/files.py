"""What tests of schedules in files share."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from schedules.models import Schedule


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes a file into the working directory."""
    monkeypatch.chdir(tmp_path)

    def file(text, name="all.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name

    return file


def sync(*arguments, **options):
    answer = StringIO()
    call_command("syncschedules", *arguments, stdout=answer, **options)
    return answer.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as refusal:
        sync(*arguments)
    assert refusal.value.returncode == 1
    return str(refusal.value)


def versions():
    return dict(Schedule.objects.values_list("name", "version"))
