"""What a template asks of whoever uses it: named, typed parameters with defaults and limits. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, model_validator
from pydantic_core import SchemaError

MOST, MOST_CHOICES = 50, 100
LONGEST = 1_000  # characters of a value
FARTHEST = 10**15  # from zero that a number may lie
Text = Annotated[str, Field(max_length=LONGEST)]
BOUNDS = Field(strict=True, ge=-FARTHEST, le=FARTHEST)
Number = Annotated[int, BOUNDS] | Annotated[float, BOUNDS]
Errors = dict[str, list[str]]


class InvalidTemplate(ValueError):
    """The parameters, or values for them, are refused; `errors` maps a name, inner ones with dots, to sentences."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(" ".join(f"{name}: {text}" for name, texts in errors.items() for text in texts))
        self.errors = dict(errors)


class Parameter(BaseModel):
    """One parameter. `min` and `max` bound a number, or the characters of a text; `pattern` is for the whole text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    type: Literal["string", "integer", "number", "boolean", "choice"] = "string"
    required: Annotated[bool, Field(strict=True)] = False
    default: Any = None
    pattern: Annotated[str, Field(max_length=200)] = ""
    min: Number | None = None
    max: Number | None = None
    choices: Annotated[tuple[Annotated[Text, Field(min_length=1)], ...], Field(max_length=MOST_CHOICES)] = ()
    description: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """Refuse limits that do not go with the type, and a default that they do not let through."""
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("A choice, and nothing else, has choices.")
        if self.pattern and self.type != "string":
            raise ValueError("Only a string has a pattern.")
        if self.type in {"boolean", "choice"} and (self.min is not None or self.max is not None):
            raise ValueError(f"A {self.type} has neither min nor max.")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise ValueError("max lies below min.")
        if self.pattern:
            _check_pattern(self.pattern)
        if self.default is not None:
            if self.required:
                raise ValueError("A required parameter has no default.")
            if refused := self.refusal(self.default):
                raise ValueError(f"The default does not fit: {refused}")
        return self

    def refusal(self, value: Any) -> str:
        """Return why this is no value for it, as a sentence; empty if it is one."""
        match self.type:
            case "boolean":
                return "" if isinstance(value, bool) else "Write true or false."
            case "choice":
                return "" if value in self.choices else f"Choose one of {', '.join(self.choices)}."
            case "string":
                return self._text_refusal(value)
        whole = self.type == "integer"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            return "Write a whole number." if whole else "Write a number."
        if not math.isfinite(value) or abs(value) > FARTHEST:
            return f"Write a number between -{FARTHEST} and {FARTHEST}."
        return self._bounds_refusal(value, "")

    def _text_refusal(self, value: Any) -> str:
        if not isinstance(value, str):
            return "Write a text."
        if len(value) > LONGEST or "\0" in value:
            return f"At most {LONGEST} characters, and no NUL."
        if refused := self._bounds_refusal(len(value), " characters"):
            return refused
        if self.pattern and not fits(self.pattern, value):
            return f"It does not fit the pattern {self.pattern}"
        return ""

    def _bounds_refusal(self, number: float, unit: str) -> str:
        if self.min is not None and number < self.min:
            return f"At least {self.min}{unit}."
        if self.max is not None and number > self.max:
            return f"At most {self.max}{unit}."
        return ""


def read(raw: Any) -> list[Parameter]:
    """Return the parameters in a JSON list; raises InvalidTemplate, by names such as "0.type"."""
    if not isinstance(raw, list) or len(raw) > MOST:
        raise InvalidTemplate({"": [f"Parameters are a list of at most {MOST}."]})
    errors: Errors = {}
    found: list[Parameter] = []
    for position, one in enumerate(raw):
        try:
            found.append(Parameter.model_validate(one))
        except ValidationError as refused:
            for detail in refused.errors(include_url=False, include_input=False):
                where = ".".join(str(part) for part in (position, *detail["loc"]))
                errors.setdefault(where, []).append(_sentence(detail))
    known: set[str] = set()
    for position, parameter in enumerate(found):
        if parameter.name in known:
            errors.setdefault(f"{position}.name", []).append(f"{parameter.name} is there twice.")
        known.add(parameter.name)
    if errors:
        raise InvalidTemplate(errors)
    return found


def values(parameters: Sequence[Parameter], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values to fill in: what was sent, else the defaults; null is like nothing sent.

    Raises InvalidTemplate by the parameter's name for unknown ones, for missing ones, and for values that do not fit.
    """
    errors: Errors = {name: ["There is no such parameter."] for name in _unknown(parameters, sent)}
    found: dict[str, Any] = {}
    for parameter in parameters:
        value = sent.get(parameter.name)
        value = parameter.default if value is None else value
        if value is None:
            if parameter.required:
                errors[parameter.name] = ["This parameter is required."]
        elif refused := parameter.refusal(value):
            errors[parameter.name] = [refused]
        else:
            found[parameter.name] = value
    if errors:
        raise InvalidTemplate(errors)
    return found


def fits(pattern: str, text: str) -> bool:
    """Tell whether the whole `text` fits; the time grows no faster than both lengths multiplied."""
    try:
        _compiled(rf"\A(?:{pattern})\z").validate_python(text)
    except ValidationError:
        return False
    return True


def _unknown(parameters: Iterable[Parameter], sent: Mapping[str, Any]) -> list[str]:
    known = {parameter.name for parameter in parameters}
    return [name for name in sent if name not in known][:MOST]


def _check_pattern(pattern: str) -> None:
    """Raise ValueError for what is no pattern, by itself and as it is used."""
    try:
        for used in (pattern, rf"\A(?:{pattern})\z"):
            _compiled(used)
    except SchemaError as refused:
        lines = [line.strip() for line in str(refused).splitlines() if line.strip()]
        why = lines[-1].removeprefix("error:").removeprefix("SchemaError:").strip().rstrip(".")
        raise ValueError(f"This pattern cannot be used: {why}.") from None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> TypeAdapter[str]:
    """Return what checks a pattern. The engine is Rust's: linear time, no look-around, no references back."""
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])


def _sentence(detail: Any) -> str:
    text = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "string_pattern_mismatch":
        return "A name begins with a small letter; small letters, digits and underscores, at most 64."
    return text if text.endswith(".") else f"{text}."
