"""What was executed, and what is held by that."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q

from brokers.models import Fill, PaperExecution, Position
from core.admin import ConditionFilter, Kept, column, plain, row_link, signed


@admin.register(Fill)
class FillAdmin(Kept, admin.ModelAdmin[Fill]):
    """Executions."""

    list_display = ("executed_at", "of_order", "account", "of_owner", "units", "at", "commission")
    list_filter = ("account__kind", "account__live")
    list_select_related = ("account__owner", "order")
    search_fields = (
        "execution_id", "order__symbol", "order__client_order_id", "account__owner__email",
    )  # fmt: skip
    date_hierarchy = "executed_at"
    show_full_result_count = False

    of_order = column("order", row_link)
    of_owner = column("account.owner", row_link, ordering="account__owner__email")
    units = column("quantity", plain, ordering="quantity")
    at = column("price", plain, ordering="price")


@admin.register(PaperExecution)
class PaperExecutionAdmin(Kept, admin.ModelAdmin[PaperExecution]):
    """What the paper venue executed."""

    list_display = ("created_at", "account", "symbol", "quantity", "price", "client_order_id")
    list_select_related = ("account",)
    search_fields = ("symbol", "client_order_id")
    date_hierarchy = "created_at"


class HeldFilter(ConditionFilter):
    """What is held now, or what was."""

    title = "held"
    parameter_name = "held"

    def conditions(self) -> dict[str, tuple[str, Q]]:
        """Return the sides."""
        return {
            "long": ("Long", Q(quantity__gt=0)),
            "short": ("Short", Q(quantity__lt=0)),
            "flat": ("Not any more", Q(quantity=0)),
        }


@admin.register(Position)
class PositionAdmin(Kept, admin.ModelAdmin[Position]):
    """What accounts hold by their fills."""

    list_display = (
        "symbol", "held", "entry", "realized", "of_account", "of_owner", "updated_at",
    )  # fmt: skip
    list_filter = (HeldFilter, "account__kind", "account__live")
    list_select_related = ("account__owner",)
    search_fields = ("symbol", "account__owner__email")
    show_full_result_count = False

    of_account = column("account", row_link)
    of_owner = column("account.owner", row_link, ordering="account__owner__email")
    held = column("quantity", plain, ordering="quantity")
    entry = column("average_price", plain, ordering="average_price")

    @admin.display(description="realized P&L", ordering="realized_pnl")
    def realized(self, position: Position) -> str:
        """Return what closed parts brought."""
        return signed(float(position.realized_pnl))
