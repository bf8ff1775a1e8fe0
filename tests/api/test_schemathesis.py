"""A stranger's tool reads the document and tries what it says on a live server, good and bad values alike."""

import os
import subprocess
import sys

import pytest
from rest_framework.throttling import SimpleRateThrottle

pytestmark = pytest.mark.django_db(transaction=True)
CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance"
SECONDS = 12


def test_no_generated_request_ends_in_a_server_error_or_an_undocumented_answer(
    live_server, admin, monkeypatch, tmp_path
):
    monkeypatch.setattr(SimpleRateThrottle, "allow_request", lambda *args: True)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{live_server.url}/api/v1/schema"]
    options = ["--max-time", str(SECONDS), "-n", "5", "--phases", "examples,coverage,fuzzing", "--checks", CHECKS]
    options += ["--header", f"X-API-Key: {admin.token}", "--exclude-path-regex", "tokens/|/test$", "--no-color"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    tried = subprocess.run(
        [*command, *options], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert tried.returncode == 0, tried.stdout[-6000:]
