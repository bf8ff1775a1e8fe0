import pytest

from integrations.models import Connection
from tests.jobtypes import databases
from tests.webserver import Site


@pytest.fixture
def site():
    server = Site()
    yield server
    server.close()


@pytest.fixture
def opened(site, settings):
    """A site that may be called."""
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{site.port}"]
    return site


@pytest.fixture(scope="session")
def sqlite_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="session")
def makes(sqlite_folder):
    """Each make of database, opened when it is first asked for."""
    openers = {
        "sqlite": lambda: databases.sqlite_in(sqlite_folder),
        "postgresql": databases.postgresql,
        "mariadb": databases.mariadb,
    }
    running, ready = [], {}

    def get(make):
        if make not in ready:
            running.append(openers[make]())
            ready[make] = next(running[-1])
        return ready[make]

    yield get
    for one in running:
        next(one, None)


@pytest.fixture
def shop(request, makes, sqlite_folder, settings, db):
    """A database and the connection named shop that leads to it."""
    settings.LOCAL_FILES_ROOT = sqlite_folder
    database = makes(request.param)
    Connection(name="shop", kind="sql", address=database.url).store(by="test")
    return database
