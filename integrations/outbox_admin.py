"""Channels and deliveries in the workshop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from integrations import audit
from integrations.channels import NotDelivered, kind
from integrations.kinds.base import Unusable
from integrations.models import Channel, Delivery
from integrations.outbox_api import envelope, trial
from integrations.outbox_forms import channel_form
from integrations.workshop import KindFirst, ReadOnly

if TYPE_CHECKING:
    ChannelAdminBase = admin.ModelAdmin[Channel]
    DeliveryAdminBase = admin.ModelAdmin[Delivery]
else:
    ChannelAdminBase = DeliveryAdminBase = admin.ModelAdmin


@admin.register(Channel)
class ChannelAdmin(KindFirst, ChannelAdminBase):
    list_display = ("name", "kind", "leads_to", "environment", "enabled", "updated_by", "updated_at")
    list_filter = ("kind", "enabled")
    search_fields = ("name", "description")
    question = gettext_lazy("How shall it tell?")
    cards = {
        "email": (gettext_lazy("A mail to some addresses, through the mail server of the settings."), "schedules"),
        "slack": (gettext_lazy("A message in a Slack channel, by an incoming webhook."), "runs"),
        "webhook": (gettext_lazy("A signed JSON message to an address."), "pulse"),
        "apprise": (gettext_lazy("Telegram, Pushover, Discord and more, by an Apprise address."), "today"),
    }

    def form_of(self, kind: str) -> Any:
        return channel_form(kind)

    def get_fieldsets(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        if not self.may_edit(request, obj):
            return [(None, {"fields": ("name", "kind", "leads_to", "environment", "enabled", "description")})]
        own = tuple(kind(self.kind_of(request, obj)).Settings.model_fields)
        return [(None, {"fields": ("name", *own, "environment", "description", "enabled", "kind")})]

    @admin.display(description=gettext_lazy("Leads to"))
    def leads_to(self, channel: Channel) -> str:
        """Return what may be shown of where it leads."""
        told = channel.shown.get("recipients") or channel.shown.get("url") or channel.shown.get("channel") or "***"
        return ", ".join(told) if isinstance(told, list) else str(told)

    def response_add(self, request: HttpRequest, obj: Channel, post_url_continue: str | None = None) -> HttpResponse:
        return self._revealed(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Channel) -> HttpResponse:
        return self._revealed(request, obj) or super().response_change(request, obj)

    def get_urls(self) -> Any:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/test/", wrap(require_POST(self.test_view)), name="integrations_channel_test"),
            path("<int:pk>/rotate/", wrap(require_POST(self.rotate_view)), name="integrations_channel_rotate"),
            *super().get_urls(),
        ]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a test message and say what came of it."""
        channel = self._editable(request, pk)
        audit.record("test", channel)
        try:
            receipt = channel.send(trial(channel, by=request.user.get_username()), envelope())
        except (NotDelivered, Unusable) as wrong:
            messages.error(request, channel.scrub(str(wrong)))
        else:
            said = channel.scrub(receipt.said)
            messages.success(request, _("It was taken. %(said)s") % {"said": said[:200]})
        return HttpResponseRedirect(reverse("admin:integrations_channel_change", args=[pk]))

    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a new signing secret and show it."""
        channel = self._editable(request, pk)
        channel.rotate(by=request.user.get_username())
        return self._revealed(request, channel) or HttpResponseRedirect(
            reverse("admin:integrations_channel_change", args=[pk])
        )

    def _editable(self, request: HttpRequest, pk: int) -> Channel:
        channel: Channel = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, channel):
            raise PermissionDenied
        return channel

    def _revealed(self, request: HttpRequest, channel: Channel) -> HttpResponse | None:
        """Show a secret made just now on a page of its own: it passes through no cookie and no redirect."""
        if not channel.revealed:
            return None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("This is the signing secret"),
            "channel": channel,
        }
        page = TemplateResponse(request, "admin/integrations/channel/revealed.html", context)
        page["Cache-Control"] = "no-store"
        return page


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, DeliveryAdminBase):
    list_display = ("id", "status", "event", "to", "attempts", "answer_status", "created_at", "finished_at")
    list_filter = ("status", "event")
    search_fields = ("=channel_name", "=webhook_id", "=correlation_id")
    ordering = ("-id",)
    sortable_by = ()
    show_full_result_count = False
    actions = ("send_again",)
    fields = (
        ("status", "event", "to"),
        ("attempts", "next_attempt_at", "answer_status"),
        "answer",
        "what_is_told",
        ("webhook_id", "correlation_id"),
        ("schedule_id", "run_id", "environment"),
        ("created_at", "finished_at"),
    )
    readonly_fields = ("to", "what_is_told")

    @admin.display(description=gettext_lazy("To"))
    def to(self, delivery: Delivery) -> str:
        return delivery.channel_name or delivery.url

    @admin.display(description=gettext_lazy("Message"))
    def what_is_told(self, delivery: Delivery) -> str:
        return format_html('<pre class="trace">{}</pre>', json.dumps(delivery.message, indent=2, ensure_ascii=False))

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("integrations.replay_delivery")

    @admin.action(description=gettext_lazy("Send again"), permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Send these again, under the same ids."""
        number = sum(delivery.replay(by=request.user.get_username()) for delivery in queryset)
        said = ngettext("%(number)d delivery is sent again.", "%(number)d deliveries are sent again.", number)
        messages.success(request, said % {"number": number})
