"""What a command is told."""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from jobtypes.base import Config

SUBJECT = re.compile(r"cmd(\.[a-z0-9_-]+){2,7}")
MOST_BYTES = 262_144
DEEPEST = 32
GRAMMAR = "Write cmd and two to seven more words of a-z, 0-9, _ and -, joined by dots: cmd.billing.process.invoices."


class CommandConfig(Config):
    """A command of COMMAND_WHITELIST, sent through NATS under its own name as the subject."""

    target_command: str = Field(
        min_length=1,
        max_length=255,
        title="Command",
        description="A name from COMMAND_WHITELIST; messages are sent to the subject of that name.",
    )
    command_payload: dict[str, Any] = Field(
        default_factory=dict,
        title="Payload",
        description="A JSON object, at most 256 KiB and 32 levels deep.",
        json_schema_extra={"widget": "json"},
    )
    connection: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        "",
        max_length=255,
        title="Connection",
        description="Where it is sent; the server of NATS_URL if empty.",
        json_schema_extra={"connection": "nats"},
    )
    complete_on: Literal["published", "reply"] = Field(
        "published",
        title="Done when",
        description="published: a stream keeps it; reply: whoever does the work has replied.",
    )
    require_ack: bool = Field(
        True,
        title="A stream must keep it",
        description="Where it is done when published. Off: the server has it, though nobody may listen.",
    )

    @field_validator("target_command")
    @classmethod
    def _is_a_command(cls, value: str) -> str:
        if sentence := grammar_refusal(value):
            raise ValueError(sentence)
        return value

    @field_validator("command_payload")
    @classmethod
    def _fits_a_message(cls, value: dict[str, Any]) -> dict[str, Any]:
        if _depth_exceeds(value, DEEPEST):
            raise ValueError(f"It is nested more than {DEEPEST} levels deep.")
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise ValueError("It holds a number that JSON does not have, such as NaN.") from None
        if "\\u0000" in text:
            raise ValueError("It holds a NUL character.")
        if (size := len(text.encode(errors="surrogatepass"))) > MOST_BYTES:
            raise ValueError(f"{size} bytes are more than the {MOST_BYTES} that are taken.")
        return value


def grammar_refusal(command: str) -> str:
    """Return why this is no command, whatever is whitelisted; empty if it is."""
    return "" if len(command) <= 255 and SUBJECT.fullmatch(command) else GRAMMAR


def _depth_exceeds(value: Any, levels: int) -> bool:
    """Tell whether more than `levels` objects and lists lie within each other."""
    floor = [value]
    for _ in range(levels + 1):
        containers = [one for one in floor if isinstance(one, dict | list)]
        if not containers:
            return False
        floor = [inner for one in containers for inner in (one.values() if isinstance(one, dict) else one)]
    return True
