"""Templates over HTTP: keep them, make schedules from them, and bring these up to date when asked."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.rest import problems
from integrations.rest.collection import Collection
from integrations.rest.conditions import check_match, tagged
from schedules import preview
from schedules.models import Schedule, Template
from schedules.patterns import instances, serializers
from schedules.patterns.definition import TIMING
from schedules.patterns.documentation import describe, describe_preview_upgrade, describe_upgrade
from schedules.patterns.instances import MOST
from schedules.patterns.models import TemplateQuerySet
from schedules.queries import ScheduleQuerySet
from schedules.serializers import ScheduleSerializer


class TemplateFilter(django_filters.FilterSet):
    """All that are given must hold."""

    name = django_filters.CharFilter(help_text="The whole name.")
    environment = django_filters.CharFilter()
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", help_text="In the name.")

    class Meta:
        model = Template
        fields: list[str] = []


@describe
class TemplateViewSet(Collection):
    """Partial schedules with parameters, to make schedules from."""

    queryset = Template.objects.all()
    serializer_class = serializers.TemplateSerializer
    filterset_class = TemplateFilter
    orderings = {"id": "id", "name": "name", "updated_at": "updated_at"}
    usual_ordering = "name"
    rights = {
        "instantiate": "schedules.add_schedule",
        "instances": "schedules.view_schedule",
        "preview_upgrade": "schedules.view_schedule",
        "upgrade": "schedules.change_schedule",
    }

    def get_queryset(self) -> TemplateQuerySet:
        """Return the templates that exist for this user, in a list with the number of their schedules."""
        seen: TemplateQuerySet = super().get_queryset()
        return seen.counted(self.request.user) if self.action == "list" else seen

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        template = serializer.save()
        response = Response(serializer.data, status=201, headers={"Location": f"{request.path}/{template.pk}"})
        return tagged(response, template)

    def retrieve(self, request: Request, pk: str) -> Response:
        template = self.get_object()
        return tagged(Response(self.get_serializer(template).data), template)

    @transaction.atomic
    def update(self, request: Request, pk: str) -> Response:
        template = self.locked(pk)
        serializer = self.get_serializer(template, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return tagged(Response(self.get_serializer(serializer.save()).data), template)

    def locked(self, pk: str) -> Template:
        """Return the template under its lock, at the version that the caller has seen."""
        template: Template = super().locked(pk)
        check_match(self.request, template)
        return template

    @action(detail=True)
    def versions(self, request: Request, pk: str) -> Response:
        found = self.get_object().versions.all()[:100]
        return Response(serializers.TemplateVersionsSerializer({"results": found}).data)

    @action(detail=True, methods=["post"])
    def instantiate(self, request: Request, pk: str) -> Response:
        template = self.get_object()
        values = _read(serializers.InstantiateSerializer(data=request.data))
        with transaction.atomic():
            schedule = instances.make(template, name=values["name"], parameters=values["parameters"], request=request)
            shown = ScheduleSerializer(schedule, context=self.get_serializer_context()).data
            if values["dry_run"]:
                transaction.set_rollback(True)
        if values["dry_run"]:
            return Response({"schedule": {**shown, "id": None}, "preview": _previewed(schedule)})
        place = f"{request.path.partition('/templates/')[0]}/schedules/{schedule.pk}"
        return tagged(Response(shown, status=201, headers={"Location": place}), schedule)

    @action(detail=True)
    def instances(self, request: Request, pk: str) -> Response:
        rows = self.paginate_queryset(self._instances())
        return self.get_paginated_response(serializers.InstanceSerializer(rows, many=True).data)

    @describe_preview_upgrade
    def preview_upgrade(self, request: Request, pk: str) -> Response:
        outdated = self._instances().filter(origin__version__lt=F("origin__template__version"))
        return Response(self._plans(outdated.order_by("pk")[:MOST], {}))

    @describe_upgrade
    def upgrade(self, request: Request, pk: str) -> Response:
        self.get_object()
        values = _read(serializers.UpgradeSerializer(data=request.data))
        ids = list(dict.fromkeys(values["schedule_ids"]))
        plans = self._plans(self._instances().filter(pk__in=ids), values["parameters"])
        done, refused = instances.upgrade_each(
            self._instances(),
            [] if values["dry_run"] else ids,
            values["parameters"],
            overwrite=values["overwrite"],
            request=request,
        )
        failed = [{"schedule_id": number, "error": _sentence(why)} for number, why in refused]
        return Response({**plans, "success": done, "failed": failed})

    def kept_data(self, data: Any) -> Any:
        """Keep the answer without a secret that was made just now: a repeated request does not show it again."""
        return {**data, "callback_secret": "***"} if data and "callback_secret" in data else data

    def _instances(self) -> ScheduleQuerySet:
        return instances.of_template(self.get_object(), self.request.user)

    def _plans(self, schedules: QuerySet[Schedule], parameters: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        found = [instances.plan(one, parameters, now, request=self.request) for one in schedules]
        return serializers.PlansSerializer({"version": self.get_object().version, "results": found}).data


def _read(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _previewed(schedule: Schedule) -> dict[str, Any] | None:
    """Return when a schedule that was made for trial would fire."""
    if schedule.schedule_type == Schedule.Kind.MANUAL:
        return None
    fields = ("name", "environment", *TIMING)
    return preview.of({**{name: getattr(schedule, name) for name in fields}, "count": 10, "after": None})


def _sentence(refused: Exception) -> str:
    answer = problems.problem_response(refused, {})
    body = {} if answer is None else answer.data
    return " ".join(f"{name}: {' '.join(texts)}" for name, texts in body.get("errors", {}).items()) or body["detail"]
