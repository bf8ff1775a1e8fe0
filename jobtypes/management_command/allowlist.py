"""Which management commands may run, and with which options: the MANAGEMENT_COMMAND_ALLOWLIST setting. Pure.

{"clearsessions": {}, "pruneruns": {"older-than": {"type": "string", "max_length": 8, "required": true}}}
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

COMMAND = re.compile(r"[a-z][a-z0-9_]{0,63}")
OPTION = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NEVER = {"settings", "pythonpath"}
DEFAULT_LENGTH = 255
Value = str | int | bool


class Option(BaseModel):
    """What one option takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["string", "integer", "boolean", "choice"]
    choices: list[str] = []
    required: bool = False
    max_length: Annotated[int, Field(ge=1, le=10_000)] = DEFAULT_LENGTH

    @model_validator(mode="after")
    def _choices_belong_to_choice(self) -> "Option":
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("an option of type choice lists its choices, and no other does")
        return self

    def refusal(self, value: Value) -> str:
        """Return why this value is not taken; empty if it is."""
        if self.type == "boolean":
            return "" if isinstance(value, bool) else "Write true or false."
        if self.type == "integer":
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            return "" if is_whole and abs(int(value)) < 2**63 else "Write a whole number."
        if not isinstance(value, str):
            return "Write a text."
        if self.type == "choice":
            return "" if value in self.choices else f"Write one of {', '.join(self.choices)}."
        if len(value) > self.max_length:
            return f"At most {self.max_length} characters."
        return "" if value.isprintable() else "Control characters are not allowed."


Allowlist = dict[str, dict[str, Option]]
READER: TypeAdapter[Allowlist] = TypeAdapter(Allowlist)


def read(setting: Any) -> Allowlist:
    """Return the allowlist; raises ValueError with a sentence on what is wrong in the setting."""
    try:
        commands = READER.validate_python(setting)
    except ValidationError as refused:
        first = refused.errors(include_url=False)[0]
        where = " → ".join(str(part) for part in first["loc"])
        raise ValueError(f"{where or 'the whole value'}: {first['msg']}.") from None
    for command, options in commands.items():
        if not COMMAND.fullmatch(command):
            raise ValueError(f"{command!r} is no name of a management command.")
        for option in options:
            if not OPTION.fullmatch(option) or option in NEVER:
                raise ValueError(f"{command} → {option!r}: this option cannot be allowed.")
    return commands


def refusals(allowed: Allowlist, command: str, options: Mapping[str, Value]) -> dict[str, list[str]]:
    """Return field → sentences for what the allowlist does not permit; empty if all is allowed."""
    if command not in allowed:
        known = ", ".join(sorted(allowed)) or "none"
        return {"command": [f"{command!r} is not in MANAGEMENT_COMMAND_ALLOWLIST. Allowed: {known}."]}
    taken = allowed[command]
    errors = {
        f"options.{name}": [f"{command} takes no option {name!r} here. Allowed: {', '.join(taken) or 'none'}."]
        for name in options
        if name not in taken
    }
    for name, option in taken.items():
        if name not in options:
            if option.required:
                errors[f"options.{name}"] = ["This option is required."]
        elif sentence := option.refusal(options[name]):
            errors[f"options.{name}"] = [sentence]
    return errors


def arguments(options: Mapping[str, Value]) -> list[str]:
    """Return the options as the command line takes them; a value never stands alone, so it is never an option."""
    spelled = []
    for name, value in sorted(options.items()):
        if value is True:
            spelled.append(f"--{name}")
        elif value is not False:
            spelled.append(f"--{name}={value}")
    return spelled
