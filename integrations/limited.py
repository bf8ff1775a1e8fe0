"""What every admin of the workshop does for a user who is limited to environments: the rest does not exist."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from integrations import access


class Limited:
    """Put before the class of an admin: its rows, and what its forms offer, are those that the user may see.

    Models whose QuerySets know no `visible_to` are of no environment and are left as they are.
    """

    model: Any

    def get_queryset(self, request: HttpRequest) -> Any:
        return seen(super().get_queryset(request), request.user)  # type: ignore[misc]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)  # type: ignore[misc]
        return by_visitor(form, request.user)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        if isinstance(self.model._default_manager.none(), access.Common) and not _is_free(request):
            return False
        return bool(super().has_add_permission(request, *args))  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_reach(request, obj) and bool(super().has_change_permission(request, obj))  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_reach(request, obj) and bool(super().has_delete_permission(request, obj))  # type: ignore[misc]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Protect what is everybody's from being deleted among others by a user who is limited."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        return found, counts, needed, [*protected, *(str(one) for one in objs if not self._may_reach(request, one))]

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        """Answer 404 for what there is not, and for what this user may not see."""
        raise Http404

    def _may_reach(self, request: HttpRequest, obj: Any) -> bool:
        rows = self.model._default_manager.all()
        if obj is None or obj.pk is None or _is_free(request) or not hasattr(rows, "changeable_by"):
            return True
        return bool(rows.changeable_by(request.user).filter(pk=obj.pk).exists())


class ByVisitor:
    """Put before the class of a form: offer what `visitor` may see, and take only an environment of his."""

    visitor: Any = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        form: Any = self
        for field in form.fields.values():
            if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
                field.queryset = seen(field.queryset, self.visitor)
            elif isinstance(field, OffersToVisitor):
                field.offer_to(self.visitor)

    def clean(self) -> Any:
        form: Any = self
        cleaned = super().clean()  # type: ignore[misc]
        free = getattr(form.instance, "schedule_id", None) or hasattr(
            form.instance, "owner_id"
        )  # judged by the model
        bound = "environment" in form.cleaned_data and not free
        if bound and (sentence := access.elsewhere(self.visitor, form.cleaned_data["environment"])):
            form.add_error("environment", sentence)
        return cleaned


class OffersToVisitor(forms.ChoiceField, ABC):
    """A field whose choices depend on who looks."""

    @abstractmethod
    def offer_to(self, visitor: Any) -> None:
        """Offer what this user may see."""


def by_visitor(form: Any, visitor: Any) -> Any:
    """Return the form's class for this user; one that knows its visitor is only told."""
    bases = (form,) if issubclass(form, ByVisitor) else (ByVisitor, form)
    return type(form.__name__, bases, {"visitor": visitor})


def seen(rows: QuerySet[Any], user: Any) -> Any:
    """Return the rows that exist for a user."""
    return rows.visible_to(user) if hasattr(rows, "visible_to") else rows


def _is_free(request: HttpRequest) -> bool:
    return access.environments_of(request.user) is None
