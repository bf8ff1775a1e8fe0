"""Import projects over HTTP. What starts runs of them is in `jobruns.imports_api`."""

from __future__ import annotations

from typing import Any

import django_filters
from django.http import Http404
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import audit
from integrations.access import environments_of, refuse_unless_changeable
from integrations.rest.collection import Versioned
from integrations.rest.conditions import check_match
from jobtypes import registry
from jobtypes.base import InvalidParams
from jobtypes.csv_import import running, serializers, trying
from jobtypes.csv_import.documentation import describe
from jobtypes.csv_import.models import ImportProject, ImportProjectQuerySet
from jobtypes.csv_import.params import CsvImportConfig

LONGEST_TRIAL = 60  # seconds


class ImportProjectFilter(django_filters.FilterSet):
    """All that are given must hold."""

    name = django_filters.CharFilter(help_text="The whole name.")
    environment = django_filters.CharFilter(help_text="Of those that serve one environment only.")
    connection = django_filters.CharFilter(help_text="The name of the connection whose tables are filled.")
    source = django_filters.CharFilter(help_text="The name of the SFTP connection where files are fetched.")
    search = django_filters.CharFilter("name", "icontains", help_text="In the name.")

    class Meta:
        model = ImportProject
        fields: list[str] = []


@describe
class ImportProjectViewSet(Versioned):
    """Files of one sender and the tables that they belong to."""

    queryset = ImportProject.objects.all()
    serializer_class = serializers.ImportProjectSerializer
    filterset_class = ImportProjectFilter
    lookup_value_regex = "[^/]{1,255}"
    orderings = {"id": "id", "name": "name", "updated_at": "updated_at"}
    usual_ordering = "name"
    rights = {"test": "jobtypes.import_importproject", "dry_run": "jobtypes.import_importproject"}

    def get_queryset(self) -> ImportProjectQuerySet:
        """Return the projects that exist for the caller."""
        return ImportProject.objects.visible_to(self.request.user)

    def get_object(self) -> ImportProject:
        """Return the project that the address names; raises Http404."""
        return self._found(self.get_queryset())

    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        project = self.get_object()
        audit.record("test", project)
        return Response(trying.look(self._config(request, project), project))

    @action(detail=True, methods=["post"], url_path="dry-run")
    def dry_run(self, request: Request, pk: str) -> Response:
        project = self.get_object()
        went_well, said = trying.rehearse(self._config(request, project), seconds=LONGEST_TRIAL)
        return Response({"ok": went_well, **said})

    def _config(self, request: Request, project: ImportProject) -> CsvImportConfig:
        """Return what is to be tried, with the files that were sent; raises ValidationError by field."""
        sent = serializers.TryImportSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            config: Any = registry.parse("csv_import", sent.params(project.name))
            running.check_override(config)
        except InvalidParams as refused:
            raise ValidationError(refused.errors) from None
        if elsewhere := running.out_of_place(config, environments_of(request.user)):
            raise ValidationError(dict(elsewhere))
        found: CsvImportConfig = config
        return found

    def locked(self, pk: str) -> ImportProject:
        """Return the project under its lock, at the version that the caller has seen."""
        project = self._found(self.get_queryset().select_for_update())
        refuse_unless_changeable(project, self.request.user)
        check_match(self.request, project)
        return project

    def _found(self, rows: ImportProjectQuerySet) -> ImportProject:
        try:
            return rows.named_or_numbered(self.kwargs["pk"])
        except ImportProject.DoesNotExist as missing:
            raise Http404(str(missing)) from None
