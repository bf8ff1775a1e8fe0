"""What the workshop's classes share: choosing a kind before the form, and history that nobody edits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from integrations import audit
from integrations.acting import together
from integrations.limited import Limited

ASKED = {"", "exact", "id__exact", "isnull", "gte", "lt"}  # what Django's filters append to a field's name


class WhatIsOffered:
    """Refuse what a list does not offer: to probe columns that it does not show, and to choose what is no row."""

    list_filter: Any
    opts: Any

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Tell whether one of the list's filters asks this."""
        offered = [one if isinstance(one, str) else one[0] for one in self.list_filter if not isinstance(one, type)]
        own = {one.parameter_name for one in self.list_filter if hasattr(one, "parameter_name")}
        return lookup in own or any(
            lookup.startswith(name) and lookup.removeprefix(name).removeprefix("__") in ASKED for name in offered
        )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row; an empty name of a field is none."""
        return super().get_object(request, object_id, from_field or None)  # type: ignore[misc]

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """Do an action with the rows that were ticked; raises BadRequest where one cannot be a row."""
        key = self.opts.pk
        try:
            for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
                key.run_validators(key.to_python(chosen))
        except ValidationError:
            raise BadRequest("What is ticked is no row of this list.") from None
        return super().response_action(request, queryset)  # type: ignore[misc]


class Workshop(admin.AdminSite):
    """The workshop; who is signed in and may not enter is told so, and not asked to sign in once more."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register every admin, Django's own included, with its own filters, within the user's environments."""
        given = admin_class or admin.ModelAdmin
        super().register(model_or_iterable, type(given.__name__, (Limited, WhatIsOffered, given), {}), **options)

    def get_urls(self) -> list[Any]:
        """Leave out the way from a row to its page: no row has one, and the way takes any number."""
        return [one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site"]

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Let people change their own password, and write down that they did."""
        with transaction.atomic():
            before = contents(request.user)
            response = super().password_change(request, extra_context)
            tell_password(request.user, before)
        return response

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may enter; raises PermissionDenied for one who is signed in and may not."""
        if super().has_permission(request):
            return True
        if request.user.is_authenticated and request.path != reverse("admin:logout"):
            raise PermissionDenied(_("The workshop needs a role; you have none. Ask an administrator for one."))
        return False


class WrittenDown:
    """Mix into the admin of a model without verbs of its own: what its forms change goes into the audit trail."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.stood = contents(type(obj)._default_manager.get(pk=obj.pk)) if change else {}
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        obj = form.instance
        audit.record("update" if change else "create", obj, before=obj.stood, after=contents(obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        audit.record("delete", obj, before=contents(obj))
        super().delete_model(request, obj)  # type: ignore[misc]

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        with together():
            for obj in queryset:
                self.delete_model(request, obj)


def contents(row: Any) -> dict[str, Any]:
    """Return what the audit trail tells of a row: its columns and what is ticked in it, a password as a secret."""
    columns = {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}
    ticked = {
        field.name: sorted(str(one) for one in getattr(row, field.name).all()) for field in row._meta.many_to_many
    }
    hidden = {"password": audit.Hidden(columns["password"])} if "password" in columns else {}
    return {**columns, **ticked, **hidden}


def tell_password(user: Any, before: dict[str, Any]) -> None:
    """Write down that a user's password is another one now, if it is; `before` is what `contents` said."""
    now = audit.Hidden(user.password)
    if before["password"] != now:
        audit.record("password", user, before={"password": before["password"]}, after={"password": now})


class ReadOnly:
    """Nobody adds, changes or deletes here."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Removing:
    """Mix into the admin of a model that has the verb `remove`: deleting goes through it, one by one."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        obj.remove(by=request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        with together():
            for row in queryset:
                self.delete_model(request, row)


@dataclass(frozen=True, slots=True)
class KindCard:
    """One kind where a person chooses."""

    name: str
    label: str
    description: str | Promise
    icon: str


class KindFirst(Removing):
    """Mix into the admin of a model with kinds: the kind is chosen first and decides the form.

    `cards` maps a kind to a sentence and an icon, `question` is asked above them, `form_of(kind)` gives the form. The
    model's `store` checks and saves.
    """

    cards: Mapping[str, tuple[str | Promise, str]] = {}
    question: str | Promise = ""
    form_of: Callable[[str], Any]  # every class with kinds has it

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if not self.may_edit(request, obj):
            return super().get_form(request, obj, change, **options)  # type: ignore[misc]
        return self.form_of(self.kind_of(request, obj))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        asked = request.POST.get("kind") or request.GET.get("kind")
        if object_id is None and asked not in self.cards:
            return self._choose_kind(request)
        return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.store(by=request.user.get_username())

    def kind_of(self, request: HttpRequest, obj: Any) -> str:
        """Return the kind of the object, or the one that was chosen for a new one."""
        return obj.kind if obj else request.POST.get("kind") or request.GET.get("kind", "")

    def may_edit(self, request: HttpRequest, obj: Any) -> bool:
        """Tell whether the form is shown, or only what is there."""
        own: Any = self
        return bool(own.has_add_permission(request) if obj is None else own.has_change_permission(request, obj))

    def _choose_kind(self, request: HttpRequest) -> HttpResponseBase:
        own: Any = self
        if not own.has_add_permission(request):
            raise PermissionDenied
        labels = dict(own.model.Kind.choices)
        context = {
            **own.admin_site.each_context(request),
            "opts": own.opts,
            "title": self.question,
            "kinds": [KindCard(name, labels[name], *card) for name, card in self.cards.items()],
            "query": "kind",
        }
        return TemplateResponse(request, "admin/kinds.html", context)
