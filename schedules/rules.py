"""The rules of `Schedule.clean()`: each check adds sentences to `errors` under the field's name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from integrations.access import elsewhere
from integrations.naming import has_control_characters
from jobtypes import registry
from jobtypes.base import InvalidParams
from schedules.clock import zone_names
from schedules.timing import TimingError, check, smallest_gap

if TYPE_CHECKING:
    from schedules.models import Schedule

Errors = dict[str, list[str]]
TIMING_FIELDS = {
    "cron": {"cron_expression"},
    "interval": {"interval_seconds"},
    "one_time": {"scheduled_at"},
    "immediate": {"scheduled_at"},
    "manual": set[str](),
}
EMPTY = {"cron_expression": "", "interval_seconds": None, "scheduled_at": None}
YEAR = 31_536_000
CLOSEST_MOVED = timedelta(minutes=1)
MOMENTS = ("scheduled_at", "anchor_at", "start_at", "end_at")
FIRST_YEAR, LAST_YEAR = 1970, 9998


def check_quota(schedule: Schedule, by: str) -> None:
    """Refuse one more schedule of a user who has as many as one may have; raises ValidationError, code "quota".

    What comes from a file is nobody's own.
    """
    if schedule.source:
        return
    most = settings.MAX_SCHEDULES_PER_CREATOR
    own = type(schedule).objects.existing().filter(created_by=by)
    if by and own[:most].count() >= most:
        raise ValidationError(f"{by} has {most} schedules, the most that one user may have.", code="quota")


def fill(schedule: Schedule) -> None:
    """Call the job type by its own name, and set the time that it proposes where none is said."""
    schedule.job_type = registry.canonical(schedule.job_type)
    kind = registry.job_types().get(schedule.job_type)
    if kind and schedule.schedule_type == "cron" and schedule.cron_expression == "":
        schedule.cron_expression = kind.cron_expression


def check_texts(schedule: Schedule, errors: Errors) -> None:
    """Names hold no control characters; tags are up to 20 words of 1 to 64 characters."""
    for field in ("name", "environment"):
        value = getattr(schedule, field)
        if value != value.strip() or has_control_characters(value):
            _add(errors, field, "Control characters and blanks at the ends are not allowed.")
    tags = schedule.tags
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        _add(errors, "tags", "Tags are a list of words.")
    elif len(tags) > 20:
        _add(errors, "tags", f"At most 20 tags; these are {len(tags)}.")
    elif not all(1 <= len(tag) <= 64 and not has_control_characters(tag) for tag in tags):
        _add(errors, "tags", "A tag has 1 to 64 characters and no control characters.")


def check_place(schedule: Schedule, errors: Errors) -> None:
    """The owner may put it into its environment, and its calendar serves that one."""
    if sentence := elsewhere(schedule.owner, schedule.environment):
        _add(errors, "environment", sentence)
    calendar = schedule.calendar
    if calendar is not None and calendar.environment not in {"", schedule.environment}:
        _add(errors, "calendar", f"There is no calendar {calendar.name}.")


def check_timing(schedule: Schedule, errors: Errors) -> None:
    """The kind's own fields are there, the others are empty, and the schedule fires at least once more."""
    kind = schedule.schedule_type
    if schedule.timezone not in zone_names():
        _add(errors, "timezone", f"{schedule.timezone!r} is no time zone; write a name such as Europe/Riga.")
        return
    for field in MOMENTS:
        moment = getattr(schedule, field)
        if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            _add(errors, field, f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}.")
    wanted = TIMING_FIELDS.get(kind, set())
    for field, empty in EMPTY.items():
        value = getattr(schedule, field)
        if field in wanted and value == empty:
            _add(errors, field, f"A schedule of type {kind} needs this.")
        elif field not in wanted and value != empty:
            _add(errors, field, f"This does not belong to a schedule of type {kind}; leave it out.")
    if schedule.start_at and schedule.end_at and schedule.end_at <= schedule.start_at:
        _add(errors, "end_at", "The end lies before the start.")
    if errors:
        return
    field = next(iter(wanted), "schedule_type")
    try:
        _check_floor(schedule, errors, field)
        if schedule._state.adding and kind == "one_time":
            _check_ahead(schedule, errors)
        if not errors:
            check(schedule.timing, timezone.now())
            _check_moves(schedule, errors)
    except TimingError as refused:
        _add(errors, field, str(refused))


def check_job(schedule: Schedule, errors: Errors) -> None:
    """The job type exists and takes the parameters; its proposals fill empty fields."""
    try:
        kind = registry.job_type(schedule.job_type)
    except InvalidParams as refused:
        errors.update(refused.errors)
        return
    proposed = kind.timeout_seconds
    try:
        config = registry.validate(schedule.job_type, schedule.params, environment=schedule.environment)
        proposed = kind.propose_timeout(config)
        for place in kind.places(config):
            if sentence := elsewhere(schedule.owner, place):
                _add(errors, "params", f"environment: {sentence}")
    except InvalidParams as refused:
        errors.setdefault("params", []).extend(refused.sentences())
    if schedule.timeout_seconds is None:
        schedule.timeout_seconds = proposed
    if schedule.max_retries is None:
        schedule.max_retries = settings.DEFAULT_MAX_RETRIES if kind.max_retries is None else kind.max_retries


def _check_floor(schedule: Schedule, errors: Errors, field: str) -> None:
    kinds = registry.job_types()
    own = kinds[schedule.job_type].min_interval_seconds if schedule.job_type in kinds else 1
    if schedule.schedule_type == "interval":
        floor = max(settings.MIN_INTERVAL_SECONDS, own)
        if not floor <= (schedule.interval_seconds or 0) <= YEAR:
            _add(errors, field, f"Between {floor} and {YEAR} seconds.")
    elif schedule.schedule_type == "cron":
        floor = max(settings.MIN_CRON_INTERVAL_SECONDS, own)
        if floor > 60 and (gap := smallest_gap(schedule.timing, timezone.now())) < timedelta(seconds=floor):
            _add(errors, field, f"It fires {int(gap.total_seconds())} s apart; at least {floor} s are allowed.")


def _check_moves(schedule: Schedule, errors: Errors) -> None:
    """Runs that come every few seconds have nothing to gain from moving, and cost much to follow."""
    moves = schedule.calendar_id is not None and schedule.calendar_rule != "skip"
    if moves and smallest_gap(schedule.timing, timezone.now()) < CLOSEST_MOVED:
        _add(errors, "calendar_rule", "Runs less than a minute apart cannot be moved to another day; choose skip.")


def _check_ahead(schedule: Schedule, errors: Errors) -> None:
    now = timezone.now()
    if schedule.scheduled_at is None:
        return
    if schedule.scheduled_at <= now:
        _add(errors, "scheduled_at", "This moment has passed; choose one ahead.")
    elif schedule.scheduled_at > now + timedelta(days=settings.MAX_SCHEDULE_LOOKAHEAD_DAYS):
        _add(errors, "scheduled_at", f"At most {settings.MAX_SCHEDULE_LOOKAHEAD_DAYS} days ahead.")


def _add(errors: Errors, field: str, sentence: str) -> None:
    errors.setdefault(field, []).append(sentence)
