"""Imports as runs do them: real files, a real PostgreSQL, and what is kept of each file."""

import pytest

from integrations.models import Connection
from jobtypes import registry
from jobtypes.base import InvalidParams, JobCancelled, JobFailed, JobTimedOut
from jobtypes.models import ImportedFile, ImportFileResult, RejectedRow
from tests.jobtypes.running import TrialContext, execute

pytestmark = pytest.mark.django_db
CUSTOMERS = "id,name\n1,Anna\n2,Bert\n"
SEED = (
    "exported 2026-01-08\nREC_ID|NAME|FLAG|LENGTH\n1|Aurora|NA|82\n"
    '2|"Pier ""7"" tug"||24\n3|Borealis|NO\n'
)  # the example of the format's description
HARBOUR = {
    "defaults": {
        "file_pattern": "Hx*.csv",
        "primary_key": "REC_ID",
        "delimiter": "|",
        "encoding": "cp1252",
        "skiprows": 1,
    },
    "table_naming": {"strip_prefix": "Hx", "lowercase": True},
    "local_dir": "in",
}


def run(project="customer_project", context=None, **params):
    context = context or TrialContext(seconds=120)
    return execute("csv_import", {"project": project, **params}, context)


def failed(*args, **params):
    with pytest.raises(JobFailed) as caught:
        run(*args, **params)
    return caught.value


