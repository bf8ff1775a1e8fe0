import pytest

from tests.jobtypes.csv_import import worlds


@pytest.fixture(scope="session")
def imports_database():
    running = worlds.database()
    yield next(running)
    next(running, None)


@pytest.fixture
def world(imports_database, tmp_path, settings, db):
    """Files and an empty PostgreSQL database to import them into."""
    settings.LOCAL_FILES_ROOT = tmp_path
    world = worlds.World(tmp_path, imports_database)
    world.ask("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return world
