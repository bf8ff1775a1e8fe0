"""Checks of an installation's own that look at evidence instead of counting types; only they can say `fail`.

An app of the installation registers them while it starts:

    from jobtypes.compliance import validators
    from jobtypes.compliance.decision import Answer, Question

    class OurConfig(AppConfig):
        def ready(self):
            validators.register("SC-13", encrypted_disks, priority=10)
"""

from jobtypes.compliance.decision import Check, Validator

_registered: dict[tuple[str, str], Validator] = {}


def register(control_id: str, check: Check, *, priority: int = 100, name: str = "") -> None:
    """Let `check` decide a control before its requirement does; lower priorities are asked first.

    `check(question)` returns an Answer, or None where it has none. The first that passes decides, else the last
    answer; without any, the requirement does. Registering one name again for a control replaces it.
    """
    named = name or f"{check.__module__}.{getattr(check, '__qualname__', type(check).__qualname__)}"
    _registered[control_id.upper(), named] = Validator(control_id.upper(), check, priority, named)


def unregister(control_id: str, name: str) -> None:
    """Take one out again; raises KeyError where there is none."""
    del _registered[control_id.upper(), name]


def registered() -> list[Validator]:
    """Return all of them, in the order in which they are asked."""
    return sorted(_registered.values(), key=lambda one: one.priority)
