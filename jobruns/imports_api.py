"""Start imports over HTTP, and read what became of their files.

Every run belongs to a schedule; an import by hand belongs to one that never fires by itself, one for each project and
environment, made when it is first needed. See docs/decisions/0027.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import django_filters
from django.conf import settings
from django.core.exceptions import ValidationError as Refused
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from integrations.access import elsewhere, environments_of
from integrations.rest.filters import StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites
from integrations.rest.permissions import may, refusal
from integrations.rest.problems import Conflict
from jobruns.models import JobRun
from jobtypes.csv_import import CsvImport, serializers
from jobtypes.csv_import.documentation import describe_files, describe_rejects, describe_start
from jobtypes.csv_import.models import ImportFileResult, ImportProject, RejectedRow
from schedules.models import Schedule
from schedules.triggering import TriggerThrottle, trigger

CALLS_BACK = "schedules.add_schedule"


class ImportViewSet(IdempotentWrites, GenericViewSet[ImportProject]):
    """Import the files of a project now."""

    queryset = ImportProject.objects.all()
    serializer_class = serializers.StartImportSerializer
    rights = {"*": "jobtypes.import_importproject"}

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the usual throttles, and one more for requested runs."""
        return [*super().get_throttles(), TriggerThrottle()]

    @describe_start
    @transaction.atomic
    def start(self, request: Request, pk: str) -> Response:
        try:
            project = ImportProject.objects.visible_to(request.user).named_or_numbered(pk)
        except ImportProject.DoesNotExist as missing:
            raise Http404(str(missing)) from None
        sent = serializers.StartImportSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        if sent.validated_data.get("project", project.name) != project.name:
            raise ValidationError({"project": [f"The address says {project.name}."]})
        callback_url = sent.validated_data.get("callback_url") or ""
        if callback_url and not may(request, CALLS_BACK):
            raise PermissionDenied(refusal(request, CALLS_BACK))
        environment = _environment(project, sent.validated_data.get("environment"), request.user)
        try:
            schedule = by_hand(project, environment, callback_url=callback_url)
            run_id = trigger(
                schedule,
                by=request.user.get_username(),
                params=sent.params(project.name),
                correlation_id=getattr(request, "correlation_id", ""),
            )
        except Refused as refused:
            raise _at_its_field(refused) from None
        answer = {"execution_id": run_id, "job_id": run_id, "schedule_id": schedule.pk, **schedule.revealed}
        return Response(answer, status=202)

    def kept_data(self, data: Any) -> Any:
        """Keep the answer without a secret that was made just now: a repeated request does not show it again."""
        return {**data, "callback_secret": "***"} if data and "callback_secret" in data else data


def by_hand(project: ImportProject, environment: str, *, callback_url: str = "") -> Schedule:
    """Return the schedule to which imports of a project by hand belong; it is made if there is none.

    Imports that call back have one for each address. Raises ValidationError, and Conflict where its name is taken.
    """
    told = f", callback {sha256(callback_url.encode()).hexdigest()[:8]}" if callback_url else ""
    name = f"{project.name[:200]} by hand{told}"
    found = Schedule.objects.existing().filter(environment=environment, name=name).first()
    if found is None:
        found = Schedule(
            name=name,
            description=f"Never fires by itself: imports of {project.name} that somebody asks for belong here.",
            environment=environment,
            job_type=CsvImport.name,
            params={"project": project.name},
            schedule_type=Schedule.Kind.MANUAL,
            overlap_policy=Schedule.Overlap.BUFFER_ALL,
            callback_url=callback_url,
        )
        found.store(by="")
    elif (found.job_type, found.params.get("project")) != (CsvImport.name, project.name):
        raise Conflict(f"Imports by hand belong to a schedule named {name}, but that does something else. Rename it.")
    return found


class RunFileFilter(django_filters.FilterSet):
    """All that are given must hold."""

    status = django_filters.ChoiceFilter(choices=ImportFileResult.Status.choices)
    filename = django_filters.CharFilter(help_text="The whole name.")

    class Meta:
        model = ImportFileResult
        fields: list[str] = []


class RejectFilter(django_filters.FilterSet):
    """All that are given must hold."""

    filename = django_filters.CharFilter("file__filename", help_text="The whole name.")
    column = django_filters.CharFilter()

    class Meta:
        model = RejectedRow
        fields: list[str] = []


class OfRun(GenericViewSet[Any]):
    """What is kept beside a run that the caller may see."""

    filter_backends = [StrictFilterBackend]
    usual_ordering = "id"
    rights = {"*": "jobruns.view_jobrun"}

    def get_queryset(self) -> Any:
        """Return the rows of the run that the address names; raises Http404."""
        run = get_object_or_404(JobRun.objects.visible_to(self.request.user), pk=self.kwargs["run_id"])
        rows: Any = super().get_queryset()
        return rows.of_run(run.pk)

    def list(self, request: Request, run_id: str) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


@describe_files
class RunFilesViewSet(OfRun):
    """How each file of an import went."""

    queryset = ImportFileResult.objects.all()
    serializer_class = serializers.FileResultSerializer
    filterset_class = RunFileFilter


@describe_rejects
class RunRejectsViewSet(OfRun):
    """The rows that an import left out, and why: at most 1,000 of each file are kept."""

    queryset = RejectedRow.objects.all()
    serializer_class = serializers.RejectedRowSerializer
    filterset_class = RejectFilter


def _environment(project: ImportProject, wanted: str | None, user: Any) -> str:
    """Return where the import runs; raises ValidationError."""
    if project.environment:
        if wanted not in {None, project.environment}:
            raise ValidationError({"environment": [f"{project.name} serves {project.environment} only."]})
        return project.environment
    places = environments_of(user)
    only = next(iter(places)) if places is not None and len(places) == 1 else settings.DEFAULT_ENVIRONMENT
    if sentence := elsewhere(user, wanted or only):
        raise ValidationError({"environment": [sentence]})
    return wanted or only


def _at_its_field(refused: Refused) -> Refused:
    """Return the refusal with what is said of a parameter under the name by which it was sent."""
    if "params" not in getattr(refused, "error_dict", {}):
        return refused
    errors: dict[str, list[str]] = {name: list(texts) for name, texts in refused.message_dict.items()}
    for sentence in errors.pop("params"):
        name, colon, rest = sentence.partition(": ")
        known = colon and name.partition(".")[0] in CsvImport.Config.model_fields
        errors.setdefault(name if known else "params", []).append(rest if known else sentence)
    return Refused(errors)
