"""Filters of the list of connections."""

import django_filters

from integrations.models import Connection


class ConnectionFilter(django_filters.FilterSet):
    """All that are given must hold."""

    name = django_filters.CharFilter(help_text="The whole name.")
    kind = django_filters.ChoiceFilter(choices=Connection.Kind.choices)

    class Meta:
        model = Connection
        fields: list[str] = []
