"""Import projects in files: declared, changed, taken away, and printed as they were."""

from io import StringIO

import pytest
from django.core.management import call_command

from integrations.models import Connection
from jobtypes.models import ImportProject
from schedules.models import Schedule
from tests.commands.files import refused, sync, write

__all__ = ["write"]
pytestmark = pytest.mark.django_db
FILE = """
connections:
  warehouse: {kind: sql, address: "${WAREHOUSE_URL}"}
import_projects:
  - name: harbour-erp
    connection: warehouse
    defaults: {file_pattern: "Hx*.csv", primary_key: REC_ID, delimiter: "|", encoding: cp1252, skiprows: 1}
    table_naming: {strip_prefix: Hx, lowercase: true}
    tables:
      - file_pattern: "berths_*.csv"
        target_table: berths
        primary_key: [port, berth_no]
        column_mapping: {"Liegeplatz Nr.": berth_no, Hafen: port}
schedules:
  - name: erp-nightly
    job_type: csv_import
    cron_expression: "30 2 * * *"
    params: {project: harbour-erp}
"""


def export(*options):
    out = StringIO()
    call_command("exportschedules", *options, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def address(monkeypatch):
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://db.example/stock")


def test_the_described_file_is_taken_over_and_the_second_time_changes_nothing(write):
    assert "3 created" in sync(write(FILE))
    project = ImportProject.objects.get()
    assert project.config["tables"][0]["column_mapping"] == {"Liegeplatz Nr.": "berth_no", "Hafen": "port"}
    assert project.declared_in.endswith("all.yaml")
    assert Schedule.objects.get().params == {"project": "harbour-erp"}
    assert "3 unchanged" in sync("all.yaml")
    assert ImportProject.objects.get().version == 1


def test_a_dry_run_says_what_would_change_and_writes_nothing(write):
    told = sync(write(FILE), "--dry-run")
    assert "create    import project harbour-erp" in told
    assert not ImportProject.objects.exists()
    sync("all.yaml")
    told = sync(write(FILE.replace("skiprows: 1", "skiprows: 2")), "--dry-run")
    assert "config.defaults.skiprows: 1 → 2" in told
    assert ImportProject.objects.get().config["defaults"]["skiprows"] == 1


def test_what_is_left_out_has_its_default_again(write):
    sync(
        write(FILE.replace("connection: warehouse", "connection: warehouse\n    description: Ships\n    skiprows: 4"))
    )
    sync(write(FILE))
    project = ImportProject.objects.get()
    assert (project.description, "skiprows" in project.config) == ("", False)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("encoding: cp1252", "encoding: auto", 7, "Nothing is guessed"),
        ("target_table: berths", "target_tabel: berths", 10, "no such field"),
        ("connection: warehouse", "connection: nowhere", 6, "There is no connection"),
        ("tables:", "tabels:", 9, "no such field"),
        ("- name: harbour-erp", "- nam: harbour-erp", 5, "needs a name"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_changes_nothing(write, old, new, line, said):
    told = refused(write(FILE.replace(old, new)))
    assert f"all.yaml:{line}" in told, told
    assert said in told
    assert not ImportProject.objects.exists()
    assert not Connection.objects.exists()


def test_a_project_declared_twice_is_refused(write):
    twice = FILE.replace(
        "schedules:", "  - {name: harbour-erp, connection: warehouse, defaults: {primary_key: a}}\nschedules:"
    )
    assert "declared twice" in refused(write(twice))


def test_pruning_deletes_what_is_no_longer_declared_and_keeps_what_others_use(write):
    sync(write(FILE))
    rest = FILE[: FILE.index("import_projects:")] + "schedules: []\n"
    assert "harbour-erp is in these files no more and stays; --prune" in sync(write(rest))
    Schedule(name="another", job_type="csv_import", params={"project": "harbour-erp"}, schedule_type="manual").store(
        by="ada"
    )
    assert "another still use it" in sync("all.yaml", "--prune")
    Schedule.objects.get(name="another").discard(by="ada")
    assert "delete    import project harbour-erp" in sync("all.yaml", "--prune")
    assert not ImportProject.objects.exists()


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_printed_is_taken_over_without_a_change(write, form):
    sync(write(FILE))
    printed = export("--format", form)
    assert "0 created, 0 updated, 0 deleted, 3 unchanged." in sync(write(printed, f"again.{form}"))
    Schedule.objects.get().erase(by="ada")
    ImportProject.objects.get().remove(by="ada")
    Connection.objects.get().remove(by="ada")
    sync(f"again.{form}")
    assert export("--format", form) == printed


def test_a_chosen_schedule_is_printed_with_its_project_and_its_connection(write):
    sync(write(FILE))
    Connection(name="unused", kind="http", address="https://crm.example.com").store(by="ada")
    printed = export("erp-nightly")
    assert "harbour-erp" in printed
    assert "warehouse" in printed
    assert "unused" not in printed


ORIGINAL = """
project: customer_project
connection:
  env_var: ERP_DATABASE_URL
sftp:
  host: sftp.example.com
  username: export
  password: hunter2-marker
  remote_path: /exports/
defaults:
  file_pattern: "*.csv"
  primary_key: id
table_naming:
  strip_prefix: Export_
  strip_suffix: _data
"""


def test_a_project_file_of_the_followed_system_is_taken_over(write):
    told = sync(write(ORIGINAL))
    project = ImportProject.objects.get()
    assert (project.name, project.connection, project.source) == (
        "customer_project",
        "customer_project",
        "customer_project-sftp",
    )
    assert project.read.rule_for("Export_Customers_data.csv").table == "customers"
    source = Connection.objects.get(name="customer_project-sftp")
    assert source.secrets["password"] == "hunter2-marker"
    assert "hunter2-marker" not in told + export() + source.encrypted
    assert "3 unchanged" in sync("all.yaml")


def test_what_is_wrong_in_a_file_of_the_followed_system_is_told_at_its_own_line(write):
    told = refused(write(ORIGINAL.replace("primary_key: id", "primary_kye: id")))
    assert "all.yaml:12" in told or "all.yaml:11" in told, told
