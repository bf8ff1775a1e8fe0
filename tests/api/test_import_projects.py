"""Import projects over HTTP."""

import pytest

from integrations import roles
from integrations.models import AuditEntry, Connection
from jobtypes.models import ImportProject, ImportUse
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db
DEFAULTS = {"file_pattern": "Hx*.csv", "primary_key": "REC_ID", "delimiter": "|", "encoding": "cp1252", "skiprows": 1}
TABLES = [
    {
        "file_pattern": "berths_*.csv",
        "target_table": "berths",
        "primary_key": ["port", "berth_no"],
        "column_mapping": {"Liegeplatz Nr.": "berth_no", "Hafen": "port"},
    }
]
CONFIG = {"defaults": DEFAULTS, "table_naming": {"strip_prefix": "Hx", "lowercase": True}, "tables": TABLES}
HARBOUR = {"name": "harbour-erp", "connection": "warehouse", "config": CONFIG}


@pytest.fixture(autouse=True)
def warehouse(db):
    connection = Connection(name="warehouse", kind="sql", address="postgresql://loader:pw@db.example/stock")
    connection.store(by="tester")
    return connection


def in_role(user, role, *environments):
    roles.give(user, role, environments)
    return Caller(type(user).objects.get(pk=user.pk))


def test_a_project_is_made_read_changed_and_deleted(admin):
    made = admin.post("import-projects", HARBOUR)
    assert made.status_code == 201, made.json()
    assert made.json()["config"] == CONFIG
    assert made["ETag"] == '"1"'
    assert admin.get("import-projects/harbour-erp").json() == made.json()
    changed = admin.patch("import-projects/harbour-erp", {"description": "Ships"}, If_Match='"1"')
    assert (changed.json()["description"], changed.json()["config"], changed.json()["version"]) == (
        "Ships",
        CONFIG,
        2,
    )
    assert admin.delete("import-projects/harbour-erp").status_code == 204
    assert admin.get("import-projects/harbour-erp").status_code == 404


def test_a_project_is_found_by_its_number_too(admin):
    made = admin.post("import-projects", HARBOUR).json()
    assert admin.get(f"import-projects/{made['id']}").json()["name"] == "harbour-erp"


def test_the_keys_of_the_configuration_may_stand_beside_the_name(admin):
    flat = admin.post("import-projects", {"name": "harbour-erp", "connection": "warehouse", **CONFIG})
    assert flat.status_code == 201, flat.json()
    assert flat.json()["config"] == CONFIG


def test_one_key_sent_beside_the_configuration_changes_alone(admin):
    admin.post("import-projects", HARBOUR)
    changed = admin.patch("import-projects/harbour-erp", {"reject_limit": "1%"})
    assert changed.json()["config"] == {**CONFIG, "reject_limit": "1%"}


def test_the_body_that_the_followed_system_documents_works(admin, warehouse):
    answer = admin.post(
        "import-projects",
        {
            "name": "customer-import",
            "connection_id": str(warehouse.pk),
            "config": {
                "name": "customer-import",
                "defaults": {"file_pattern": "*.csv", "primary_key": "id", "delimiter": ",", "encoding": "utf-8"},
                "table_naming": {"strip_prefix": "Export_", "strip_suffix": "_data", "lowercase": True},
            },
        },
    )
    assert answer.status_code == 201, answer.json()
    assert answer.json()["connection"] == "warehouse"
    assert ImportProject.objects.get().read.rule_for("Export_Customers_data.csv").table == "customers"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "a/b"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"connection": "nowhere"}, "connection"),
        ({"source": "warehouse"}, "source"),
        ({"config": {}}, "config"),
        ({"config": {"defaults": {"primary_key": "id", "delimiter": "::"}}}, "config.defaults.delimiter"),
        ({"config": {**CONFIG, "surprise": 1}}, "config.surprise"),
        ({"defaults": DEFAULTS}, "defaults"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_is_named_by_its_field_and_nothing_is_stored(admin, values, field):
    answer = admin.post("import-projects", {**HARBOUR, **values})
    assert answer.status_code == 400
    assert field in answer.json()["errors"], answer.json()
    assert not ImportProject.objects.exists()


def test_what_is_wrong_in_a_key_that_was_sent_flat_is_named_so(admin):
    body = {"name": "flat", "connection": "warehouse", "defaults": {"delimiter": ","}}
    assert "defaults.primary_key" in admin.post("import-projects", body).json()["errors"]


def test_a_database_that_is_no_postgresql_is_refused(admin):
    Connection(name="files", kind="sql", address="sqlite:///files.sqlite3").store(by="tester")
    answer = admin.post("import-projects", {**HARBOUR, "connection": "files"})
    assert "PostgreSQL" in answer.json()["errors"]["connection"][0]


def test_a_name_is_taken_once(admin):
    admin.post("import-projects", HARBOUR)
    assert admin.post("import-projects", HARBOUR).status_code == 409


def test_an_outdated_version_is_not_changed(admin):
    admin.post("import-projects", HARBOUR)
    assert admin.patch("import-projects/harbour-erp", {"description": "x"}, If_Match='"7"').status_code == 412


def test_a_repeated_key_makes_one_project(admin):
    first = admin.post("import-projects", HARBOUR, Idempotency_Key="once")
    again = admin.post("import-projects", HARBOUR, Idempotency_Key="once")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())


