"""What must be right before anything runs: the listed job types, and the settings that they read."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from integrations.checks import SETTINGS
from jobtypes import registry


@register(SETTINGS)
def job_types_are_usable(app_configs: Sequence[Any] | None, **_options: Any) -> list[CheckMessage]:
    """Return an error for each job type that cannot be loaded or whose settings cannot be read."""
    try:
        kinds = registry.job_types()
    except (ImportError, ImproperlyConfigured) as wrong:
        return [Error(f"JOB_TYPES: {wrong}", id="jobtypes.E001")]
    sentences = [sentence for kind in kinds.values() for sentence in kind.setting_errors()]
    return [Error(sentence, id="jobtypes.E002") for sentence in sentences]
