"""Files that were refused while they are watched, for everybody who asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import models

from integrations.access import Common
from schedules.files.problems import MOST, Problem


class RefusedFileQuerySet(Common, models.QuerySet["RefusedFile"]):
    def accept(self, source: str) -> None:
        """Note that the files of `source` are in force, if they were refused before."""
        self.filter(source=source).delete()

    def refuse(self, source: str, problems: Iterable[Problem], now: datetime) -> bool:
        """Note why the files of `source` are refused; tell whether that is new."""
        said = [problem.as_json() for problem in problems][:MOST]
        known = self.filter(source=source).first()
        if known is not None and known.problems == said:
            return False
        self.update_or_create(
            source=source, defaults={"problems": said}, create_defaults={"problems": said, "refused_at": now}
        )
        return True


class RefusedFile(models.Model):
    """A watched file or folder that could not be taken over: what it declared before stays in force."""

    source = models.CharField(max_length=500, unique=True)
    problems = models.JSONField(default=list)
    refused_at = models.DateTimeField(help_text="Since when.")

    objects = RefusedFileQuerySet.as_manager()

    class Meta:
        ordering = ["refused_at"]

    def __str__(self) -> str:
        return self.source

    @property
    def sentence(self) -> str:
        """Say that it was refused, and the first reason."""
        first = str(Problem(**self.problems[0])) if self.problems else ""
        more = f" ({len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"{self.source} is refused; what it said before stays in force. {first}{more}"
