"""Somebody who edits, pauses, resumes, triggers and deletes schedules while they fire: `meddler SEED SECONDS`."""

import os
import random
import sys
import time

import django
from django.core.exceptions import ValidationError


def meddle(chance, seconds):
    """Do something to a schedule about twenty times a second."""
    from schedules.models import Schedule

    ids, until = list(Schedule.objects.values_list("pk", flat=True)), time.monotonic() + seconds
    spare, done = ids[: len(ids) // 2], 0
    while time.monotonic() < until:
        schedule = Schedule.objects.get(pk=chance.choice(ids))
        try:
            _act(chance, schedule, may_delete=schedule.pk not in spare)
            done += 1
        except ValidationError:
            continue  # another one was quicker: it is paused or deleted by now
        time.sleep(chance.uniform(0, 0.1))
    print(done)  # noqa: T201


def _act(chance, schedule, *, may_delete):
    act = chance.choices(["edit", "pause", "resume", "trigger", "delete"], [6, 3, 5, 4, 0.2 if may_delete else 0])[0]
    if act == "edit":
        schedule.priority, schedule.description = chance.randint(1, 10), f"Edited {chance.random()}."
        schedule.store(by="meddler")
    elif act == "pause":
        schedule.pause(by="meddler")
    elif act == "resume":
        schedule.resume(by="meddler", missed=chance.choice(["none", "latest", "all"]))
    elif act == "trigger":
        schedule.runs.request(by="meddler")
    else:
        schedule.discard(by="meddler")


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    django.setup()
    meddle(random.Random(sys.argv[1]), float(sys.argv[2]))
