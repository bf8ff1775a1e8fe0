"""gunicorn's own log lines in the form of all others: `gunicorn --logger-class scheduler_site.weblog.WebLogger`."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import structlog
from gunicorn.glogging import Logger

from scheduler_site import logs

log = structlog.get_logger("gunicorn.access")


class WebLogger(Logger):
    """Writes errors and, with `--access-logfile -`, one line a request, to stderr in the form of LOG_FORMAT."""

    def setup(self, cfg: Any) -> None:
        """Let both of gunicorn's loggers write where everything else is written."""
        super().setup(cfg)
        logs.configure({"format": os.environ.get("LOG_FORMAT", "text"), "level": os.environ.get("LOG_LEVEL", "INFO")})
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write a line on a request; the query string is left out, it may hold what somebody searches for."""
        if not self.access_log_enabled:
            return
        sent = {name.lower(): value for name, value in resp.headers}
        log.info(
            "request",
            method=environ.get("REQUEST_METHOD"),
            path=environ.get("PATH_INFO"),
            status=int(str(resp.status).split()[0]),
            seconds=round(request_time.total_seconds(), 3),
            client=environ.get("REMOTE_ADDR"),
            correlation_id=sent.get("x-correlation-id", ""),
        )
