"""The contract every kind of work fulfils: a name, a typed configuration and `run`.

A job type knows nothing of schedules, runs or the engine. It gets its validated configuration and a `Context`,
and ends in one of three ways: it returns an `Outcome` (the run succeeded), raises `JobFailed` (the run failed as
can be expected: no traceback is kept), or raises anything else (it crashed: the traceback is kept).
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from jobtypes.foreign import ForeignFile, Translation
from jobtypes.reporting import Reported

JSONObject = dict[str, Any]


class Config(BaseModel):
    """A job type's parameters, declared once: frozen, and an unknown field is an error.

    The admin form, the API's JSON schema and the documentation are generated from the fields. Give each a `title`
    and a `description`. `json_schema_extra={"widget": "code" | "text" | "lines" | "pairs" | "json"}` chooses a form
    field that the type alone does not tell; `{"connection": "sql"}` makes a choice of the connections of that kind,
    `{"one_of": "app.Model"}` one of that model's rows by their `name`.
    A field whose right name pydantic keeps for itself (`json`) has that name as its alias, which the schema shows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, serialize_by_alias=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run that did its work has to say.

    `summary`: one sentence for people. `metrics`: flat numbers. `result`: the job type's own JSON, shown on the run's
    page. `attributes`: facts about how it was done. All must be JSON-serialisable.
    """

    summary: str = ""
    metrics: JSONObject = field(default_factory=dict)
    result: JSONObject = field(default_factory=dict)
    attributes: JSONObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a schedule stands after somebody changed it: what a job type that remembers must know of it.

    `status` is one of Schedule.Status, or "erased" when it is removed with its history.
    """

    schedule_id: int
    name: str
    description: str
    environment: str
    status: str
    params: JSONObject


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that ended, and whose ending counts. `is_final` is False while it is tried again. Times are aware UTC."""

    run_id: int
    schedule_id: int
    schedule_name: str
    environment: str
    params: JSONObject
    trigger: str
    status: str
    reason: str
    error: str
    result: JSONObject
    scheduled_for: datetime
    finished_at: datetime
    is_final: bool
    correlation_id: str
    duration_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command as a shell would run it: its words, unquoted, and what it reads on standard input; None: nothing."""

    words: tuple[str, ...]
    stdin: str | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a job type makes of a command line: parameters, a name for the schedule, sentences on what differs.

    Of `timeout_seconds` and `max_retries`, None is what the job type proposes.
    """

    params: JSONObject
    name: str
    notes: tuple[str, ...] = ()
    timeout_seconds: int | None = None
    max_retries: int | None = None


class JobFailed(Exception):
    """The work could not be done, for a reason that the job type foresaw.

    The message is a sentence for the person at 3 a.m.: what happened, what was left untouched, what to do.
    `retry=False` ends the instant at once; `retry_after` (seconds) is the least to wait before the next attempt.
    """

    reason: ClassVar[str] = "expected"

    def __init__(
        self,
        message: str,
        *,
        retry: bool = True,
        retry_after: float | None = None,
        summary: str = "",
        metrics: JSONObject | None = None,
        result: JSONObject | None = None,
        attributes: JSONObject | None = None,
    ) -> None:
        super().__init__(message)
        self.retry = retry
        self.retry_after = retry_after
        self.summary = summary
        self.metrics = metrics or {}
        self.result = result or {}
        self.attributes = attributes or {}


class JobTimedOut(JobFailed):
    """The work was not done by the run's deadline; a job type that stops itself in time raises this."""

    reason = "timeout"


class JobCancelled(JobFailed):
    """Somebody cancelled the run and the job type stopped; it ends `cancelled` and is not retried."""

    reason = "cancelled"


class InvalidParams(Exception):
    """The parameters are refused; `errors` maps a field's name ("" for all of them) to sentences."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items()))
        self.errors = dict(errors)

    def sentences(self) -> list[str]:
        """Return the errors as a flat list, each beginning with its field's name."""
        return [f"{name}: {text}" if name else text for name, texts in self.errors.items() for text in texts]


