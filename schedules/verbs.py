"""What a person may do to schedules in the workshop: asked once on a page of its own, then done one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.acting import together
from schedules.fields import MomentField
from schedules.models import Schedule

Answers = dict[str, Any]


class Question(forms.Form):
    """Nothing to answer but yes."""


class PauseQuestion(Question):
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)
    until = MomentField(label=_("Until"), required=False, help_text=_("Empty: until somebody resumes it."))


class ResumeQuestion(Question):
    missed = forms.ChoiceField(
        label=_("The instants in between"), choices=Schedule.Catchup, initial=Schedule.Catchup.NONE
    )


def _pause(schedule: Schedule, by: str, answers: Answers) -> None:
    until = answers["until"]
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=ZoneInfo(schedule.timezone))
    schedule.pause(by=by, reason=answers["reason"], until=until)


@dataclass(frozen=True, slots=True)
class Verb:
    """One act: who may, what is asked, what is said. `done` and `title` take `%(what)s`."""

    name: str
    permission: str
    label: Promise
    title: Promise
    done: Promise
    act: Callable[[Schedule, str, Answers], Any]
    effect: Promise
    question: type[Question] = Question
    danger: bool = False
    undo: str = ""

    @property
    def button(self) -> str:
        """Return the label without the dots that announce a question."""
        return str(self.label).removesuffix("…")

    def do(
        self, schedules: Iterable[Schedule], *, by: str, answers: Answers
    ) -> tuple[list[Schedule], list[ValidationError]]:
        """Do it to each; return those it was done to, and for each of the others why not."""
        done: list[Schedule] = []
        refused: list[ValidationError] = []
        with together():
            for schedule in schedules:
                try:
                    self.act(schedule, by, answers)
                except ValidationError as refusal:
                    refused.append(refusal)
                else:
                    done.append(schedule)
        return done, refused


VERBS = {
    verb.name: verb
    for verb in (
        Verb(
            name="run",
            permission="trigger_schedule",
            label=_("Run now"),
            title=_("Run %(what)s now?"),
            done=_("Asked for a run of %(what)s."),
            act=lambda schedule, by, answers: schedule.runs.request(by=by, trigger="manual"),
            effect=_("A run is asked for at once, beside those that are planned; the next planned one stays."),
        ),
        Verb(
            name="pause",
            permission="pause_schedule",
            label=_("Pause…"),
            title=_("Pause %(what)s?"),
            done=_("Paused %(what)s."),
            act=_pause,
            effect=_(
                "Instants that fall into the pause are recorded as skipped, reason paused. What runs now goes on."
            ),
            question=PauseQuestion,
            undo="resume",
        ),
        Verb(
            name="resume",
            permission="pause_schedule",
            label=_("Resume…"),
            title=_("Resume %(what)s?"),
            done=_("Resumed %(what)s."),
            act=lambda schedule, by, answers: schedule.resume(by=by, missed=answers["missed"]),
            effect=_("It fires again from now on."),
            question=ResumeQuestion,
            undo="pause",
        ),
        Verb(
            name="delete",
            permission="delete_schedule",
            label=_("Delete…"),
            title=_("Delete %(what)s?"),
            done=_("Deleted %(what)s; the history stays."),
            act=lambda schedule, by, answers: schedule.discard(by=by),
            effect=_(
                "It never fires again, runs that wait are cancelled, and its name is free. Its history stays, and it "
                "can be brought back, paused, as long as its name is not taken."
            ),
            danger=True,
            undo="restore",
        ),
        Verb(
            name="restore",
            permission="delete_schedule",
            label=_("Bring back…"),
            title=_("Bring %(what)s back?"),
            done=_("Brought %(what)s back, paused."),
            act=lambda schedule, by, answers: schedule.restore(by=by),
            effect=_("It comes back paused; nothing fires until somebody resumes it."),
            undo="delete",
        ),
    )
}
