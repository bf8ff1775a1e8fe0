"""A real web server with settings of its own, on a database file of its own, and people who visit it."""

import http.cookiejar
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
USUAL = {
    "DEBUG": "true",
    "SECURE_SSL_REDIRECT": "false",
    "CARILLON_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "LOG_LEVEL": "WARNING",
}


class Web:
    """gunicorn with `settings` as its environment; `manage` runs a command with the same."""

    def __init__(self, folder, **settings):
        self.environment = {
            **os.environ,
            **USUAL,
            "DATABASE_URL": f"sqlite:///{folder}/web.sqlite3",
            "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
            **settings,
        }
        self.manage("migrate", "-v0")
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.place = f"127.0.0.1:{free.getsockname()[1]}"
        self.address = f"http://{self.place}"
        command = [sys.executable, "-m", "gunicorn", "scheduler_site.wsgi:application", "--bind", self.place]
        self.process = subprocess.Popen([*command, "--no-control-socket"], cwd=ROOT, env=self.environment)
        self.wait()

    def manage(self, *words):
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, code):
        """Return what the expression `code` says in the server's database, as JSON; models are imported."""
        shell = "import json; from django.contrib.auth.models import User, Group; "
        shell += "from integrations.models import AuditEntry; print(json.dumps(" + code + "))"
        return json.loads(self.manage("shell", "-v0", "-c", shell).splitlines()[-1])

    def wait(self):
        for _ in range(200):
            with suppress(OSError):
                urllib.request.urlopen(f"{self.address}/live", timeout=5).close()  # noqa: S310 - our own server
                return
            assert self.process.poll() is None
            time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait(15)


class Answer:
    """What a server said: `url` is where it ended after redirects."""

    def __init__(self, response):
        self.status, self.url, self.headers = response.status, response.url, response.headers
        self.text = response.read().decode()

    def json(self):
        return json.loads(self.text)


class Visitor:
    """A browser without a screen: it keeps cookies and follows redirects."""

    def __init__(self, address):
        self.address, self.cookies = address, http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def get(self, path, **headers):
        return self.send("GET", path, None, **headers)

    def post(self, path, body, **headers):
        return self.send("POST", path, json.dumps(body).encode(), **{"Content-Type": "application/json", **headers})

    def send(self, method, path, body, **headers):
        address = urllib.parse.urljoin(self.address, path)
        request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310 - our own server
        try:
            return Answer(self.opener.open(request, timeout=20))
        except urllib.error.HTTPError as refused:
            return Answer(refused)

    def token(self):
        """Return the CSRF token that the site has given this visitor."""
        return next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")


def sentences(text):
    """Return the text of a page with blanks folded."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