class Context(Protocol):
    """What a job may know about its run, and say while it runs. Times are aware UTC."""

    run_id: int
    schedule_id: int | None
    schedule_name: str
    environment: str
    scheduled_for: datetime
    attempt: int
    correlation_id: str
    triggered_by: str  # a user, or how it came to be: schedule, manual, api, retry, backfill, dependency
    idempotency_key: str  # the same for every attempt at one instant: send it on
    deadline: datetime  # the child process is killed then; a job that can should stop before

    def seconds_left(self) -> float:
        """Return the seconds until the deadline, never below 0."""
        ...

    def cancelled(self) -> bool:
        """Tell whether somebody asked this run to stop; long loops ask now and then."""
        ...

    def log(self, text: str, *, level: str = "info") -> None:
        """Add a line to the run's log; level is debug, info, warning or error."""
        ...

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Say how far the work is."""
        ...

    def owns_process_group(self, group: int | None) -> None:
        """Name the process group that this run started, so that it dies with the run; None when it has ended."""
        ...


C = TypeVar("C", bound=Config)


class JobType(ABC, Generic[C]):
    """One kind of work. Subclasses are listed in the JOB_TYPES setting and have no state."""

    name: ClassVar[str]  # as in the API: "http_request"
    label: ClassVar[str]  # as on pages: "HTTP request"
    description: ClassVar[str]  # one sentence for the card where a person chooses
    icon: ClassVar[str] = "play"  # a symbol of static/icons.svg
    Config: ClassVar[type[Config]]

    aliases: ClassVar[Sequence[str]] = ()  # other names that requests, filters and files may call it by
    cron_expression: ClassVar[str] = ""  # of a schedule of this type that names no timing; empty: it has to name one
    timeout_seconds: ClassVar[int] = 60  # default of a schedule of this type
    max_retries: ClassVar[int | None] = None  # None: the DEFAULT_MAX_RETRIES setting
    min_interval_seconds: ClassVar[int] = 1  # floor for intervals and for the gaps of a cron expression
    shorthand: ClassVar[Mapping[str, str]] = {}  # fields of a schedule that mean this type → the parameters they are
    remembers: ClassVar[bool] = False  # whether `follow`, `settle` and `tend` do anything
    reports: ClassVar[Sequence[str]] = ()  # the kinds of report that a run of this type has
    inline_channels: ClassVar[str] = ""  # the parameter, a list, that may define channels of the schedule's own
    stop_grace_seconds: ClassVar[float] = 1.0  # between asking a job to stop and killing its process

    def check(self, config: C) -> None:
        """Refuse what the shape of the configuration cannot tell (a missing connection, a forbidden address).

        Called at every save and again at the fire. Raises InvalidParams.
        """

    def out_of_place(self, config: C, places: Collection[str]) -> Mapping[str, list[str]]:
        """Return field → sentences for what it names, beside connections of its own, that serves none of these
        environments: such a thing counts as none at all."""
        return {}

    def setting_errors(self) -> list[str]:
        """Return what is wrong in the settings that this job type reads, a sentence each that names the setting."""
        return []

    def places(self, config: C) -> Sequence[str]:
        """Return environments whose data a run reads: only who may see them stores such a schedule.

        A schedule whose request names no environment belongs to the first.
        """
        return ()

    def propose_timeout(self, config: C) -> int:
        """Return the seconds that a run with this configuration may take, where nobody says otherwise."""
        return self.timeout_seconds

    def summarise(self, config: C) -> str:
        """Return what a schedule with this configuration does, as the rest of a sentence: "Fetches https://…"."""
        return self.description

    def follow(self, standing: Standing) -> None:
        """Take note that a schedule of this type was stored, paused, resumed or deleted, in that transaction."""

    def settle(self, finished: Sequence[Finished]) -> Mapping[int, JSONObject]:
        """Draw what follows from runs that ended, in the transaction that records them; asked if `remembers`.

        Their schedules are locked. Returns run id → what to add to the run's result.
        """
        return {}

    def called_back(self, finished: Finished) -> JSONObject:
        """Return what a callback says of a run beside the usual keys, or instead of them; for every ending, in the
        transaction that records it."""
        return {}

    def forget(self, run_ids: Collection[int]) -> None:
        """Remove what is kept beside runs of this type that are removed, in that transaction."""

    def tend(self, now: datetime) -> None:
        """Do what falls due without any run; asked every 20 seconds by every scheduler, if `remembers`."""

    def report(self, about: Reported, kind: str, places: Collection[str] | None) -> tuple[JSONObject, str] | None:
        """Return a report of a run, of a kind of `reports`, and the template that shows it as a page.

        None where nothing of it lies in `places`, which are environments; None for these means all of them.
        """
        return None

    def adopt(self, line: CommandLine) -> Adopted | None:
        """Return how this job type does what a command line did, None if that is nothing of its kind.

        Raises InvalidParams where it is, but cannot be done as it stands.
        """
        return None

    def rehearse(self, config: C, schedule_id: int) -> tuple[bool, JSONObject]:
        """Do what can be done without changing or telling anything; return whether it went well, and what it showed.

        An empty object says that nothing can be tried. The caller gives a whole run's time.
        """
        return True, {}

    def translate(self, file: ForeignFile) -> Translation | None:
        """Return a file of another program as a schedule file of Carillon's, None if it is not of its format.

        Raises foreign.Untranslatable.
        """
        return None

    @abstractmethod
    def run(self, config: C, context: Context) -> Outcome:
        """Do the work, in a child process of its own. Raises JobFailed for failures that can be expected."""
