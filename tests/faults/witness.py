"""A job type that bears witness: it writes a line when it begins and one when it ends, whatever becomes of its row.

begin|end run-id schedule-id instant attempt pid monotonic-seconds
"""

import os
import re
import time

from pydantic import Field

from jobtypes.base import Config, Context, JobType, Outcome

LINE = "{event} {run} {schedule} {instant} {attempt} {pid} {at:.6f}\n"


class WitnessConfig(Config):
    """What to do between the two lines."""

    path: str
    seconds: float = Field(0, ge=0)
    hog: bool = Field(False, description="Keep the interpreter to itself for that long, in one call of C code.")


class Witness(JobType[WitnessConfig]):
    name = "witness"
    label = "Witness"
    description = "Writes down that it began and that it ended."
    Config = WitnessConfig
    max_retries = 0

    def run(self, config: WitnessConfig, context: Context) -> Outcome:
        _note("begin", config.path, context)
        if config.hog:
            re.match(r"(a+)+$", "a" * 60 + "b")  # takes years, and lets no other thread in
        time.sleep(config.seconds)
        _note("end", config.path, context)
        return Outcome(summary="Witnessed.")


def _note(event, path, context):
    line = LINE.format(
        event=event,
        run=context.run_id,
        schedule=context.schedule_id,
        instant=context.scheduled_for.isoformat(),
        attempt=context.attempt,
        pid=os.getpid(),
        at=time.monotonic(),
    )
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
