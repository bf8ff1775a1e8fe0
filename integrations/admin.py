"""Connections and tokens in the workshop. Secrets go in and never come out; a token is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Field, ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from integrations import audit, audit_admin, outbox_admin, people_admin  # noqa: F401 - they register their models
from integrations.access import environments_of
from integrations.forms import TokenForm, connection_form
from integrations.kinds.base import Unusable
from integrations.models import ApiToken, Connection
from integrations.workshop import KindFirst

if TYPE_CHECKING:
    ConnectionAdminBase = admin.ModelAdmin[Connection]
    TokenAdminBase = admin.ModelAdmin[ApiToken]
else:
    ConnectionAdminBase = TokenAdminBase = admin.ModelAdmin


CARDS = {
    "sql": (gettext_lazy("A database that alerts ask and imports fill; its role is the true guard."), "schedules"),
    "http": (gettext_lazy("A base address, and headers that stay secret."), "pulse"),
    "nats": (gettext_lazy("A server that carries commands to other services."), "play"),
    "sftp": (gettext_lazy("A server that files are fetched from, known by its host key."), "imports"),
}


@admin.register(Connection)
class ConnectionAdmin(KindFirst, ConnectionAdminBase):
    cards = CARDS
    question = gettext_lazy("Where shall it lead?")
    list_display = ("name", "kind", "address", "environment", "updated_by", "updated_at")
    list_filter = ("kind",)
    search_fields = ("name", "description", "address")
    readonly_fields = ()

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        if not self.may_edit(request, obj):
            return [(None, {"fields": ("name", "kind", "address", "environment", "description")})]
        kind = self.kind_of(request, obj)
        way = {
            "http": ["address", "headers"],
            "sql": ["address", "password", "accept_risk"],
            "sftp": self._sftp_fields(obj),
        }.get(kind, ["address", "password"])
        return [(None, {"fields": ["name", *way, "environment", "description", "kind"]})]

    def _sftp_fields(self, obj: Connection | None) -> list[str]:
        forget = ["no_private_key"] if obj and "private_key" in obj.as_stored().secrets else []
        return ["host", "port", "username", "password", "private_key", *forget, "host_key", "remote_path"]

    def form_of(self, kind: str) -> Any:
        return connection_form(kind)

    def get_urls(self) -> Any:
        test = self.admin_site.admin_view(require_POST(self.test_view))
        return [path("<int:pk>/test/", test, name="integrations_connection_test"), *super().get_urls()]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Reach the other system once and say what came of it."""
        connection = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, connection):
            raise PermissionDenied
        audit.record("test", connection)
        try:
            report = connection.test()
        except Unusable as wrong:
            messages.error(request, str(wrong))
        else:
            messages.success(request, report.sentence)
            for warning in (*report.risks, *report.warnings):
                messages.warning(request, warning)
        return HttpResponseRedirect(reverse("admin:integrations_connection_change", args=[pk]))


@admin.register(ApiToken)
class ApiTokenAdmin(TokenAdminBase):
    """Administrators of all environments see and revoke everybody's; a token carries its user's rights, so who is no
    superuser issues his own only."""

    form = TokenForm
    list_display = ("name", "begins", "user", "for_what", "state", "created_at", "expires_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    fields = ("user", "name", "scopes", "expires_at")
    actions = ("revoke",)

    @admin.display(description="Begins with")
    def begins(self, token: ApiToken) -> str:
        return f"{token.prefix}…"

    @admin.display(description="For")
    def for_what(self, token: ApiToken) -> str:
        return ", ".join(token.scopes) or _("all that its user may")

    @admin.display(description="Status")
    def state(self, token: ApiToken) -> str:
        if token.revoked_at is not None:
            return _("Revoked")
        expired = token.expires_at is not None and token.expires_at <= timezone.now()
        return _("Expired") if expired else _("Valid")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens = super().get_queryset(request)
        everybodys = request.user.has_perm("integrations.change_apitoken") and environments_of(request.user) is None
        return tokens if everybodys else tokens.filter(user_id=_own_id(request))

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        used = ("begins", "state", "created_at", "last_used_at", "revoked_at")
        return self.fields if obj is None else (*(self.fields or ()), *used)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **options: Any
    ) -> forms.ModelChoiceField[Any] | None:
        users = get_user_model()._default_manager.filter(is_active=True)
        options["queryset"] = users if request.user.is_superuser else users.filter(pk=_own_id(request))
        options["initial"] = request.user.pk
        return super().formfield_for_foreignkey(db_field, request, **options)

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **options: Any) -> Any:
        """Offer the users plainly, without the links by which to change one."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        if isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget  # type: ignore[union-attr]
        return field

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> Any:
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        return super().render_change_form(request, context, *args, **options)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        token, text = ApiToken.issue(user=obj.user, name=obj.name, expires_at=obj.expires_at, only=obj.scopes)
        obj.__dict__.update(token.__dict__, issued_text=text)

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """Show the token at once, on a page of its own: it passes through no cookie and no redirect."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("This is the token"),
            "token": obj,
            "text": obj.__dict__["issued_text"],
        }
        response = TemplateResponse(request, "admin/integrations/apitoken/issued.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("integrations.change_apitoken")

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Refuse these tokens from now on; this cannot be undone."""
        for token in queryset:
            token.revoke(by=request.user.get_username())
        said = ngettext("Revoked %(number)d token.", "Revoked %(number)d tokens.", len(queryset))
        messages.success(request, said % {"number": len(queryset)})


def _own_id(request: HttpRequest) -> int:
    return request.user.pk or 0