def test_a_project_that_schedules_use_is_not_deleted_and_they_are_named(admin):
    admin.post("import-projects", HARBOUR)
    project = ImportProject.objects.get()
    ImportUse.objects.create(project=project, schedule_id=1, schedule_name="nightly", environment="production")
    answer = admin.delete("import-projects/harbour-erp")
    assert (answer.status_code, "nightly" in answer.json()["detail"]) == (409, True)
    assert admin.patch("import-projects/harbour-erp", {"name": "other"}).status_code == 409


def test_every_change_is_in_the_trail(admin):
    admin.post("import-projects", HARBOUR)
    admin.patch("import-projects/harbour-erp", {"skiprows": 2})
    admin.delete("import-projects/harbour-erp")
    entries = AuditEntry.objects.filter(kind="import-project").order_by("pk")
    assert [one.act for one in entries] == ["create", "update", "delete"]
    assert '"skiprows":2' in entries[1].changes


def test_viewers_read_editors_change(admin, nobody):
    admin.post("import-projects", HARBOUR)
    viewer = in_role(nobody.user, "viewer")
    assert viewer.get("import-projects").json()["results"][0]["name"] == "harbour-erp"
    assert viewer.post("import-projects", {**HARBOUR, "name": "two"}).status_code == 403
    editor = in_role(nobody.user, "editor")
    assert editor.post("import-projects", {**HARBOUR, "name": "two"}).status_code == 201


def test_what_serves_another_environment_is_not_there(admin, nobody):
    admin.post("import-projects", {**HARBOUR, "environment": "production"})
    editor = in_role(nobody.user, "editor", "staging")
    assert editor.get("import-projects").json()["results"] == []
    for answer in (
        editor.get("import-projects/harbour-erp"),
        editor.patch("import-projects/harbour-erp", {"description": "x"}),
        editor.delete("import-projects/harbour-erp"),
    ):
        assert answer.status_code == 404


def test_who_is_limited_makes_projects_in_his_environments_with_connections_that_he_sees(admin, nobody, warehouse):
    editor = in_role(nobody.user, "editor", "staging")
    assert "environment" in editor.post("import-projects", HARBOUR).json()["errors"]
    assert editor.post("import-projects", {**HARBOUR, "environment": "staging"}).status_code == 201
    warehouse.environment = "production"
    warehouse.store(by="tester")
    answer = editor.post("import-projects", {**HARBOUR, "name": "two", "environment": "staging"})
    assert answer.json()["errors"] == {"connection": ["There is no connection named 'warehouse'."]}
    unlimited = admin.post("import-projects", {**HARBOUR, "name": "two"})
    assert "production" in unlimited.json()["errors"]["connection"][0]


SFTP = {
    "host": "sftp.example.com",
    "port": 2222,
    "username": "user",
    "password": "pw-marker",
    "remote_path": "/exports/",
}


@pytest.mark.parametrize("form", ["config", "flat"])
def test_an_inline_sftp_block_becomes_a_connection_whose_password_is_a_secret(admin, form):
    config = {"defaults": {"file_pattern": "*.csv", "primary_key": "id"}}
    both = {**config, "sftp": SFTP}
    body = {"name": "sftp-import", "connection": "warehouse", **({"config": both} if form == "config" else both)}
    answer = admin.post("import-projects", body)
    assert answer.status_code == 201, answer.json()
    assert (answer.json()["source"], answer.json()["config"]) == ("sftp-import-sftp", config)
    made = Connection.objects.get(name="sftp-import-sftp")
    assert (made.kind, made.secrets["password"], "pw-marker" in made.address) == ("sftp", "pw-marker", False)
    assert "pw-marker" not in answer.content.decode() + str(
        list(AuditEntry.objects.values_list("changes", flat=True))
    )
    assert "pw-marker" not in str(ImportProject.objects.get().config)


@pytest.mark.parametrize(
    ("block", "field"),
    [
        ({**SFTP, "port": 0}, "sftp.port"),
        ({**SFTP, "key_path": "/etc/ssh/key"}, "sftp.key_path"),
        ({"username": "user"}, "sftp"),
        ("sftp.example.com", "sftp"),
    ],
)
def test_what_is_wrong_in_an_inline_block_is_named_and_nothing_is_stored(admin, block, field):
    answer = admin.post("import-projects", {**HARBOUR, "sftp": block})
    assert answer.status_code == 400, answer.json()
    assert any(name.startswith(field) for name in answer.json()["errors"]), answer.json()
    assert Connection.objects.count() == 1
    assert not ImportProject.objects.exists()


def test_a_project_that_is_refused_leaves_no_connection_of_its_block(admin):
    assert admin.post("import-projects", {**HARBOUR, "sftp": SFTP, "name": "a/b"}).status_code == 400
    assert Connection.objects.count() == 1


def test_an_inline_block_needs_the_right_to_keep_connections(nobody):
    editor = in_role(nobody.user, "editor")
    assert editor.post("import-projects", {**HARBOUR, "sftp": SFTP}).status_code == 403
    assert not ImportProject.objects.exists()
