"""Run a management command of this installation: only those, and only with the options, that the setting allows."""

import os
import re
import sys
import time

from django.conf import settings
from pydantic import Field, StrictBool, StrictInt, StrictStr

from jobtypes.base import (
    Adopted,
    CommandLine,
    Config,
    Context,
    InvalidParams,
    JobCancelled,
    JobFailed,
    JobTimedOut,
    JobType,
    Outcome,
)
from jobtypes.management_command import allowlist, process
from jobtypes.management_command.line import adopt

# What a process needs to start Django with the same settings; nothing else of the environment is handed on.
NEEDED = re.compile(
    r"PATH|HOME|TMPDIR|LANG|LC_\w+|TZ|PYTHONTZPATH|VIRTUAL_ENV|SSL_CERT_FILE|SSL_CERT_DIR"
    r"|DJANGO_SETTINGS_MODULE|DATABASE_URL|SECRET_KEY|CARILLON_\w+|ALLOWED_HOSTS|DEBUG|SCHEDULER_\w+"
    r"|(DEFAULT|MAX|MIN|RUN|LOCK|LOG|SECURE|CSRF|SESSION|COMMAND|NATS|CELERY|EMAIL|SMTP|CSV_IMPORT)_\w+"
    r"|MANAGEMENT_COMMAND_ALLOWLIST|OUTBOUND_ALLOWLIST|LOCAL_FILES_ROOT|OPERATOR_CHANNELS|HEARTBEAT_URL"
)


class ManagementCommandConfig(Config):
    """A command of MANAGEMENT_COMMAND_ALLOWLIST with the options that it allows."""

    command: str = Field(
        min_length=1, max_length=64, title="Command", description="A name from MANAGEMENT_COMMAND_ALLOWLIST."
    )
    options: dict[str, StrictBool | StrictInt | StrictStr] = Field(
        default_factory=dict,
        max_length=50,
        title="Options",
        description="Name, without hyphens in front, to a text, a whole number, or true or false.",
        json_schema_extra={"widget": "json"},
    )


class ManagementCommand(JobType[ManagementCommandConfig]):
    name = "management_command"
    label = "Management command"
    description = "Runs a command of this installation that its operator has allowed."
    icon = "workshop"
    Config = ManagementCommandConfig
    timeout_seconds = 300
    stop_grace_seconds = process.TERM_SECONDS + 2

    def check(self, config: ManagementCommandConfig) -> None:
        """Refuse a command or an option that the allowlist does not name."""
        if errors := allowlist.refusals(_allowed(), config.command, config.options):
            raise InvalidParams(errors)

    def setting_errors(self) -> list[str]:
        try:
            allowlist.read(settings.MANAGEMENT_COMMAND_ALLOWLIST)
        except ValueError as wrong:
            return [f"MANAGEMENT_COMMAND_ALLOWLIST: {wrong}"]
        return []

    def summarise(self, config: ManagementCommandConfig) -> str:
        return " ".join(["Runs", config.command, *allowlist.arguments(config.options)])

    def adopt(self, line: CommandLine) -> Adopted | None:
        return adopt(line, _allowed())

    def run(self, config: ManagementCommandConfig, context: Context) -> Outcome:
        try:
            self.check(config)
        except InvalidParams as refused:
            raise JobFailed(f"{refused} Nothing was run.", retry=False) from None
        began = time.monotonic()
        ended = process.run(
            [sys.executable, "-m", "django", config.command, *allowlist.arguments(config.options)],
            environment=_environment(),
            folder=settings.BASE_DIR,
            must_stop=lambda: context.cancelled() or context.seconds_left() <= 0,
            started=context.owns_process_group,
            line=context.log,
        )
        context.owns_process_group(None)
        return _judge(config, ended, context, time.monotonic() - began)


def _judge(config: ManagementCommandConfig, ended: process.Ended, context: Context, seconds: float) -> Outcome:
    """Return the outcome of exit code 0; raises for every other ending."""
    metrics = {"exit_code": ended.code, "seconds": round(seconds, 3), "output_bytes": ended.output_bytes}
    output = ended.output.replace("\0", "\ufffd")
    result = {"command": config.command, "exit_code": ended.code, "output": output}
    if ended.stopped:
        cancelled = context.seconds_left() > 0
        problem, when = (JobCancelled, "as asked") if cancelled else (JobTimedOut, "at its timeout")
        sentence = f"{config.command} was stopped, {when}; what it did until then stands."
        raise problem(sentence, metrics=metrics, result=result)
    if ended.code != 0:
        how = f"ended with exit code {ended.code}" if ended.code > 0 else f"was killed by signal {-ended.code}"
        last = output.strip().rpartition("\n")[2][:500]
        raise JobFailed(f"{config.command} {how}{f': {last}' if last else '.'}", metrics=metrics, result=result)
    return Outcome(summary=f"{config.command} ended well in {seconds:.1f} s.", metrics=metrics, result=result)


def _allowed() -> allowlist.Allowlist:
    try:
        return allowlist.read(settings.MANAGEMENT_COMMAND_ALLOWLIST)
    except ValueError as wrong:
        raise InvalidParams({"command": [f"MANAGEMENT_COMMAND_ALLOWLIST cannot be read: {wrong}"]}) from None


def _environment() -> dict[str, str]:
    needed = {name: value for name, value in os.environ.items() if NEEDED.fullmatch(name)}
    return {"DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE, "PYTHONUNBUFFERED": "1", **needed}
