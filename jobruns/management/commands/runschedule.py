"""`manage.py runschedule`: execute a schedule now, in the foreground, recorded as a manual run."""

import json
import signal
from argparse import ArgumentParser
from collections import deque
from contextlib import suppress
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.acting import system_user
from jobruns.engine.foreground import Busy, run_now
from jobruns.models import JobRun
from jobtypes import registry
from schedules.models import Schedule
from schedules.timing import TimingError, runs


class Command(BaseCommand):
    help = "Execute a schedule now and wait for its end. Exit code 1 if it failed, 2 for bad arguments."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("schedule", metavar="NAME_OR_ID")
        parser.add_argument("--environment", default="", help="Where the schedule lives, if its name is not unique.")
        parser.add_argument(
            "--param",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="Replace a parameter for this run only; VALUE is text or JSON. May be repeated.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Check and say what would be done; do nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object, nothing else, on stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            schedule = Schedule.objects.named(options["schedule"], options["environment"])
        except (Schedule.DoesNotExist, Schedule.MultipleObjectsReturned) as unknown:
            raise CommandError(str(unknown), returncode=2) from None
        params = dict(read_param(schedule.job_type, text) for text in options["param"])
        if options["dry_run"]:
            self._say_what_would_be_done(schedule, params, as_json=options["json"])
            return
        run = self._run(schedule, params)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(run), indent=2))
        elif run.status == JobRun.Status.SUCCESS:
            self.stdout.write(f"Run {run.pk} of {schedule.name} succeeded. {run.summary}".strip())
        if run.status != JobRun.Status.SUCCESS:
            told = run.error or run.summary or run.get_reason_display()
            raise CommandError(f"Run {run.pk} of {schedule.name} ended {run.status}: {told}", returncode=1)

    def _run(self, schedule: Schedule, params: dict[str, Any]) -> JobRun:
        asked: deque[int] = deque()
        before = {name: signal.signal(name, lambda number, _: asked.append(number)) for name in STOPS}
        try:
            return run_now(
                schedule,
                by=system_user(),
                params=params,
                on_line=self._show,
                asked_to_stop=lambda: len(asked),
            )
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages), returncode=2) from None
        except Busy as busy:
            raise CommandError(f"{busy} Wait until it has ended, or cancel it.", returncode=1) from None
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    def _show(self, message: tuple[Any, ...]) -> None:
        """Write a line of the run's log to stderr, and its progress where a person watches."""
        if message[0] == "log":
            _, _, _, at, level, text = message
            self.stderr.write(f"{at:%H:%M:%S} {level:7} {text}")
        elif self.stderr.isatty():
            done, total, text = (message[2][name] for name in ("done", "total", "text"))
            self.stderr.write(f"{done} of {total} {text}".rstrip() if total else f"{done} {text}".rstrip())

    def _say_what_would_be_done(self, schedule: Schedule, params: dict[str, Any], *, as_json: bool) -> None:
        try:
            merged = schedule.runs.accepted(params)
            following = list(islice(runs(schedule.timing, timezone.now()), 3)) if schedule.enabled else []
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages), returncode=2) from None
        except TimingError as broken:
            raise CommandError(f"Its timing cannot be read. {broken}", returncode=2) from None
        config = registry.parse(schedule.job_type, merged)
        kind = registry.job_type(schedule.job_type)
        summary = kind.summarise(config)
        went_well, tried = kind.rehearse(config, schedule.pk)
        if as_json:
            said = {"dry_run": True, "id": schedule.pk, "name": schedule.name, "params": merged, "summary": summary}
            said |= {"next": [moment.isoformat() for moment in following], **({"tried": tried} if tried else {})}
            self.stdout.write(json.dumps(said, indent=2))
            return self._end_of_trial(went_well, tried)
        self.stdout.write(f"{schedule.name} would run now: {summary}")
        self.stdout.write(f"Parameters: {json.dumps(merged)}. Killed after {schedule.timeout_seconds} s.")
        when = ", ".join(f"{moment:%Y-%m-%d %H:%M:%S}" for moment in following) or "never"
        self.stdout.write(f"It would fire by itself (UTC): {when}. Nothing was written.")
        for name, value in tried.items():
            self.stdout.write(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
        return self._end_of_trial(went_well, tried)

    def _end_of_trial(self, went_well: bool, tried: dict[str, Any]) -> None:
        if not went_well:
            raise CommandError(f"It would fail: {tried.get('sentence', '')}".strip(), returncode=1)


STOPS = (signal.SIGINT, signal.SIGTERM)


def read_param(job_type: str, text: str) -> tuple[str, Any]:
    """Return the name and value in NAME=VALUE; JSON is read as such unless the job type wants text there."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(f"--param takes NAME=VALUE, not {text!r}.", returncode=2)
    kind = registry.job_types().get(job_type)
    field = kind.Config.model_fields.get(name) if kind else None
    if field is not None and field.annotation is str:
        return name, value
    with suppress(ValueError):
        return name, json.loads(value)
    return name, value


def as_json(run: JobRun) -> dict[str, Any]:
    """Return what programs read of a run."""
    return {
        "id": run.pk,
        "job_id": run.pk,
        "status": run.status,
        "reason": run.reason,
        "metrics": run.metrics,
        "result": run.result,
        "error": run.error,
    }
