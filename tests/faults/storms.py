"""Fixtures of the storms: a database that may come to harm, and schedulers under load on it."""

import copy
import tempfile
from pathlib import Path

import pytest
from django.db import connection

from jobtypes import registry
from tests.faults.clusters import Cluster, Files
from tests.faults.world import World

__all__ = ["bear_witness", "cluster", "own_folder", "postgresql_only", "world"]


@pytest.fixture(scope="session")
def own_folder():
    """A folder that PostgreSQL, which is never root, may enter; pytest closes its own to others again and again."""
    with tempfile.TemporaryDirectory(prefix="carillon-faults-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def cluster(own_folder):
    """The cluster, or the folder of files, that the tests' databases lie in."""
    made = (Cluster if connection.vendor == "postgresql" else Files)(own_folder / "data")
    yield made
    made.end()


@pytest.fixture(autouse=True)
def bear_witness(settings):
    settings.JOB_TYPES = [*settings.JOB_TYPES, "tests.faults.witness.Witness"]
    registry.job_types.cache_clear()
    yield
    registry.job_types.cache_clear()


@pytest.fixture
def postgresql_only():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server that could fail.")


@pytest.fixture
def world(cluster, tmp_path, request, django_db_blocker):
    """A world of its own; whatever is left of it at the end is killed."""
    before = copy.deepcopy(connection.settings_dict)
    made = World(cluster.create(), tmp_path, request.node.name)
    with django_db_blocker.unblock():
        made.connect()
        try:
            yield made
        finally:
            made.end()
            connection.close()
            connection.settings_dict.update(before)
