"""Work that does nothing, or a little on request: for benchmarks and for trying schedules."""

import time

from pydantic import Field

from jobtypes.base import Config, Context, JobFailed, JobType, Outcome


class NoopConfig(Config):
    """Nothing is required: `{}` ends at once and succeeds."""

    sleep_seconds: float = Field(0, ge=0, le=86_400, title="Sleep", description="Seconds to sleep before ending.")
    fail: bool = Field(False, title="Fail", description="End as failed.")
    crash: bool = Field(False, title="Crash", description="End by an error that nobody foresaw.")
    message: str = Field("", max_length=1000, title="Message", description="A line to write to the log.")


class Noop(JobType[NoopConfig]):
    name = "noop"
    label = "No operation"
    description = "Does nothing, or sleeps, prints, fails or crashes on request."
    icon = "plan"
    Config = NoopConfig
    max_retries = 0

    def run(self, config: NoopConfig, context: Context) -> Outcome:
        if config.message:
            context.log(config.message)
        end = time.monotonic() + config.sleep_seconds
        while (left := end - time.monotonic()) > 0 and not context.cancelled():
            time.sleep(min(left, 0.1))
        if config.crash:
            raise RuntimeError(config.message or "Crashed on request.")
        if config.fail:
            raise JobFailed(config.message or "Failed on request.")
        return Outcome(summary=config.message or "Did nothing, as asked.")
