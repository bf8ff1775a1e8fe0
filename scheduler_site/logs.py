"""Logs of every process: one line an event, with its ids, as JSON for machines or text for people."""

import logging
import sys
import threading
from types import TracebackType
from typing import Any

import structlog

from integrations import secrets
from integrations.naming import on_one_line


def configure(options: dict[str, str]) -> None:
    """Set up logging once per process; `options` holds `format` (json or text) and `level`."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        _of_request,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if options["format"] == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            exception_formatter=structlog.dev.plain_traceback,  # others would show local variables, and warn
        )
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _hide_secrets,
                *([_keep_to_one_line] if options["format"] == "text" else []),
                renderer,
            ],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options["level"])
    for name in ("apscheduler", "watchfiles"):  # they tell of every wake-up and of every file beside the watched one
        logging.getLogger(name).setLevel("WARNING")
    for name in ("django", "django.server"):  # Django's own handlers would write a second line, as text
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.NOTSET)  # LOG_LEVEL holds for them as well
    if options["format"] == "json":
        logging.captureWarnings(True)
        sys.excepthook = _uncaught
        threading.excepthook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)


def _of_request(logger: Any, method: str, line: Any) -> Any:
    """Say which request Django speaks of; it does so after all middleware is left, its correlation id with it."""
    request = line.pop("request", None)
    if (path := getattr(request, "path", None)) is not None:
        line["path"] = path
        line.setdefault("correlation_id", getattr(request, "correlation_id", ""))
    return line


def _hide_secrets(logger: Any, method: str, line: Any) -> Any:
    """Take what this process has opened out of the words of others: an exception may hold anything."""
    for name in ("exception", "error", "reason"):
        if isinstance(line.get(name), str):
            line[name] = secrets.hide(line[name])
    return line


def _keep_to_one_line(logger: Any, method: str, line: Any) -> Any:
    """Write out line breaks and terminal codes, so that nobody forges a line; tracebacks keep theirs."""
    plain = {
        name: on_one_line(value) for name, value in line.items() if isinstance(value, str) and name != "exception"
    }
    return {**line, **plain}


def _uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    """Write what ends a process or a thread as one line like every other."""
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        structlog.get_logger(__name__).critical("uncaught exception", exc_info=(kind, error, traceback))
