"""Alerts, where they went, and what users want to be told."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ShownOnly, badge, indented, row_link
from notifications.choices import DeliveryStatus
from notifications.models import Alert, AlertRule, Delivery, UserChannel
from notifications.services import delivery_resend


class DeliveryInline(ShownOnly, admin.TabularInline[Delivery, Alert]):
    model = Delivery
    can_delete = False
    extra = 0
    fields = ("kind", "recipient", "state", "attempts", "sent_at", "error")
    readonly_fields = fields
    show_change_link = True

    @admin.display(description="status")
    def state(self, delivery: Delivery) -> str:
        """Return the status as a badge."""
        return badge(delivery.status)


@admin.register(Alert)
class AlertAdmin(ShownOnly, admin.ModelAdmin[Alert]):
    list_display = ("subject", "event", "of_owner", "read_at", "created_at")
    list_filter = ("event", "created_at")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "subject", "key")
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = ("event", "of_owner", "subject", "text", "data_", "key", "read_at", "created_at")
    inlines = (DeliveryInline,)

    @admin.display(description="owner", ordering="owner__email")
    def of_owner(self, alert: Alert) -> str:
        """Return a link to whose it is."""
        return row_link(alert.owner)

    @admin.display(description="data")
    def data_(self, alert: Alert) -> str:
        """Return the event's data, indented."""
        return indented(alert.data)


@admin.register(Delivery)
class DeliveryAdmin(ShownOnly, admin.ModelAdmin[Delivery]):
    list_display = (
        "subject", "state", "kind", "recipient", "attempts", "error", "created_at",
    )  # fmt: skip
    list_filter = ("status", "kind", "created_at")
    list_select_related = ("alert",)
    search_fields = ("recipient", "alert__subject", "error")
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = ("resend",)
    fields = (
        "of_alert", "kind", "recipient", "state", "error", "attempts", "due_at", "sent_at",
        "leased_until", "channel", "service_id", "created_at",
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return that the list has an action, while a single delivery is for reading."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request, obj)

    @admin.display(description="delivery", ordering="alert__subject")
    def subject(self, delivery: Delivery) -> str:
        """Return what the alert says."""
        return delivery.alert.subject

    @admin.display(description="alert", ordering="alert__subject")
    def of_alert(self, delivery: Delivery) -> str:
        """Return a link to the alert."""
        return row_link(delivery.alert)

    @admin.display(description="status", ordering="status")
    def state(self, delivery: Delivery) -> str:
        """Return the status as a badge."""
        return badge(delivery.status)

    @admin.action(description="Send failed deliveries once more", permissions=["change"])
    def resend(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        """Queue the chosen deliveries that failed; one that may have arrived is not repeated."""
        queued = 0
        for delivery in rows.filter(status=DeliveryStatus.FAILED):
            if delivery.channel and not delivery.channel.enabled:
                reason = delivery.channel.disabled_reason or "by its owner"
                self.message_user(
                    request, f"{delivery}: the channel is off ({reason}).", messages.WARNING
                )
                continue
            queued += delivery_resend(delivery=delivery)
        level = messages.SUCCESS if queued else messages.WARNING
        self.message_user(request, f"Deliveries queued again: {queued}.", level)


@admin.register(UserChannel)
class UserChannelAdmin(admin.ModelAdmin[UserChannel]):
    list_display = ("address", "kind", "of_owner", "enabled", "disabled_reason", "created_at")
    list_filter = ("kind", "enabled")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "address", "name")
    autocomplete_fields = ("owner",)

    @admin.display(description="owner", ordering="owner__email")
    def of_owner(self, channel: UserChannel) -> str:
        """Return a link to whose it is."""
        return row_link(channel.owner)


@admin.register(AlertRule)
class AlertRuleAdmin(admin.ModelAdmin[AlertRule]):
    list_display = ("__str__", "event", "of_owner", "filters", "enabled", "created_at")
    list_filter = ("event", "enabled")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "name")
    autocomplete_fields = ("owner",)
    filter_horizontal = ("channels",)

    @admin.display(description="owner", ordering="owner__email")
    def of_owner(self, rule: AlertRule) -> str:
        """Return a link to whose it is."""
        return row_link(rule.owner)
