"""Filters of the lists of connections, channels and deliveries."""

import django_filters
from django.db.models import QuerySet

from integrations.models import Channel, Connection, Delivery
from integrations.rest.filters import MomentFilter
from integrations.serializers import POSTGRESQL


class ConnectionFilter(django_filters.FilterSet):
    """All that are given must hold."""

    name = django_filters.CharFilter(help_text="The whole name.")
    kind = django_filters.ChoiceFilter(
        choices=[*Connection.Kind.choices, (POSTGRESQL, "PostgreSQL")],
        method="of_kind",
        help_text="`postgresql` are those of kind sql whose address says that it is one.",
    )
    environment = django_filters.CharFilter()

    def of_kind(self, connections: QuerySet[Connection], name: str, value: str) -> QuerySet[Connection]:
        """Return the connections of one kind; postgresql is a part of sql."""
        if value == POSTGRESQL:
            return connections.filter(kind=Connection.Kind.SQL, address__startswith="postgres")
        return connections.filter(kind=value)

    class Meta:
        model = Connection
        fields: list[str] = []


class ChannelFilter(django_filters.FilterSet):
    """All that are given must hold."""

    name = django_filters.CharFilter(help_text="The whole name.")
    kind = django_filters.ChoiceFilter(choices=Channel.Kind.choices)
    environment = django_filters.CharFilter()

    class Meta:
        model = Channel
        fields: list[str] = []


class DeliveryFilter(django_filters.FilterSet):
    """All that are given must hold."""

    status = django_filters.MultipleChoiceFilter(
        choices=Delivery.Status.choices, help_text="Repeat it for deliveries in any of these states."
    )
    channel = django_filters.CharFilter("channel_name", help_text="The whole name.")
    event = django_filters.CharFilter()
    environment = django_filters.CharFilter()
    schedule_id = django_filters.NumberFilter(max_value=2**63 - 1, min_value=0)
    run_id = django_filters.NumberFilter(max_value=2**63 - 1, min_value=0)
    correlation_id = django_filters.CharFilter()
    created_after = MomentFilter("created_at", "gte", help_text="Written at this moment or later.")
    created_before = MomentFilter("created_at", "lt", help_text="Written before this moment.")

    class Meta:
        model = Delivery
        fields: list[str] = []
