import json
from pathlib import Path

import environ
import pytest
from cryptography.fernet import Fernet

from jobruns.demo import environment


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "carillon.env"


def values(file: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return what the settings would read."""
    read: dict[str, str] = {}
    monkeypatch.setattr(environ.Env, "ENVIRON", read)
    environ.Env.read_env(file)
    return read


def test_a_new_file_holds_keys_that_work(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.prepare(file, host="127.0.0.1", port=8000)
    found = values(file, monkeypatch)
    assert Fernet(found["CARILLON_ENCRYPTION_KEYS"])
    assert len(found["SECRET_KEY"]) >= 50
    assert "demoorders" in json.loads(found["MANAGEMENT_COMMAND_ALLOWLIST"])


def test_only_the_owner_may_read_it(file: Path) -> None:
    environment.prepare(file, host="127.0.0.1", port=8000)
    assert file.stat().st_mode & 0o077 == 0


def test_a_second_start_keeps_every_value(file: Path) -> None:
    environment.prepare(file, host="127.0.0.1", port=8000)
    before = file.read_text()
    environment.prepare(file, host="127.0.0.1", port=8000)
    assert file.read_text() == before


def test_another_host_and_port_are_added_and_the_rest_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.prepare(file, host="127.0.0.1", port=8000)
    before = values(file, monkeypatch)
    environment.prepare(file, host="10.0.0.5", port=8001)
    after = values(file, monkeypatch)
    assert after.pop("ALLOWED_HOSTS") == "localhost,127.0.0.1,10.0.0.5"
    assert after.pop("OUTBOUND_ALLOWLIST") == "127.0.0.1:8000,10.0.0.5:8001"
    assert after == {name: before[name] for name in after}


def test_what_a_person_wrote_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.mkdir()
    file.write_text("# mine\nLOG_LEVEL=DEBUG\nALLOWED_HOSTS=demo.example\n")
    environment.prepare(file, host="127.0.0.1", port=8000)
    found = values(file, monkeypatch)
    assert file.read_text().startswith("# mine\n")
    assert found["LOG_LEVEL"] == "DEBUG"
    assert found["ALLOWED_HOSTS"] == "demo.example,127.0.0.1"


def test_a_server_on_every_address_is_called_by_loopback(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.prepare(file, host="0.0.0.0", port=8000)  # noqa: S104 - nothing is bound here
    assert values(file, monkeypatch)["OUTBOUND_ALLOWLIST"] == "127.0.0.1:8000"
