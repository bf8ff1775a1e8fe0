"""What an alert is told."""

from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from jobtypes.base import Config
from jobtypes.sql_alert import incidents, statement
from jobtypes.sql_alert.durations import seconds
from jobtypes.sql_alert.verdict import Policy

SHORTEST_REMINDER, LONGEST_REMINDER = 300, 2_592_000


class Step(BaseModel):
    """Who else is told when an incident has lasted that long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after_seconds: int = Field(ge=60, le=2_592_000, title="After", description="Seconds from the opening.")
    notify: list[str] = Field(min_length=1, max_length=20, title="Channels", description="Names of channels.")

    @model_validator(mode="before")
    @classmethod
    def _read_after(cls, values: Any) -> Any:
        if isinstance(values, dict) and "after" in values:
            rest = {name: value for name, value in values.items() if name != "after"}
            return {**rest, "after_seconds": seconds(values["after"])}
        return values


class SqlAlertConfig(Config):
    """A query that answers one row with a column `status`: ALERT or OK."""

    connection: str = Field(
        min_length=1,
        max_length=255,
        title="Connection",
        description="The database to ask.",
        json_schema_extra={"connection": "sql"},
    )
    query: str = Field(
        min_length=1,
        max_length=100_000,
        title="Query",
        description="One SELECT that answers one row: status (ALERT or OK), actual_value, threshold, and more.",
        json_schema_extra={"widget": "code", "language": "sql"},
    )
    query_timeout_seconds: int = Field(
        60, ge=1, le=3_600, title="Query timeout", description="Seconds. Keep the run's own timeout 30 s above it."
    )
    no_rows: Policy = Field("error", title="No row means", description="What a query without any row says.")
    null_value: Policy = Field(
        "error", title="No value means", description="What OK with an empty actual_value says."
    )
    notify: list[str | dict[str, Any]] = Field(
        default_factory=list,
        max_length=20,
        title="Notify",
        description="Names of channels, told when it starts, while it lasts, and when it is over.",
        json_schema_extra={"widget": "lines"},
    )
    alert_after: int = Field(
        1, ge=1, le=100, title="Alert after", description="ALERTs in a row before an incident opens."
    )
    recover_after: int = Field(1, ge=1, le=100, title="Recover after", description="OKs in a row before it closes.")
    error_after: int = Field(
        3, ge=1, le=100, title="Error after", description="Errors in a row before they are an incident of their own."
    )
    renotify_interval_seconds: int = Field(
        86_400,
        ge=0,
        le=LONGEST_REMINDER,
        title="Remind every",
        description="Seconds, from 300 on; 0 for never. Reminders of an incident that lasts.",
    )
    min_interval_seconds: int = Field(
        0, ge=0, le=86_400, title="At most one opening in", description="Seconds, against flapping; 0 for no limit."
    )
    notify_on_recovery: bool = Field(True, title="Tell of recovery", description="Say when it is over.")
    notify_on_error: bool = Field(
        True, title="Tell of errors", description="Say when the query gives no answer, and when it does again."
    )
    escalate: list[Step] = Field(
        default_factory=list,
        max_length=10,
        title="Escalate",
        description='Who else is told of what lasts: [{"after": "30m", "notify": ["boss"]}]. Acknowledging ends it.',
        json_schema_extra={"widget": "json"},
    )
    inhibited_by: list[str] = Field(
        default_factory=list,
        max_length=20,
        title="Held back by",
        description="Names of other alerts of its environment; while one of them is in alert, this one waits.",
        json_schema_extra={"widget": "lines"},
    )
    severity: Literal["info", "warning", "critical"] = Field(
        "warning", title="Severity", description="How bad an ALERT is."
    )
    runbook_url: str = Field(
        "", max_length=2_000, title="Runbook", description="http:// or https://: what to do about it."
    )
    labels: dict[str, str] = Field(
        default_factory=dict,
        max_length=20,
        title="Labels",
        description="At most 20 pairs, for whoever handles the alert.",
        json_schema_extra={"widget": "pairs"},
    )

    @model_validator(mode="before")
    @classmethod
    def _read_interval(cls, values: Any) -> Any:
        """Take `renotify_interval: 6h` for `renotify_interval_seconds: 21600`."""
        if not isinstance(values, dict) or "renotify_interval" not in values:
            return values
        if "renotify_interval_seconds" in values:
            raise ValueError("Give either renotify_interval or renotify_interval_seconds.")
        rest = {name: value for name, value in values.items() if name != "renotify_interval"}
        return {**rest, "renotify_interval_seconds": seconds(values["renotify_interval"])}

    @field_validator("renotify_interval_seconds")
    @classmethod
    def _not_too_often(cls, value: int) -> int:
        if 0 < value < SHORTEST_REMINDER:
            raise ValueError(f"At least {SHORTEST_REMINDER} seconds lie between reminders; 0 for none.")
        return value

    @field_validator("escalate")
    @classmethod
    def _shortest_first(cls, value: list[Step]) -> list[Step]:
        return sorted(value, key=lambda step: step.after_seconds)

    @field_validator("query")
    @classmethod
    def _one_reading_statement(cls, value: str) -> str:
        if "\0" in value:
            raise ValueError("A query holds no NUL character.")
        if sentence := statement.refusal(value):
            raise ValueError(sentence)
        return value

    @field_validator("runbook_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and (not value.startswith(("http://", "https://")) or any(ord(letter) <= 32 for letter in value)):
            raise ValueError("Write an address that begins with http:// or https://.")
        return value

    @field_validator("labels")
    @classmethod
    def _short_labels(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(1 <= len(name) <= 64 and len(text) <= 255 for name, text in value.items()):
            raise ValueError("A label has a name of 1 to 64 characters and a text of up to 255.")
        return value

    @property
    def channels(self) -> list[str]:
        """Return the names of the channels to notify, each once."""
        return list(dict.fromkeys(one for one in self.notify if isinstance(one, str)))

    @property
    def settings(self) -> incidents.Settings:
        """Return what decides about incidents."""
        return incidents.Settings(
            alert_after=self.alert_after,
            recover_after=self.recover_after,
            error_after=self.error_after,
            renotify=timedelta(seconds=self.renotify_interval_seconds),
            min_interval=timedelta(seconds=self.min_interval_seconds),
            escalate_after=[timedelta(seconds=step.after_seconds) for step in self.escalate],
        )
