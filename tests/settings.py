"""Carillon's own settings, with the environment that the tests need."""

import os
from pathlib import Path
from tempfile import gettempdir

os.environ.update(
    {
        "DEBUG": "false",
        "SECRET_KEY": "only-for-tests-" + "x" * 50,
        "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "CARILLON_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "SECURE_SSL_REDIRECT": "false",
        "SESSION_COOKIE_SECURE": "false",
        "CSRF_COOKIE_SECURE": "false",
        "OUTBOUND_ALLOWLIST": "",
        "MANAGEMENT_COMMAND_ALLOWLIST": "{}",
    }
)
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("DATABASE_URL", f"sqlite:///{gettempdir()}/carillon-tests-{os.getpid()}.sqlite3")

from scheduler_site.settings import *  # noqa: F403
from scheduler_site.settings import DATABASES, STORAGES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: the engine's tests start processes that open it too.
    DATABASES["default"]["TEST"] = {"NAME": Path(DATABASES["default"]["NAME"]).with_suffix(".test.sqlite3")}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True  # nothing is collected for tests
