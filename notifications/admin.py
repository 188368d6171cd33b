from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from notifications.models import Alert, AlertRule, Delivery, UserChannel


class DeliveryInline(admin.TabularInline[Delivery, Alert]):
    model = Delivery
    extra = 0
    can_delete = False
    fields = ("kind", "recipient", "status", "attempts", "sent_at", "error")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:  # noqa: ARG002 - Django's signature
        """Deliveries come from alerts."""
        return False


@admin.register(Alert)
class AlertAdmin(admin.ModelAdmin[Alert]):
    list_display = ("created_at", "owner", "event", "subject", "read_at")
    list_filter = ("event",)
    list_select_related = ("owner",)
    search_fields = ("owner__email", "subject", "key")
    date_hierarchy = "created_at"
    readonly_fields = ("owner", "event", "key", "subject", "text", "data", "read_at", "created_at")
    inlines = (DeliveryInline,)


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin[Delivery]):
    list_display = ("created_at", "kind", "recipient", "status", "attempts", "due_at", "error")
    list_filter = ("status", "kind")
    list_select_related = ("alert",)
    search_fields = ("recipient", "alert__subject", "error")
    readonly_fields = tuple(field.name for field in Delivery._meta.fields)


@admin.register(UserChannel)
class UserChannelAdmin(admin.ModelAdmin[UserChannel]):
    list_display = ("owner", "kind", "address", "enabled", "disabled_reason")
    list_filter = ("kind", "enabled")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "address", "name")
    autocomplete_fields = ("owner",)


@admin.register(AlertRule)
class AlertRuleAdmin(admin.ModelAdmin[AlertRule]):
    list_display = ("owner", "event", "name", "filters", "enabled")
    list_filter = ("event", "enabled")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "name")
    autocomplete_fields = ("owner",)
    filter_horizontal = ("channels",)
