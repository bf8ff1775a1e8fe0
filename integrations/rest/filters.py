"""Filters by query string; a parameter that does not exist is refused, never passed over."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError as FieldRefused
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from integrations.rest import pagination
from integrations.rest.fields import NoMoment, moment


class StrictFilterBackend(DjangoFilterBackend):
    """Filter, and refuse query parameters that the list does not have."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Return the filtered rows; raises ValidationError by parameter. One row by its id is not filtered."""
        if "pk" in view.kwargs:
            return queryset
        filters = view.filterset_class.base_filters if getattr(view, "filterset_class", None) else {}
        known = [*filters, *pagination.PARAMETERS]
        wrong = [name for name in request.query_params if name not in known]
        if wrong:
            raise ValidationError({name: [f"There is no such filter. Known: {', '.join(known)}."] for name in wrong})
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found


class _MomentInput(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            found = moment(text)
        except NoMoment as refused:
            raise FieldRefused(str(refused)) from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


class _FlagInput(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = (super().clean(value) or "").lower()
        if text in {"", "true", "1", "false", "0"}:
            return {"true": True, "1": True, "false": False, "0": False}.get(text)
        raise FieldRefused("Write true or false.")


class _WordsInput(forms.Field):
    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> Any:
        words = [word for word in value or [] if word]
        for word in words:
            ProhibitNullCharactersValidator()(word)
        return words


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentFilter(django_filters.Filter):
    """Compare with a moment; one without an offset is UTC."""

    field_class = _MomentInput


@extend_schema_field(OpenApiTypes.BOOL)
class FlagFilter(django_filters.Filter):
    """Filter by true or false."""

    field_class = _FlagInput


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class WordsFilter(django_filters.Filter):
    """Filter by words, the parameter being repeated for each; all of them must hold."""

    field_class = _WordsInput
