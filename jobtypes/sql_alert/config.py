"""What an alert is told."""

from typing import Literal

from pydantic import Field, field_validator

from jobtypes.base import Config
from jobtypes.sql_alert import statement
from jobtypes.sql_alert.verdict import Policy


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
