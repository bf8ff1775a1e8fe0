import pytest

from tests.webserver import Site


@pytest.fixture
def site():
    server = Site()
    yield server
    server.close()
