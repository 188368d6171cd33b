"""Orders and what came of them, to read. The one action asks a broker, and sends nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from brokers.choices import OPEN_STATUSES, OrderStatus, OrderType
from brokers.models import (
    Fill,
    Order,
    OrderEvent,
    PaperExecution,
    Position,
    ReplacementDecision,
    RiskDecision,
)
from brokers.resolving import order_resolve
from brokers.services import order_cancel
from core.admin import EMPTY, Kept, badge, duration, plain, row_link, signed
from core.errors import Conflict

# These last for seconds, unless something is wrong.
ON_THEIR_WAY: Final = (
    OrderStatus.CREATED,
    OrderStatus.SUBMITTING,
    OrderStatus.PENDING_CANCEL,
    OrderStatus.PENDING_REPLACE,
)
STUCK_AFTER: Final = timedelta(minutes=1)


class OrderEventInline(Kept, admin.TabularInline[OrderEvent, Order]):
    """What became of an order, step by step."""

    model = OrderEvent
    extra = 0
    verbose_name_plural = "history"
    fields = ("created_at", "before", "after", "note")
    readonly_fields = fields
    ordering = ("created_at",)

    @admin.display(description="from")
    def before(self, event: OrderEvent) -> str:
        """Return the status before."""
        return badge(event.old_status)

    @admin.display(description="to")
    def after(self, event: OrderEvent) -> str:
        """Return the status after."""
        return badge(event.new_status)


class FillInline(Kept, admin.TabularInline[Fill, Order]):
    """What an order brought."""

    model = Fill
    extra = 0
    fields = ("executed_at", "execution_id", "units", "at", "paid")
    readonly_fields = fields
    ordering = ("executed_at",)

    @admin.display(description="quantity")
    def units(self, fill: Fill) -> str:
        """Return how many units."""
        return plain(fill.quantity)

    @admin.display(description="price")
    def at(self, fill: Fill) -> str:
        """Return the price of a unit."""
        return plain(fill.price)

    @admin.display(description="commission")
    def paid(self, fill: Fill) -> str:
        """Return what the broker took."""
        return plain(fill.commission)


class RiskDecisionInline(Kept, admin.StackedInline[RiskDecision, Order]):
    """Why an order was let through, or not."""

    model = RiskDecision
    extra = 0
    verbose_name_plural = "risk decision"
    fields: ClassVar[tuple[str, ...]] = ("verdict", "known")
    readonly_fields = fields

    @admin.display(description="verdict")
    def verdict(self, decision: RiskDecision) -> str:
        """Return whether the order was let through, and why not."""
        if decision.admitted:
            return badge("accepted", "admitted")
        return format_html("{} <b>{}</b> {}", badge("denied"), decision.code, decision.reason)

    @admin.display(description="what was known")
    def known(self, decision: RiskDecision) -> str:
        """Return the figures that each limit was compared with, scope by scope."""
        lines = (
            (
                scope,
                ", ".join(f"{_words(name)} {_figure(value)}" for name, value in figures.items()),
            )
            for scope, figures in decision.facts.items()
            if isinstance(figures, dict)
        )
        return format_html_join(mark_safe("<br>"), "<b>{}</b>: {}", lines) or EMPTY


class ReplacementDecisionInline(RiskDecisionInline):
    """Why changes of an order in place were let through, or not."""

    model = ReplacementDecision  # type: ignore[assignment]
    verbose_name_plural = "changes in place"
    fields = ("created_at", "verdict", "wish", "known")
    readonly_fields = fields

    @admin.display(description="asked for")
    def wish(self, decision: ReplacementDecision) -> str:
        """Return what the order was to become."""
        return ", ".join(f"{_words(name)} {value}" for name, value in decision.wanted.items())


class LookFilter(admin.SimpleListFilter):
    """What somebody must look at."""

    title = "needs a look"
    parameter_name = "look"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        """Return what can be wrong."""
        return [("unknown", "Outcome unknown"), ("stuck", "Stuck"), ("external", "Sent by others")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:  # noqa: ARG002 - Django's signature
        """Return the orders of which that holds."""
        # By its history: sweeping touches the rows of what waits, again and again.
        since = timezone.now() - STUCK_AFTER
        moved = OrderEvent.objects.filter(order=OuterRef("id"), created_at__gte=since)
        stuck = Q(status__in=ON_THEIR_WAY, created_at__lt=since) & ~Exists(moved)
        chosen = {
            "unknown": Q(status=OrderStatus.UNKNOWN),
            "stuck": stuck,
            # What became of contracts says how they ended.
            "external": Q(external=True, reason_code=""),
        }
        return queryset.filter(chosen.get(self.value() or "", Q()))


@admin.register(Order)
class OrderAdmin(Kept, admin.ModelAdmin[Order]):
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

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return that the list has an action, while a single order is for reading."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request, obj)

    @admin.display(description="order", ordering="symbol")
    def what(self, order: Order) -> str:
        """Return what was ordered, and at what price it waits."""
        told = f"{order.side} {plain(order.quantity)} {order.symbol}"
        if order.order_type == OrderType.MARKET:
            return told
        prices = [order.stop_price, order.limit_price, order.trail_amount, order.trail_fraction]
        given = " / ".join(plain(price) for price in prices if price is not None)
        return f"{told} {_words(order.order_type)} {given}".rstrip()

    @admin.display(description="status", ordering="status")
    def state(self, order: Order) -> str:
        """Return the status as a badge."""
        return badge(order.status)

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

    @admin.display(description="account", ordering="account__name")
    def of_account(self, order: Order) -> str:
        """Return a link to the account."""
        return row_link(order.account)

    @admin.display(description="owner", ordering="owner__email")
    def of_owner(self, order: Order) -> str:
        """Return a link to whose it is."""
        return row_link(order.owner)

    @admin.display(description="strategy")
    def of_strategy(self, order: Order) -> str:
        """Return a link to the strategy that wanted it, if one did."""
        return row_link(order.strategy)

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

    @admin.display(description="owner", ordering="account__owner__email")
    def of_owner(self, fill: Fill) -> str:
        """Return a link to whose it is."""
        return row_link(fill.account.owner)

    @admin.display(description="quantity", ordering="quantity")
    def units(self, fill: Fill) -> str:
        """Return how many units."""
        return plain(fill.quantity)

    @admin.display(description="price", ordering="price")
    def at(self, fill: Fill) -> str:
        """Return the price of a unit."""
        return plain(fill.price)

    @admin.display(description="order")
    def of_order(self, fill: Fill) -> str:
        """Return a link to the order."""
        return row_link(fill.order)


class HeldFilter(admin.SimpleListFilter):
    """What is held now, or what was."""

    title = "held"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        """Return the sides."""
        return [("long", "Long"), ("short", "Short"), ("flat", "Not any more")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Position]) -> QuerySet[Position]:  # noqa: ARG002 - Django's signature
        """Return the positions on that side."""
        sides = {"long": Q(quantity__gt=0), "short": Q(quantity__lt=0), "flat": Q(quantity=0)}
        return queryset.filter(sides.get(self.value() or "", Q()))


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

    @admin.display(description="owner", ordering="account__owner__email")
    def of_owner(self, position: Position) -> str:
        """Return a link to whose it is."""
        return row_link(position.account.owner)

    @admin.display(description="quantity", ordering="quantity")
    def held(self, position: Position) -> str:
        """Return how many units, below zero where it is short."""
        return plain(position.quantity)

    @admin.display(description="average price", ordering="average_price")
    def entry(self, position: Position) -> str:
        """Return what was paid for a unit."""
        return plain(position.average_price)

    @admin.display(description="realized P&L", ordering="realized_pnl")
    def realized(self, position: Position) -> str:
        """Return what closed parts brought."""
        return signed(float(position.realized_pnl))

    @admin.display(description="account")
    def of_account(self, position: Position) -> str:
        """Return a link to the account."""
        return row_link(position.account)


@admin.register(PaperExecution)
class PaperExecutionAdmin(Kept, admin.ModelAdmin[PaperExecution]):
    """What the paper venue executed."""

    list_display = ("created_at", "account", "symbol", "quantity", "price", "client_order_id")
    list_select_related = ("account",)
    search_fields = ("symbol", "client_order_id")
    date_hierarchy = "created_at"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figure(value: Any) -> str:
    """Return a figure as it is read: amounts without zeros at their end."""
    try:
        return plain(round(Decimal(str(value)), 8))
    except InvalidOperation:
        return str(value)
