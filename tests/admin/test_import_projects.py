"""Import projects in the workshop."""

import json

import pytest
from django.contrib.auth.models import User

from integrations.models import AuditEntry, Connection
from jobtypes.models import ImportProject

pytestmark = pytest.mark.django_db
ADD = "/admin/jobtypes/importproject/add/"
SENT = {"name": "files", "description": "", "environment": "", "connection": "warehouse", "source": ""}
CONFIG = {"defaults": {"primary_key": "id"}}


@pytest.fixture
def ada(client):
    client.force_login(User.objects.create_superuser("ada"))
    Connection(name="warehouse", kind="sql", address="postgresql://db.example/stock").store(by="tester")
    return client


def errors(answer):
    return answer.context["adminform"].form.errors


def test_a_project_is_made_and_changed(ada):
    assert ada.post(ADD, {**SENT, "config": json.dumps(CONFIG)}).status_code == 302
    project = ImportProject.objects.get()
    page = ada.get(f"/admin/jobtypes/importproject/{project.pk}/change/")
    assert json.loads(page.context["adminform"].form["config"].value()) == CONFIG
    changed = {**CONFIG, "skiprows": 3}
    place = f"/admin/jobtypes/importproject/{project.pk}/change/"
    assert ada.post(place, {**SENT, "config": json.dumps(changed)}).status_code == 302
    project.refresh_from_db()
    assert (project.config, project.version, project.updated_by) == (changed, 2, "ada")
    assert AuditEntry.objects.filter(kind="import-project", source="admin").count() == 2


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ('{"defaults": {}}', "defaults.primary_key: This field is required."),
        ('{"defaults": ', "JSON"),
        ('["a"]', "Write a JSON object."),
        (json.dumps({**CONFIG, "tables": [{"column_mapping": {"\0": "a"}}]}), "NUL"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_said_under_it(ada, config, sentence):
    answer = ada.post(ADD, {**SENT, "config": config})
    assert sentence in " ".join(errors(answer)["config"])
    assert not ImportProject.objects.exists()


def test_only_connections_that_lead_to_databases_are_offered(ada):
    Connection(name="crm", kind="http", address="https://crm.example.com").store(by="tester")
    offered = [value for value, _ in ada.get(ADD).context["adminform"].form.fields["connection"].choices]
    assert offered == ["", "warehouse"]


def test_a_schedule_chooses_among_the_projects_that_there_are(ada):
    form = "/admin/schedules/schedule/add/?job_type=csv_import"
    [(_, said)] = ada.get(form).context["adminform"].form.fields["params__project"].choices
    assert said == "There is none yet; add one under Import projects"
    ada.post(ADD, {**SENT, "config": json.dumps(CONFIG)})
    offered = [value for value, _ in ada.get(form).context["adminform"].form.fields["params__project"].choices]
    assert offered == ["", "files"]
