"""Open and close the findings that follow from the results of one system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobtypes.compliance import changing
from jobtypes.compliance.changing import Now
from jobtypes.compliance.gathering import Book, Plan
from jobtypes.compliance.models import Finding, FindingEvent, System
from jobtypes.compliance.saving import Row

TITLE = 500


def track(
    plan: Plan,
    system: System,
    book: Book,
    rows: Sequence[Row],
    had: Mapping[int, str],
    now: Mapping[int, Now],
    unclosed: Mapping[int, Finding],
) -> None:
    """Open what got worse and close what passes again, in the transaction of the results.

    `had` and `now` are the number of a control → how it stood in the system's last run, and how it stands.
    """
    if plan.options.findings == "off":
        return
    who = f"run {plan.run_id}"
    for control in changing.to_close(now, [pk for pk in unclosed if pk in now]):
        unclosed[control].move("closed", by=who, note="It passes again.", run_id=plan.run_id, at=plan.at)
    wanted = changing.to_open(had, now, unclosed.keys(), plan.options.findings)
    if not wanted:
        return
    names = {item.pk: item.control_id for item in book.items.values()}
    said = {row.control_id: row.message for row in rows}
    opened = Finding.objects.bulk_create(
        Finding(
            system=system,
            control_id=control,
            title=f"{names[control]} does not pass: {said[control]}"[:TITLE],
            severity=severity,
            found_at=plan.at,
            run_id=plan.run_id,
        )
        for control, severity in wanted.items()
    )
    FindingEvent.objects.bulk_create(
        FindingEvent(
            finding=one,
            before="",
            after="open",
            who=who,
            at=plan.at,
            note=said[one.control_id][:500],
            run_id=plan.run_id,
        )
        for one in opened
    )
