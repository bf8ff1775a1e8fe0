import pytest

from tests.jobtypes.csv_import.loading.ground import Ground, database


@pytest.fixture(scope="session")
def target():
    with database() as address:
        yield address


@pytest.fixture
def ground(target, tmp_path, db):
    made = Ground(target, tmp_path)
    yield made
    made.close()
