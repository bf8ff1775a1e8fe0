"""Fields of a schedule that mean a job type and its parameters: `target_command` is `job_type: command` and more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from jobtypes import registry
from schedules.models import Schedule


def fields() -> dict[str, str]:
    """Return shorthand field → the job type that it means."""
    return {name: kind.name for kind in registry.job_types().values() for name in kind.shorthand}


def expand(values: Mapping[str, Any], schedule: Schedule | None = None) -> dict[str, Any]:
    """Return what was sent about `schedule`, None for a new one, with shorthand put into `job_type` and `params`.

    Of a stored schedule of that type the other parameters stay. Raises ValidationError by field where the shorthand
    of one type meets another type, or the same parameter twice.
    """
    known = fields()
    short = {name: value for name, value in values.items() if name in known}
    plain = {name: value for name, value in values.items() if name not in known}
    if not short:
        return plain
    meant = known[next(iter(short))]
    stored = schedule if schedule is not None and not schedule._state.adding else None
    named = registry.canonical(plain.get("job_type") or "") or (stored.job_type if stored else meant)
    errors = {
        name: [f"This belongs to job type {known[name]}, not to {named}."] for name in short if known[name] != named
    }
    params = dict(plain.get("params") or (stored.params if stored and "params" not in plain else {}))
    for name, value in short.items():
        parameter = registry.job_types()[known[name]].shorthand[name]
        if parameter in (plain.get("params") or {}):
            errors.setdefault(name, []).append(f"Send it here or as {parameter} in params, not twice.")
        elif value is None:
            params.pop(parameter, None)
        else:
            params[parameter] = value
    if errors:
        raise ValidationError(errors)
    return {**plain, "job_type": named, "params": params}


def at_their_fields(refused: ValidationError, sent: Mapping[str, Any]) -> ValidationError:
    """Return the refusal with what is said of a parameter under the shorthand field that carried it."""
    used = {name: kind for name, kind in fields().items() if name in sent}
    if not used or "params" not in getattr(refused, "error_dict", {}):
        return refused
    errors: dict[str, list[str]] = {name: list(texts) for name, texts in refused.message_dict.items()}
    for sentence in errors.pop("params"):
        parameter, _, rest = sentence.partition(": ")
        own = [name for name, kind in used.items() if registry.job_types()[kind].shorthand[name] == parameter]
        errors.setdefault(own[0] if own else "params", []).append(rest if own else sentence)
    return ValidationError(errors)