def test_new_rows_are_inserted_and_the_same_file_again_changes_nothing(world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    first, again = run(), run()
    assert (first.metrics["total_inserted"], first.result["status"]) == (2, "completed")
    assert [again.metrics[f"total_{word}"] for word in ("inserted", "updated", "skipped")] == [0, 0, 2]
    assert world.ask("SELECT * FROM customers ORDER BY id") == [("1", "Anna"), ("2", "Bert")]


def test_one_changed_one_new_one_same(world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    run()
    world.write("customers.csv", "id,name\n1,Anna\n2,Berta\n3,Carl\n")
    metrics = run().metrics
    assert [metrics[f"total_{word}"] for word in ("inserted", "updated", "skipped")] == [1, 1, 1]


def test_the_described_example_fails_by_default_and_loads_with_a_limit(world):
    project = world.project("harbour-erp", config=HARBOUR)
    world.write("HxVessels.csv", SEED, encoding="cp1252")
    refused = failed("harbour-erp")
    assert (refused.result["status"], refused.result["total_inserted"], refused.retry) == ("failed", 0, False)
    assert RejectedRow.objects.get().line == 5
    project.config = {**HARBOUR, "reject_limit": 1}
    project.store(by="tester")
    first = run("harbour-erp").metrics
    assert (first["total_inserted"], first["total_rejected"]) == (2, 1)
    assert world.ask('SELECT "FLAG" FROM vessels ORDER BY "REC_ID"') == [("NA",), (None,)]
    again = run("harbour-erp").metrics
    assert [again[f"total_{word}"] for word in ("inserted", "updated", "skipped", "rejected")] == [0, 0, 2, 1]


def test_three_files_one_bad(world):
    world.project()
    world.write("a.csv", CUSTOMERS)
    world.write("b.csv", "id,name\n1\n")
    world.write("c.csv", CUSTOMERS)
    partial = failed()
    assert (partial.result["status"], partial.reason, partial.retry) == ("partial", "expected", False)
    assert [one["status"] for one in partial.result["files"]] == ["loaded", "failed", "loaded"]
    assert "b.csv" in str(partial)
    assert "2 others stay loaded" in str(partial)
    assert world.ask("SELECT count(*) FROM a")[0] == world.ask("SELECT count(*) FROM c")[0] == (2,)


def test_each_file_s_result_is_kept_with_its_rejected_rows(world):
    world.project()
    world.write("a.csv", CUSTOMERS)
    world.write("b.csv", "id,name\n1\n2,x\n")
    failed(context=TrialContext(run_id=41, seconds=60))
    first, second = ImportFileResult.objects.of_run(41)
    assert (first.filename, first.table_name, first.status, first.inserted) == ("a.csv", "public.a", "loaded", 2)
    assert (second.status, second.rejected, second.error_type) == ("failed", 1, "RejectLimitExceeded")
    assert (second.rejects.get().line, second.environment) == (2, "production")


def test_only_the_named_files_are_taken_and_what_is_outside_is_refused_with_one_text(world):
    world.project()
    world.write("a.csv", CUSTOMERS)
    world.write("b.csv", CUSTOMERS)
    (world.root / "in" / "link.csv").symlink_to("/etc/passwd")
    outside = failed(local_files=["in/b.csv", "../x", "/etc/passwd", "in/link.csv", "in/none.csv"])
    errors = {one["error"] for one in outside.result["files"] if one["status"] == "failed"}
    types = [one["error_type"] for one in outside.result["files"] if one["status"] == "failed"]
    assert (len(errors), types) == (1, ["FileNotFound"] * 4)
    assert world.ask("SELECT to_regclass('a') IS NULL, to_regclass('b') IS NULL") == [(True, False)]


def test_a_local_file_that_matches_nothing_fails(world):
    world.project()
    world.write("notes.txt", "hello")
    assert failed(local_files=["in/notes.txt"]).result["files"][0]["error_type"] == "NoMatchingTable"


def test_no_file_at_all_fails_unless_that_is_in_order(world):
    project = world.project()
    nothing = failed()
    assert (nothing.retry, nothing.result["status"], nothing.result["files"]) == (False, "failed", [])
    assert "There is no file in in " in str(nothing)
    project.config = {**project.config, "no_files": "ok"}
    project.store(by="tester")
    assert (run().result["status"], run().summary) == ("completed", "There was no file to import.")


def test_what_was_loaded_before_is_skipped_where_that_is_wanted(world):
    project = world.project(config={"defaults": {"primary_key": "id"}, "local_dir": "in", "already_imported": "skip"})
    world.write("customers.csv", CUSTOMERS)
    run()
    assert run().result["files"][0]["status"] == "already_imported"
    assert ImportedFile.objects.get().filename == "customers.csv"
    project.config = {**project.config, "duplicates": "first"}
    project.store(by="tester")
    assert run().result["files"][0]["status"] == "loaded"


def test_loaded_files_are_moved_after_the_commit(world):
    config = {"defaults": {"primary_key": "id"}, "local_dir": "in", "after_success": "move"}
    world.project(config=config)
    world.write("a.csv", CUSTOMERS)
    world.write("b.csv", "id,name\n1\n")
    failed()
    found = sorted(str(path.relative_to(world.root / "in")) for path in (world.root / "in").rglob("*.csv"))
    assert found == ["archive/a.csv", "failed/b.csv"]


def test_a_database_that_cannot_be_reached_is_tried_again(world):
    world.project()
    Connection.objects.get(name="warehouse").remove(by="tester")
    Connection(name="warehouse", kind="sql", address="postgresql://root@127.0.0.1:1/none").store(by="tester")
    world.write("a.csv", CUSTOMERS)
    world.write("b.csv", CUSTOMERS)
    away = failed()
    assert (away.retry, away.result["status"]) == (True, "failed")
    assert [one["error_type"] for one in away.result["files"]] == ["ConnectionFailed", "NotTried"]


def test_a_rehearsal_shows_what_would_change_and_changes_nothing(world):
    world.project()
    path = world.write("customers.csv", CUSTOMERS)
    kind = registry.job_type("csv_import")
    went_well, said = kind.rehearse(registry.parse("csv_import", {"project": "customer_project"}), 0)
    assert (went_well, said["total_inserted"], said["files"][0]["changes"][0]["operation"]) == (True, 2, "insert")
    assert world.ask("SELECT to_regclass('customers') IS NULL") == [(True,)]
    assert path.exists()
    assert not ImportFileResult.objects.exists()


def test_a_cancelled_run_says_what_stays(world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    context = TrialContext(seconds=60)
    context.stop.set()
    with pytest.raises(JobCancelled, match="nothing was loaded"):
        run(context=context)


def test_a_run_whose_time_is_over_stops_before_the_next_file(world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    with pytest.raises(JobTimedOut):
        run(context=TrialContext(seconds=5))
    assert world.ask("SELECT to_regclass('customers') IS NULL") == [(True,)]


def test_a_project_that_is_not_there_is_refused_at_the_save():
    with pytest.raises(InvalidParams) as refused:
        registry.validate("csv_import", {"project": "nobody"})
    assert refused.value.errors == {"project": ["There is no import project named 'nobody'."]}


def test_a_project_of_another_environment_is_none(world):
    world.project("secret", environment="production")
    with pytest.raises(InvalidParams) as refused:
        registry.validate("csv_import", {"project": "secret"}, environment="staging")
    assert refused.value.errors == {"project": ["There is no import project named 'secret'."]}


def test_a_connection_that_serves_another_environment_by_now_is_not_used(world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    Connection.objects.filter(name="warehouse").update(environment="staging")
    assert "There is no connection named 'warehouse'" in str(failed())


@pytest.mark.parametrize("which", [True, "dependents"])
def test_materialized_views_are_refreshed_and_their_errors_change_no_status(world, which):
    world.project(config={"defaults": {"primary_key": "id"}, "local_dir": "in", "refresh_materialized_views": which})
    world.ask("CREATE TABLE customers (id text PRIMARY KEY, name text)")
    world.ask("CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM customers")
    world.ask("CREATE MATERIALIZED VIEW broken AS SELECT 1 / (2 - count(*)) AS n FROM customers")
    world.write("customers.csv", CUSTOMERS)
    outcome = run()
    assert (outcome.result["status"], world.ask("SELECT n FROM counted")) == ("completed", [(2,)])
    assert outcome.result["views"]["refreshed"] == ["public.counted"]
    (wrong,) = outcome.result["views"]["errors"]
    assert (wrong["view"], wrong["error_type"]) == ("public.broken", "MaterializedViewRefreshError")
