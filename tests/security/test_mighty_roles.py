"""A role of PostgreSQL that can do more than reach its tables is never connected without somebody being told."""

import os
import socket

import psycopg
import pytest

from integrations.models import Connection
from tests.admin.conftest import boss, errors, filled
from tests.services import POSTGRESQL, need

__all__ = ["boss"]
pytestmark = pytest.mark.django_db
ADD = "/admin/integrations/connection/add/?kind=sql"
SUPERUSER = f"{POSTGRESQL}/postgres"


@pytest.fixture(autouse=True)
def server():
    need("PostgreSQL", 5432)


@pytest.fixture
def role():
    """Return a function that makes a role with a grant or attribute, and gives the address for it."""
    name = f"carillon_mighty_{os.getpid()}"
    with psycopg.connect(SUPERUSER, autocommit=True) as postgres:
        postgres.execute(f"DROP ROLE IF EXISTS {name}")

        def make(grant=""):
            postgres.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'h1dden-word' {grant}")
            return f"postgresql://{name}:h1dden-word@127.0.0.1:5432/postgres"

        yield make
        postgres.execute(f"DROP ROLE IF EXISTS {name}")


def saved(boss, address, **typed):
    return boss.post(ADD, filled(boss, ADD, name="shop", address=address, **typed))


def test_the_workshop_saves_a_superuser_at_a_tick_only(boss):
    assert "postgres is a superuser" in errors(saved(boss, SUPERUSER))["accept_risk"]
    assert not Connection.objects.exists()
    assert saved(boss, SUPERUSER, accept_risk="on").status_code == 302
    assert Connection.objects.get().address == SUPERUSER


def test_the_workshop_saves_a_role_that_runs_programs_at_a_tick_only(boss, role):
    address = role("IN ROLE pg_execute_server_program")
    said = errors(saved(boss, address))
    assert "may reach files or programs" in said["accept_risk"]
    assert "h1dden-word" not in str(said)


def test_a_role_with_its_tables_alone_needs_no_tick(boss, role):
    assert saved(boss, role()).status_code == 302


def test_another_address_asks_again_and_another_description_does_not(boss, role):
    saved(boss, role())
    page = f"/admin/integrations/connection/{Connection.objects.get().pk}/change/"
    assert "accept_risk" in errors(boss.post(page, filled(boss, page, address=SUPERUSER)))
    assert boss.post(page, filled(boss, page, address=SUPERUSER, accept_risk="on")).status_code == 302
    assert boss.post(page, filled(boss, page, description="ours")).status_code == 302


def test_the_api_saves_a_superuser_and_says_so(admin):
    answer = admin.post("connections", {"name": "shop", "kind": "sql", "address": SUPERUSER})
    assert answer.status_code == 201
    assert "postgres is a superuser" in answer.json()["warnings"][0]
    again = admin.patch(f"connections/{answer.json()['id']}", {"address": SUPERUSER, "accept_risk": True})
    assert again.json()["warnings"] == []


def test_the_api_has_nothing_to_say_of_a_lesser_role(admin, role):
    answer = admin.post("connections", {"name": "shop", "kind": "sql", "address": role()})
    assert (answer.status_code, answer.json()["warnings"]) == (201, [])


def test_a_server_that_does_not_answer_keeps_nobody_from_saving(admin, boss):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://reader@127.0.0.1:{silent.getsockname()[1]}/shop"
        assert admin.post("connections", {"name": "one", "kind": "sql", "address": address}).status_code == 201
        assert saved(boss, address).status_code == 302
