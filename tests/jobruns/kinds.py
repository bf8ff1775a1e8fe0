"""Job types that misbehave, for the tests of the pool and of whole scheduler processes."""

import logging
import os
import signal
import struct
import subprocess
import threading
import time

from django.db import connection
from pydantic import Field

from integrations.watchdog import watched
from jobtypes.base import Config, Context, JobFailed, JobType, Outcome


class TrickConfig(Config):
    """What to do; see `Trick.run`."""

    act: str = Field("nothing")
    path: str = Field("")
    seconds: float = Field(0)


class Trick(JobType[TrickConfig]):
    """Does what a decent job would not."""

    name = "trick"
    label = "Trick"
    description = "Misbehaves on request."
    Config = TrickConfig
    max_retries = 0

    def run(self, config: TrickConfig, context: Context) -> Outcome:
        return getattr(self, f"_{config.act}")(config, context) or Outcome(summary="Done.")

    def _nothing(self, config, context):
        return None

    def _sleep(self, config, context):
        time.sleep(config.seconds)

    def _spin(self, config, context):
        end = time.monotonic() + config.seconds
        while time.monotonic() < end:
            pass

    def _choke(self, config, context):
        """Keep the interpreter to itself: no other Python thread of this process gets a turn."""
        sum(range(int(config.seconds * 100_000_000)))

    def _obey(self, config, context):
        while not context.cancelled():
            time.sleep(0.02)

    def _spawn(self, config, context):
        """Start a process group of its own, note the pid of its leader and wait for it."""
        process = subprocess.Popen(["sleep", str(config.seconds)], start_new_session=True)
        context.owns_process_group(process.pid)
        self._write(config, str(process.pid))
        process.wait()
        context.owns_process_group(None)

    def _die(self, config, context):
        os.kill(os.getpid(), signal.SIGKILL)

    def _mumble(self, config, context):
        """Die in the middle of a message to the parent."""
        os.write(context.link.pipe.fileno(), struct.pack("!i", 100_000) + b"only so far")
        os.kill(os.getpid(), signal.SIGKILL)

    def _exit(self, config, context):
        raise SystemExit(3)

    def _crash(self, config, context):
        raise ZeroDivisionError("by design")

    def _fail(self, config, context):
        raise JobFailed("Failed as foreseen.", retry=False, metrics={"tries": 1})

    def _talk(self, config, context):
        for number in range(5):
            context.log(f"line {number}", level="shouting" if number == 0 else "warning")
        context.progress(1, 2, "half")

    def _chat(self, config, context):
        """Log in each way that job code may."""
        context.log("the job speaks")
        library = logging.getLogger("some.library")
        library.warning("a library speaks")
        watched(
            lambda: library.warning("a library speaks in a thread"),
            seconds=5,
            stopped=context.cancelled,
            interrupt=lambda: None,
            sever=lambda: None,
        )

    def _pid(self, config, context):
        self._write(config, str(os.getpid()))
        time.sleep(config.seconds)

    def _look(self, config, context):
        """Report what this process inherited."""
        return Outcome(
            result={
                "threads": sorted(thread.name for thread in threading.enumerate()),
                "connected": connection.connection is not None,
                "scheduled_for": context.scheduled_for.isoformat(),
                "seconds_left": context.seconds_left(),
            }
        )

    def _big(self, config, context):
        return Outcome(result={"text": "x" * 900_000})

    def _odd(self, config, context):
        odd = {"lone": "\ud800", "nul": "a\0b", "nan": float("nan"), "huge": 10**40, ("a", 1): {1, 2}}
        return Outcome(summary="\ud800\0", result=odd, metrics={"odd": float("inf")})

    @staticmethod
    def _write(config, text):
        with open(config.path, "a") as file:
            file.write(f"{text}\n")
