"""How `policy.decide` came to a decision, as sentences: pure, and told from the decision itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from jobruns.engine.policy import Active, Decision, View

MISFIRE = {
    "latest": "the newest missed instant runs and stands for the others",
    "all": "every missed instant runs, the newest {limit} at most",
    "skip": "what is missed does not run",
}
CLOSED = {"holiday", "blackout"}
OVERLAP = {
    "skip": "the new one is skipped while a run before it is not done",
    "buffer_one": "one waits for the run before it, further ones are skipped",
    "buffer_all": "all wait for the run before them",
    "cancel_other": "a run that still goes on is asked to stop for the new one",
    "terminate_other": "a run that still goes on is killed for the new one",
    "allow": "up to {instances} run side by side",
}


def told(view: View, one: Decision, now: datetime, active: Active) -> list[str]:
    """Say what the rules of `view` made of an instant settled at `now` while `active` was not done."""
    if one.reason in CLOSED:
        return [one.why, *([] if one.count == 1 else [f"One row stands for {one.count} instants in a row."])]
    late = now - one.scheduled_for
    rule = MISFIRE[view.misfire].format(limit=view.catchup_limit)
    said = [f"Settled {seconds(late)} after its time; up to {seconds(view.grace)} is on time, later {rule}."]
    overlap = OVERLAP[view.overlap].format(instances=view.max_instances)
    said.append(f"{going(active)}; the rule for overlaps ({view.overlap}): {overlap}.")
    if view.parents is not None:
        said.append(f"It runs only if {view.parents.asked()} since the instant before it.")
    if one.why and one.why not in said:
        said.append(one.why)
    if one.count > 1 and one.since is not None:
        said.append(f"One row stands for {one.count} instants in a row.")
    if one.available_at is not None and one.available_at > one.scheduled_for:
        said.append(f"Its start is put off by {seconds(one.available_at - one.scheduled_for)}, to spread the load.")
    return said


def going(active: Active) -> str:
    """Say what of a schedule is not done."""
    if active.running + active.waiting + active.backfilling == 0:
        return "Nothing of it runs or waits then"
    parts = []
    if active.running:
        parts.append(f"{active.running} of it {'runs' if active.running == 1 else 'run'}")
    if active.waiting:
        parts.append(f"{active.waiting} of it {'waits' if active.waiting == 1 else 'wait'}")
    if active.backfilling:
        number = active.backfilling
        parts.append(f"{number} of its backfills {'runs' if number == 1 else 'run'}, for which instants wait,")
    return " and ".join(parts) + " then"


def seconds(length: timedelta) -> str:
    """Say a length in seconds, with as few digits as it takes."""
    return f"{max(length.total_seconds(), 0):.3f}".rstrip("0").rstrip(".") + " s"
