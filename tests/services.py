"""The machine's own services, for tests that need the real thing."""

import os
import socket

import pytest

POSTGRESQL = "postgresql://postgres@127.0.0.1:5432"
MARIADB = "mariadb://root@127.0.0.1:3306"
REDIS = "redis://127.0.0.1:6379"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"


def need(name: str, port: int) -> None:
    """Skip the test if nothing listens there; fail it if CARILLON_REQUIRE_SERVICES=1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        missing = f"{name} does not listen on 127.0.0.1:{port}."
        if os.environ.get("CARILLON_REQUIRE_SERVICES") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
