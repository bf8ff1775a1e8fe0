"""Carillon's settings, all from the environment; `docs/reference/settings.md` describes each.

A file `var/carillon.env` (written by `make demo`) is read first; a variable that is already set wins over it.
"""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from scheduler_site import environment as read
from scheduler_site import sso_settings

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / "var" / "carillon.env")

# --- Django ---------------------------------------------------------------------------------------

DEBUG = read.boolean("DEBUG", default=False)
SECRET_KEY = read.env.str("SECRET_KEY", default="") or ("for-development-only" if DEBUG else "")
ALLOWED_HOSTS = read.items("ALLOWED_HOSTS") or (["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
ENCRYPTION_KEYS = read.encryption_keys()
for _name, _value in (
    ("SECRET_KEY", SECRET_KEY),
    ("ALLOWED_HOSTS", ALLOWED_HOSTS),
    ("CARILLON_ENCRYPTION_KEYS", ENCRYPTION_KEYS or DEBUG),
):
    if not _value:
        raise ImproperlyConfigured(
            f"{_name} is not set. Production mode needs it; `make demo` or DEBUG=true is for trying things."
        )

if "*" in ALLOWED_HOSTS and not DEBUG:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts that people type; * would believe any Host header.")

CSRF_TRUSTED_ORIGINS = read.items("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "scheduler_site.urls"
WSGI_APPLICATION = "scheduler_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": read.database(BASE_DIR / "var" / "carillon.sqlite3")}

INSTALLED_APPS = [
    "jobruns",
    "schedules",
    "jobtypes",
    "integrations.apps.IntegrationsConfig",
    "integrations.apps.WorkshopConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_apscheduler",
    "django_filters",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "scheduler_site.correlation.CorrelationMiddleware",
    "scheduler_site.encoding.EncodingMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "scheduler_site.proxy_user.ProxyUserMiddleware",
    "scheduler_site.acting.ActingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jobruns.frame.frame",
            ],
        },
    },
]

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "today"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["integrations.roles.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Safety in the browser and on the wire --------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = read.boolean("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_REDIRECT_EXEMPT = [r"^(health|live|ready)$"]
SESSION_COOKIE_SECURE = read.boolean("SESSION_COOKIE_SECURE", default=not DEBUG)
CSRF_COOKIE_SECURE = read.boolean("CSRF_COOKIE_SECURE", default=not DEBUG)
SECURE_HSTS_SECONDS = read.integer(
    "SECURE_HSTS_SECONDS", 31_536_000 if SECURE_SSL_REDIRECT else 0, low=0, high=63_072_000
)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
TRUST_PROXY_HEADERS = read.boolean("TRUST_PROXY_HEADERS", default=False)
if TRUST_PROXY_HEADERS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXY_USER_HEADER = read.user_header("TRUSTED_PROXY_USER_HEADER")
TRUSTED_PROXIES = read.networks("TRUSTED_PROXIES")
if bool(TRUSTED_PROXY_USER_HEADER) != bool(TRUSTED_PROXIES):
    _missing = "TRUSTED_PROXIES" if TRUSTED_PROXY_USER_HEADER else "TRUSTED_PROXY_USER_HEADER"
    raise ImproperlyConfigured(f"{_missing} is not set: a user header and the proxies it may come from go together.")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

SSO = sso_settings.single_sign_on()
if SSO is not None:
    INSTALLED_APPS += sso_settings.APPS
    MIDDLEWARE.insert(
        MIDDLEWARE.index("csp.middleware.CSPMiddleware"), "allauth.account.middleware.AccountMiddleware"
    )
    globals().update(sso_settings.allauth_settings(SSO))

# --- API ------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "integrations.rest.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["integrations.rest.permissions.ModelPermissions"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["integrations.rest.problems.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "integrations.rest.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "integrations.rest.problems.problem_response",
    "DEFAULT_THROTTLE_CLASSES": ["integrations.rest.throttles.SharedThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "1200/min"},
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Carillon",
    "DESCRIPTION": "Schedules, their runs, and what both need.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["integrations.rest.permissions.AnyRight"],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ConnectionKind": "integrations.models.Connection.Kind",
        "ScheduleStatus": "schedules.models.Schedule.Status",
        "RunStatus": "jobruns.models.JobRun.Status",
        "FindingStatus": "jobtypes.compliance.models.Finding.Status",
        "ValidationStatus": "jobtypes.compliance.models.ValidationResult.Status",
    },
}

# --- Carillon -------------------------------------------------------------------------------------

