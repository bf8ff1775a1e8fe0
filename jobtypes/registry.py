"""The job types of this installation, as the JOB_TYPES setting lists them."""

from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from pydantic import ValidationError

from jobtypes import connections
from jobtypes.base import Config, InvalidParams, JobType
from jobtypes.sentences import errors_of


@cache
def job_types() -> dict[str, JobType[Any]]:
    """Return name → job type, in the order of the setting."""
    found: dict[str, JobType[Any]] = {}
    for path in settings.JOB_TYPES:
        job_type = import_string(path)()
        if not isinstance(job_type, JobType):
            raise ImproperlyConfigured(f"JOB_TYPES: {path} is no JobType.")
        taken = {name for kind in found.values() for name in (kind.name, *kind.aliases)}
        if doubled := taken.intersection((job_type.name, *job_type.aliases)):
            raise ImproperlyConfigured(f"JOB_TYPES: two job types are named {min(doubled)!r}.")
        found[job_type.name] = job_type
    return found


def canonical(name: str) -> str:
    """Return the name of the job type that is also called `name`; any other word as it is."""
    kinds = job_types()
    return next((kind.name for kind in kinds.values() if name in kind.aliases), name)


def job_type(name: str) -> JobType[Any]:
    """Return the job type of that name or alias; raises InvalidParams on `job_type` if there is none."""
    try:
        return job_types()[canonical(name)]
    except KeyError:
        known = ", ".join(job_types())
        raise InvalidParams({"job_type": [f"There is no job type {name!r}. Known: {known}."]}) from None


def choices() -> list[tuple[str, str]]:
    """Return (name, label) pairs for forms and filters."""
    return [(name, kind.label) for name, kind in job_types().items()]


def parse(name: str, params: dict[str, Any]) -> Config:
    """Return `params` as the job type's configuration, shape checked.

    Raises InvalidParams: {field: [sentence]}; a nested field is named with dots ("headers.0.name").
    """
    try:
        return job_type(name).Config.model_validate(params)
    except ValidationError as refused:
        raise InvalidParams(errors_of(refused)) from None


def places(name: str, params: dict[str, Any]) -> set[str]:
    """Return the environments whose data such a job reads; raises InvalidParams."""
    return set(job_type(name).places(parse(name, params)))


def validate(name: str, params: dict[str, Any], *, environment: str | None = None) -> Config:
    """Return `params` as the job type's configuration, shape and surroundings checked; raises InvalidParams.

    What serves another environment than `environment`, if that is given, counts as none at all.
    """
    config, kind = parse(name, params), job_type(name)
    kind.check(config)
    if environment is not None:
        places = [environment]
        if refused := {**connections.out_of_place(config, places), **kind.out_of_place(config, places)}:
            raise InvalidParams(refused)
    return config
