from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from brokers.models import BrokerAccount, Fill, Order, OrderEvent, PaperExecution, Position


class ReadOnly:
    """Rows that only the order path writes."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nobody changes one by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nobody deletes one by hand."""
        return False


class OrderEventInline(ReadOnly, admin.TabularInline[OrderEvent, Order]):
    model = OrderEvent
    extra = 0
    fields = ("created_at", "old_status", "new_status", "note")
    readonly_fields = fields
    ordering = ("created_at",)


class FillInline(ReadOnly, admin.TabularInline[Fill, Order]):
    model = Fill
    extra = 0
    fields = ("executed_at", "execution_id", "quantity", "price", "commission")
    readonly_fields = fields


@admin.register(Order)
class OrderAdmin(ReadOnly, admin.ModelAdmin[Order]):
    list_display = (
        "created_at", "owner", "account", "side", "quantity", "symbol", "status",
        "average_price", "reason_code",
    )  # fmt: skip
    list_filter = ("status", "side", "account__kind")
    list_select_related = ("owner", "account")
    search_fields = ("client_order_id", "broker_order_id", "symbol", "owner__email")
    date_hierarchy = "created_at"
    inlines = (OrderEventInline, FillInline)


@admin.register(BrokerAccount)
class BrokerAccountAdmin(admin.ModelAdmin[BrokerAccount]):
    list_display = ("owner", "kind", "name", "currency", "initial_cash", "state")
    list_filter = ("kind", "state")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "name")
    autocomplete_fields = ("owner",)


@admin.register(Fill)
class FillAdmin(ReadOnly, admin.ModelAdmin[Fill]):
    list_display = ("executed_at", "account", "order", "quantity", "price", "commission")
    list_select_related = ("account", "order")
    search_fields = ("execution_id", "order__symbol", "order__client_order_id")
    date_hierarchy = "executed_at"


@admin.register(Position)
class PositionAdmin(ReadOnly, admin.ModelAdmin[Position]):
    list_display = ("account", "symbol", "quantity", "average_price", "realized_pnl", "updated_at")
    list_select_related = ("account",)
    search_fields = ("symbol", "account__owner__email")


@admin.register(PaperExecution)
class PaperExecutionAdmin(ReadOnly, admin.ModelAdmin[PaperExecution]):
    list_display = ("created_at", "account", "symbol", "quantity", "price", "client_order_id")
    list_select_related = ("account",)
    search_fields = ("symbol", "client_order_id")
