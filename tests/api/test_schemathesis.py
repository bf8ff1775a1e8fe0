"""A stranger's tool reads the document and tries what it says on the real server, good and bad values alike."""

import os
import subprocess
import sys

import pytest

from tests.security.storm.grounds import database
from tests.security.webs import Web

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SECONDS = 12


@pytest.fixture
def web(tmp_path):
    """Return gunicorn on a database of its own with the demo in it, without a throttle in the way."""
    with database(tmp_path) as url:
        files = {"LOCAL_FILES_ROOT": str(tmp_path), "DJANGO_SUPERUSER_PASSWORD": "x"}
        server = Web(tmp_path, DATABASE_URL=url, DJANGO_SETTINGS_MODULE="tests.security.storm.settings", **files)
        yield server
        server.close()


def test_no_generated_request_ends_in_a_server_error_or_an_undocumented_answer(web, tmp_path):
    web.manage("loaddemo")
    web.manage("createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.test")
    token = web.manage("createtoken", "ada", "--name", "stranger").split()[-1]
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{web.address}/api/v1/schema"]
    options = ["--max-time", str(SECONDS), "-n", "5", "--phases", "examples,coverage,fuzzing", "--checks", CHECKS]
    options += ["--header", f"X-API-Key: {token}", "--exclude-path-regex", "tokens/|/test$", "--no-color"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    tried = subprocess.run(
        [*command, *options], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert tried.returncode == 0, tried.stdout[-6000:]
