"""Imports whose files lie on an SFTP server, and what becomes of files afterwards."""

import os
import time

import pytest

from integrations.models import Connection
from jobtypes.base import JobFailed
from tests.jobtypes.running import TrialContext, execute
from tests.sftp import PASSWORD, Place

pytestmark = pytest.mark.django_db
CONFIG = {"defaults": {"primary_key": "id"}}


@pytest.fixture
def place(tmp_path):
    with Place(tmp_path / "remote") as server:
        Connection(name="erp", kind="sftp", address=server.address).store(by="tester")
        yield server


def put(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (time.time() - 3_600,) * 2)


def run(**params):
    return execute("csv_import", {"project": "customer_project", **params}, TrialContext(seconds=120))


def failed(**params):
    with pytest.raises(JobFailed) as caught:
        run(**params)
    return caught.value


def test_files_of_a_server_are_loaded_and_put_away(world, place):
    world.project(source="erp", config={**CONFIG, "after_success": "move"})
    put(place.folder / "customers.csv", "id,name\n1,Anna\n")
    put(place.folder / "orders.csv", "id,name\n1\n")
    result = failed().result
    assert (result["status"], world.ask("SELECT * FROM customers")) == ("partial", [("1", "Anna")])
    assert [str(one.relative_to(place.folder)) for one in sorted(place.folder.rglob("*.csv"))] == [
        "archive/customers.csv",
        "failed/orders.csv",
    ]


def test_a_run_may_name_another_folder_or_source(world, place):
    world.project(source="", config=CONFIG)
    put(place.folder / "special" / "customers.csv", "id,name\n1,Anna\n")
    for remote_path in ("/special", "special/"):
        assert run(sftp_override={"source": "erp", "remote_path": remote_path}).result["files_processed"] == 1


def test_files_named_by_the_run_come_before_the_server(world, place):
    world.project(source="erp", config=CONFIG)
    world.write("customers.csv", "id,name\n1,Anna\n")
    assert run(local_files=["in/customers.csv"]).result["files_processed"] == 1
    assert place.connections == 0


def test_another_host_key_ends_the_run_before_the_password_leaves(world, place):
    world.project(source="erp", config=CONFIG)
    wrong = "SHA256:" + "w" * 43
    Connection.objects.filter(name="erp").update(
        address=place.address.replace(PASSWORD, "***").replace(place.host_key, wrong)
    )
    failure = failed()
    assert place.host_key in str(failure)
    assert wrong in str(failure)
    assert (failure.retry, failure.result["error_type"], place.passwords) == (False, "HostKeyMismatch", [])


def test_a_server_that_is_away_is_tried_again(world, place):
    world.project(source="erp", config=CONFIG)
    place.close()
    assert failed().retry is True
