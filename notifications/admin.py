"""Alerts, where they went, and what users want to be told."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ActedOn, ShownOnly, badge, column, each, indented, list_link, row_link
from notifications.attempts import channel_disable
from notifications.choices import DeliveryStatus
from notifications.models import Alert, AlertRule, Delivery, ServiceFault, UserChannel
from notifications.service_faults import faults_try
from notifications.services import channel_update, delivery_resend, rule_update
from notifications.watching import rule_disable

BY_OPERATOR = "by the operator of this installation"


class DeliveryInline(ShownOnly, admin.TabularInline[Delivery, Alert]):
    model = Delivery
    can_delete = False
    extra = 0
    fields = ("kind", "recipient", "state", "attempts", "sent_at", "error")
    readonly_fields = fields
    show_change_link = True

    state = column("status", badge)


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

    of_owner = column("owner", row_link, ordering="owner__email")
    data_ = column("data", indented)


@admin.register(Delivery)
class DeliveryAdmin(ActedOn[Delivery]):
    list_display = (
        "subject", "state", "kind", "recipient", "held", "attempts", "due_at", "error",
        "created_at",
    )  # fmt: skip
    list_filter = ("status", "kind", "held", "created_at")
    list_select_related = ("alert",)
    search_fields = ("recipient", "alert__subject", "error")
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = ("resend",)
    fields = (
        "of_alert", "kind", "recipient", "state", "error", "urgent", "held", "attempts", "due_at",
        "tried_at", "sent_at", "leased_until", "channel", "service_id", "created_at",
    )  # fmt: skip

    of_alert = column("alert", row_link, ordering="alert__subject")
    state = column("status", badge, ordering="status")

    @admin.display(description="delivery", ordering="alert__subject")
    def subject(self, delivery: Delivery) -> str:
        """Return what the alert says."""
        return delivery.alert.subject

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
class UserChannelAdmin(ActedOn[UserChannel]):
    list_display = (
        "address", "kind", "of_owner", "enabled", "verified_at", "failures", "resume_at",
        "disabled_reason", "created_at",
    )  # fmt: skip
    list_filter = ("kind", "enabled", ("verified_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("owner__email", "address", "name")
    # Secrets and codes are nobody's business.
    fields = (
        "of_owner", "kind", "name", "address", "enabled", "disabled_reason", "verified_at",
        "quiet_from", "quiet_until", "digest_minutes", "rate_per_min", "failures", "resume_at",
        "messages_", "created_at",
    )  # fmt: skip
    actions = ("switch_off", "switch_on")

    of_owner = column("owner", row_link, ordering="owner__email")

    @admin.display(description="messages")
    def messages_(self, channel: UserChannel) -> str:
        """Return a link to what was sent through it, or waits."""
        return list_link(Delivery, "deliveries", channel__id__exact=channel.pk)

    @admin.action(description="Switch off, and tell the owner", permissions=["change"])
    def switch_off(self, request: HttpRequest, rows: QuerySet[UserChannel]) -> None:
        """Send nothing more through the chosen channels; what is queued fails."""
        count = sum(channel_disable(channel_id=row.id, reason=BY_OPERATOR) for row in rows)
        self.message_user(request, f"Channels switched off: {count}.")

    @admin.action(description="Switch on, without a rest", permissions=["change"])
    def switch_on(self, request: HttpRequest, rows: QuerySet[UserChannel]) -> None:
        """Try the chosen channels again at once; one that is not verified stays silent."""
        for row in rows:
            channel_update(channel=row, enabled=True)
        self.message_user(request, f"Channels switched on: {rows.count()}.")


@admin.register(ServiceFault)
class ServiceFaultAdmin(ActedOn[ServiceFault]):
    list_display = ("kind", "error", "since", "tries", "resume_at", "waiting")
    fields = ("kind", "error", "since", "tries", "resume_at", "waiting")
    actions = ("try_now",)

    @admin.display(description="since", ordering="created_at")
    def since(self, fault: ServiceFault) -> datetime:
        """Return when it was refused first."""
        return fault.created_at

    @admin.display(description="messages")
    def waiting(self, fault: ServiceFault) -> str:
        """Return a link to what waits for it."""
        return list_link(
            Delivery, "waiting", kind__exact=fault.kind, status__exact=DeliveryStatus.QUEUED
        )

    @admin.action(description="Try again now", permissions=["change"])
    def try_now(self, request: HttpRequest, rows: QuerySet[ServiceFault]) -> None:
        """End the rest of the chosen services: the next sweep tries what waits."""
        count = faults_try(kinds=[row.kind for row in rows])
        self.message_user(request, f"Messages that are tried within seconds: {count}.")


@admin.register(AlertRule)
class AlertRuleAdmin(ActedOn[AlertRule]):
    list_display = (
        "__str__", "event", "of_owner", "symbol", "filters", "enabled", "disabled_reason",
        "last_fired_at", "seen_until", "created_at",
    )  # fmt: skip
    list_filter = ("event", "enabled", "urgent")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "name", "symbol")
    fields = (
        "of_owner", "name", "event", "filters_", "channels", "enabled", "disabled_reason", "urgent",
        "cooldown_s", "last_fired_at", "symbol", "interval", "condition_", "strategy_version",
        "seen_until", "created_at",
    )  # fmt: skip
    actions = ("switch_off", "switch_on")

    of_owner = column("owner", row_link, ordering="owner__email")
    filters_ = column("filters", indented)
    condition_ = column("condition", indented)

    @admin.action(description="Switch off, and tell the owner", permissions=["change"])
    def switch_off(self, request: HttpRequest, rows: QuerySet[AlertRule]) -> None:
        """End the chosen rules until their owners enable them again."""
        for row in rows:
            rule_disable(rule_id=row.id, reason=BY_OPERATOR)
        self.message_user(request, f"Rules switched off: {rows.count()}.")

    @admin.action(description="Switch on, from now", permissions=["change"])
    def switch_on(self, request: HttpRequest, rows: QuerySet[AlertRule]) -> None:
        """Let the chosen rules tell again; of what passed meanwhile they tell nothing."""
        off = rows.filter(enabled=False)
        count = each(self, request, off, lambda row: rule_update(rule=row, enabled=True))
        self.message_user(request, f"Rules switched on: {count}.")
