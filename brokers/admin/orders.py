"""Orders, to read; what can be done with them sends none."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from brokers.admin.order_parts import (
    FillInline,
    OrderEventInline,
    ReplacementDecisionInline,
    RiskDecisionInline,
)
from brokers.choices import OPEN_STATUSES, OrderStatus, OrderType
from brokers.models import Order, OrderEvent
from brokers.resolving import order_resolve
from brokers.services import order_cancel
from core.admin import (
    EMPTY,
    ActedOn,
    ConditionFilter,
    Kept,
    badge,
    column,
    duration,
    plain,
    row_link,
)
from core.errors import Conflict

# These last for seconds, unless something is wrong.
ON_THEIR_WAY: Final = (
    OrderStatus.CREATED,
    OrderStatus.SUBMITTING,
    OrderStatus.PENDING_CANCEL,
    OrderStatus.PENDING_REPLACE,
)
STUCK_AFTER: Final = timedelta(minutes=1)


class LookFilter(ConditionFilter):
    """What somebody must look at."""

    title = "needs a look"
    parameter_name = "look"

    def conditions(self) -> dict[str, tuple[str, Q]]:
        """Return what can be wrong."""
        # By its history: sweeping touches the rows of what waits, again and again.
        since = timezone.now() - STUCK_AFTER
        moved = OrderEvent.objects.filter(order=OuterRef("id"), created_at__gte=since)
        stuck = Q(~Exists(moved), status__in=ON_THEIR_WAY, created_at__lt=since)
        # What became of contracts says how they ended.
        external = Q(external=True, reason_code="")
        return {
            "unknown": ("Outcome unknown", Q(status=OrderStatus.UNKNOWN)),
            "stuck": ("Stuck", stuck),
            "external": ("Sent by others", external),
        }


@admin.register(Order)
class OrderAdmin(Kept, ActedOn[Order]):
    """Orders and where they are."""

    list_display = (
        "what",
        "created_at",
        "state",
        "filled",
        "of_account",
        "of_owner",
        "reason_short",
        "took",
    )
    list_filter = (LookFilter, "status", "side", "account__kind", "created_at")
    list_select_related = ("owner", "account")
    search_fields = ("=id", "client_order_id", "broker_order_id", "symbol", "owner__email")
    search_help_text = "Id, our id or the broker's, symbol, email of the owner"
    date_hierarchy = "created_at"
    show_full_result_count = False
    list_per_page = 50
    inlines = (OrderEventInline, FillInline, RiskDecisionInline, ReplacementDecisionInline)
    actions = ("resolve", "cancel")
    fieldsets = (
        (
            None,
            {"fields": ("id", "state", "reason_whole", "of_owner", "of_account", "of_strategy")},
        ),
        (
            "What",
            {
                "fields": (
                    "what",
                    ("asset_type", "order_type", "time_in_force"),
                    "priced",
                    ("deployment_id", "bar_ts", "node", "leg"),
                    ("sent_by", "replaces", "wanted"),
                )
            },
        ),
        ("Result", {"fields": ("filled", "broker_order_id")}),
        (
            "How",
            {
                "fields": (
                    "client_order_id",
                    ("created_at", "submitted_at", "finished_at", "took"),
                    ("attempts", "leased_until"),
                    ("cancel_requested_at", "ask_at", "asks"),
                )
            },
        ),
    )

    state = column("status", badge, ordering="status")
    of_account = column("account", row_link, ordering="account__name")
    of_owner = column("owner", row_link, ordering="owner__email")
    of_strategy = column("strategy", row_link)

    @admin.display(description="order", ordering="symbol")
    def what(self, order: Order) -> str:
        """Return what was ordered, and at what price it waits."""
        told = f"{order.side} {plain(order.quantity)} {order.symbol}"
        if order.order_type == OrderType.MARKET:
            return told
        prices = [order.stop_price, order.limit_price, order.trail_amount, order.trail_fraction]
        given = " / ".join(plain(price) for price in prices if price is not None)
        return f"{told} {order.order_type.replace('_', ' ')} {given}".rstrip()

    @admin.display(description="filled")
    def filled(self, order: Order) -> str:
        """Return how much of it was filled, and at what average."""
        filled = f"{plain(order.filled_quantity)} of {plain(order.quantity)}"
        if order.average_price is None:
            return filled
        return f"{filled} at {plain(order.average_price)}"

    @admin.display(description="prices")
    def priced(self, order: Order) -> str:
        """Return the prices that it has."""
        names = ("limit_price", "stop_price", "trail_amount", "trail_fraction")
        given = [(name, getattr(order, name)) for name in names]
        told = [f"{name.replace('_', ' ')} {plain(value)}" for name, value in given if value]
        return ", ".join(told) or EMPTY

    @admin.display(description="sent by")
    def sent_by(self, order: Order) -> str:
        """Return whether it is ours."""
        if not order.external:
            return "us"
        return "nobody: a contract ended" if order.reason_code else "others, found at the broker"

    @admin.display(description="reason")
    def reason_short(self, order: Order) -> str:
        """Return the code of the reason, with the sentence on hovering."""
        if not order.reason_code:
            return EMPTY
        return format_html('<span title="{}">{}</span>', order.reason, order.reason_code)

    @admin.display(description="reason")
    def reason_whole(self, order: Order) -> str:
        """Return why it is where it is."""
        if not order.reason_code:
            return EMPTY
        return format_html("<b>{}</b> {}", order.reason_code, order.reason)

    @admin.display(description="took")
    def took(self, order: Order) -> str:
        """Return how long it took from the request to the end, or takes."""
        return duration((order.finished_at or timezone.now()) - order.created_at)

    @admin.action(
        description="Ask the broker about unknown orders (sends nothing)", permissions=["change"]
    )
    def resolve(self, request: HttpRequest, rows: QuerySet[Order]) -> None:
        """Ask the brokers what became of the chosen orders; none is ever sent again."""
        unknown = list(rows.filter(status=OrderStatus.UNKNOWN))
        for order in unknown:
            order_resolve(order_id=order.id)
            order.refresh_from_db(fields=["status"])
        still = sum(order.status == OrderStatus.UNKNOWN for order in unknown)
        self.message_user(
            request,
            f"Orders asked about: {len(unknown)}; resolved: {len(unknown) - still}; "
            f"still unknown: {still}.",
            messages.WARNING if still or not unknown else messages.SUCCESS,
        )

    @admin.action(description="Cancel at the broker", permissions=["change"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Order]) -> None:
        """Take the chosen orders back, or have them canceled where they wait."""
        asked = refused = 0
        for order in rows.filter(status__in=OPEN_STATUSES):
            try:
                order_cancel(order=order)
            except Conflict:
                refused += 1
            else:
                asked += 1
        level = messages.WARNING if refused or not asked else messages.SUCCESS
        self.message_user(request, f"Cancels asked for: {asked}; too late: {refused}.", level)
