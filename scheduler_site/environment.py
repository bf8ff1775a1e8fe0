"""Read settings from the environment; a malformed value names its variable and stops the process."""

import json
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


def integer(name: str, default: int, *, low: int, high: int) -> int:
    """Return the whole number in `name`, or `default` where it is unset or empty.

    Raises ImproperlyConfigured, naming the variable, unless low <= value <= high.
    """
    text = env.str(name, default="").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}.") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name} must lie between {low} and {high}, not {value}.")
    return value


def boolean(name: str, *, default: bool) -> bool:
    """Return the yes or no in `name`; raises ImproperlyConfigured for any other word."""
    text = env.str(name, default="").strip().lower()
    if not text:
        return default
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {text!r}.")


def items(name: str, default: str = "") -> list[str]:
    """Return the comma-separated words in `name`, stripped, empty ones left out."""
    return [word.strip() for word in env.str(name, default=default).split(",") if word.strip()]


def choice(name: str, default: str, allowed: set[str]) -> str:
    """Return the word in `name`; raises ImproperlyConfigured unless it is one of `allowed`."""
    value = env.str(name, default="").strip() or default
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(sorted(allowed))}, not {value!r}.")
    return value


def networks(name: str) -> list[IPv4Network | IPv6Network | Literal["unix"]]:
    """Return the networks in `name`, and the word "unix" for Unix sockets; raises ImproperlyConfigured."""
    found: list[IPv4Network | IPv6Network | Literal["unix"]] = []
    for word in items(name):
        if word == "unix":
            found.append("unix")
            continue
        try:
            found.append(ip_network(word))
        except ValueError as wrong:
            raise ImproperlyConfigured(f"{name}: {wrong}. Write addresses or networks such as 10.0.0.0/8.") from None
    return found


def user_header(name: str) -> str:
    """Return the name of a header in `name`, empty where it is unset; raises ImproperlyConfigured."""
    value: str = env.str(name, default="").strip()
    if value and not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", value):
        raise ImproperlyConfigured(f"{name} must be the name of a header such as X-Forwarded-User, not {value!r}.")
    return value


def json_object(name: str) -> dict[str, object]:
    """Return the JSON object in `name`, empty where it is unset; raises ImproperlyConfigured for anything else."""
    try:
        value = json.loads(env.str(name, default="").strip() or "{}")
    except ValueError as wrong:
        raise ImproperlyConfigured(f"{name} is no JSON: {wrong}.") from None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"{name} must be a JSON object in braces.")
    return value


def database(default: Path) -> dict[str, Any]:
    """Return Django's settings for DATABASE_URL: `postgresql://…` or `sqlite:///path`.

    SQLite is opened so that several processes can share it: WAL, write locks taken at BEGIN, 20 s of patience.
    """
    url = env.str("DATABASE_URL", default="").strip() or f"sqlite:///{default}"
    scheme = urlsplit(url).scheme
    if scheme not in {"postgres", "postgresql", "sqlite"}:
        raise ImproperlyConfigured(
            f"DATABASE_URL must begin with postgresql:// or sqlite:///, not {scheme or url[:12]!r}."
        )
    settings: dict[str, Any] = dict(env.db_url_config(url))
    if scheme == "sqlite":
        default.parent.mkdir(exist_ok=True)
        if not settings["NAME"]:
            raise ImproperlyConfigured("DATABASE_URL names no SQLite file; write sqlite:////path/to/file.sqlite3.")
        settings["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    else:
        settings["CONN_HEALTH_CHECKS"] = True
    return settings


def broker() -> str:
    """Return CELERY_BROKER_URL, empty where it is unset; raises ImproperlyConfigured for a broker of another kind."""
    url: str = env.str("CELERY_BROKER_URL", default="").strip()
    scheme = urlsplit(url).scheme
    if url and scheme not in {"redis", "rediss", "amqp", "amqps"}:
        raise ImproperlyConfigured(
            f"CELERY_BROKER_URL must begin with redis:// or amqp://, not {scheme or url[:12]!r}."
        )
    return url


def broker_options(url: str) -> dict[str, Any]:
    """Return what Celery should tell its driver of that broker.

    Redis: ten priorities, and a message is nobody's again 25 hours after a worker took it, longer than any run may
    take. RabbitMQ: a message counts as sent once the broker says that it has it.
    """
    if urlsplit(url).scheme in {"redis", "rediss"}:
        steps = list(range(10))
        return {"priority_steps": steps, "queue_order_strategy": "priority", "visibility_timeout": 90_000}
    return {"confirm_publish": True}


def encryption_keys() -> list[str]:
    """Return the Fernet keys of CARILLON_ENCRYPTION_KEYS; the first encrypts, all decrypt."""
    keys = items("CARILLON_ENCRYPTION_KEYS")
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"CARILLON_ENCRYPTION_KEYS: key {position} is no Fernet key (32 bytes, url-safe base64)."
            ) from None
    return keys


def mail_server() -> dict[str, Any]:
    """Return the mail server of EMAIL_URL, else of SMTP_HOST and its kin, as Django names its parts.

    EMAIL_HOST is empty if neither is set. EMAIL_URL is smtp://, smtp+tls:// or smtp+ssl://user:password@host:port.
    """
    url = env.str("EMAIL_URL", default="").strip()
    if not url:
        return {
            "EMAIL_HOST": env.str("SMTP_HOST", default="").strip(),
            "EMAIL_PORT": integer("SMTP_PORT", 587, low=1, high=65_535),
            "EMAIL_HOST_USER": env.str("SMTP_USERNAME", default=""),
            "EMAIL_HOST_PASSWORD": env.str("SMTP_PASSWORD", default=""),
            "EMAIL_USE_TLS": boolean("SMTP_USE_TLS", default=True),
        }
    if urlsplit(url).scheme not in {"smtp", "smtps", "smtp+tls", "smtp+ssl"} or not urlsplit(url).hostname:
        raise ImproperlyConfigured("EMAIL_URL must be smtp://, smtp+tls:// or smtp+ssl://user:password@host:port.")
    read: dict[str, Any] = dict(env.email_url_config(url))
    return {**read, "EMAIL_PORT": read["EMAIL_PORT"] or (465 if read.get("EMAIL_USE_SSL") else 587)}