JOB_TYPES = [
    "jobtypes.http_request.HttpRequest",
    "jobtypes.sql_alert.SqlAlert",
    "jobtypes.csv_import.CsvImport",
    "jobtypes.compliance.Compliance",
    "jobtypes.command.Command",
    "jobtypes.management_command.ManagementCommand",
    "jobtypes.noop.Noop",
]
DEFAULT_ENVIRONMENT: str = read.env.str("DEFAULT_ENVIRONMENT", default="production")
SCHEDULER_TIMEZONE: str = read.env.str("SCHEDULER_TIMEZONE", default="UTC")
SCHEDULER_MISFIRE_GRACE_TIME = read.integer("SCHEDULER_MISFIRE_GRACE_TIME", 300, low=0, high=86_400)
SCHEDULER_MAX_INSTANCES = read.integer("SCHEDULER_MAX_INSTANCES", 1, low=1, high=1_000)
SCHEDULER_EXECUTOR_POOL_SIZE = read.integer("SCHEDULER_EXECUTOR_POOL_SIZE", 10, low=1, high=256)
SCHEDULER_POLL_SECONDS = read.integer("SCHEDULER_POLL_SECONDS", 1, low=1, high=60)
SCHEDULER_DISPATCHER = read.choice("SCHEDULER_DISPATCHER", "local", {"local", "celery"})
LOCK_TIMEOUT_SECONDS = read.integer("LOCK_TIMEOUT_SECONDS", 300, low=5, high=86_400)
DEFAULT_MAX_RETRIES = read.integer("DEFAULT_MAX_RETRIES", 3, low=0, high=10)
DEFAULT_RETRY_DELAY = read.integer("DEFAULT_RETRY_DELAY", 300, low=0, high=3_600)
RUN_RETENTION_DAYS = read.integer("RUN_RETENTION_DAYS", 90, low=1, high=3_650)
MIN_INTERVAL_SECONDS = read.integer("MIN_INTERVAL_SECONDS", 1, low=1, high=31_536_000)
MIN_CRON_INTERVAL_SECONDS = read.integer("MIN_CRON_INTERVAL_SECONDS", 60, low=60, high=31_536_000)
CSV_IMPORT_MIN_INTERVAL_SECONDS = read.integer("CSV_IMPORT_MIN_INTERVAL_SECONDS", 3_600, low=1, high=31_536_000)
MAX_SCHEDULE_LOOKAHEAD_DAYS = read.integer("MAX_SCHEDULE_LOOKAHEAD_DAYS", 365, low=1, high=3_650)
MAX_SCHEDULES_PER_CREATOR = read.integer("MAX_SCHEDULES_PER_CREATOR", 1_000, low=1, high=1_000_000)
COMMAND_WHITELIST = read.items("COMMAND_WHITELIST") or read.items(
    "ALLOWED_TARGET_COMMANDS",
    "cmd.notification.send.email,cmd.notification.send.bulk,cmd.notification.send.sms,cmd.analytics.generate.report,"
    "cmd.analytics.collect.metrics,cmd.billing.process.invoices,cmd.catalog.sync.products,cmd.merchant.check.status",
)
NATS_URL: str = read.env.str("NATS_URL", default="").strip()
MANAGEMENT_COMMAND_ALLOWLIST = read.json_object("MANAGEMENT_COMMAND_ALLOWLIST")
OUTBOUND_ALLOWLIST = read.items("OUTBOUND_ALLOWLIST")
EMAIL = read.mail_server()
EMAIL_FROM: str = read.env.str("SMTP_FROM_ADDRESS", default="") or "Carillon <carillon@localhost>"
SITE_URL: str = read.env.str("SITE_URL", default="").rstrip("/")
LOCAL_FILES_ROOT = Path(read.env.str("LOCAL_FILES_ROOT", default="") or BASE_DIR / "var" / "files")

# --- Celery: only what is not the same in every installation comes from the environment ---------------

CELERY_BROKER_URL = read.broker()
CELERY_BROKER_TRANSPORT_OPTIONS = read.broker_options(CELERY_BROKER_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "carillon"
CELERY_TASK_QUEUE_MAX_PRIORITY = 10
CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = SCHEDULER_EXECUTOR_POOL_SIZE
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_REDIRECT_STDOUTS = False

LOG_FORMAT = read.choice("LOG_FORMAT", "text", {"json", "text"})
LOG_LEVEL = read.choice("LOG_LEVEL", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR"})
LOGGING_CONFIG = "scheduler_site.logs.configure"
LOGGING = {"format": LOG_FORMAT, "level": LOG_LEVEL}
