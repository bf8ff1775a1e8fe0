"""Say what pydantic refuses in sentences for people, by field. Pure."""

from __future__ import annotations

from pydantic import ValidationError


def errors_of(refused: ValidationError) -> dict[str, list[str]]:
    """Return {field: [sentence]}; a nested field is named with dots ("headers.0.name"), "" stands for all."""
    errors: dict[str, list[str]] = {}
    for problem in refused.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(part) for part in problem["loc"])
        errors.setdefault(where, []).append(_sentence(problem["type"], problem["msg"]))
    return errors


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "There is no such field."
    if kind == "missing":
        return "This field is required."
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return text if text.endswith(".") else f"{text}."
