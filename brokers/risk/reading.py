"""Reading what orders are judged by: limits, positions, open orders, what these have claimed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Count, ExpressionWrapper, F, Max, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Greatest

from brokers.choices import OPEN_STATUSES, OPENING_SIDES, SIGN, OrderStatus, Side
from brokers.executions import AMOUNT, SIGNED, UNITS
from brokers.models import (
    BrokerAccount,
    Fill,
    Order,
    Position,
    ReplacementDecision,
    RiskLimit,
)
from brokers.rounds import STALE_AFTER
from market.contracts import contract_terms

ZERO: Final = Decimal(0)
NEVER_THERE: Final = ("denied", "rejected", "canceled")
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """Units (or a number of orders) of one account, deployment and symbol.

    Attributes
    ----------
    price : Decimal or None
        Of open orders the dearest that they ask for.
    """

    owner_id: UUID
    account_id: UUID
    deployment_id: UUID | None
    symbol: str
    units: Decimal
    price: Decimal | None = None

    def within(self, limit: RiskLimit) -> bool:
        """Tell whether a set of limits is about it."""
        return (
            self.owner_id == limit.owner_id
            and limit.account_id in (None, self.account_id)
            and limit.deployment_id in (None, self.deployment_id)
            and covers(limit, self.symbol)
        )


def covers(limit: RiskLimit, symbol: str) -> bool:
    """Tell whether limits are about a symbol: those of an underlying are about its contracts."""
    if limit.symbol in ("", symbol):
        return True
    terms = contract_terms(symbol)
    return terms is not None and terms.underlying == limit.symbol


def orders_recent(limits: Sequence[RiskLimit], now: datetime) -> list[Entry]:
    """Return how many orders and changes of orders were admitted within a minute."""
    owners = {row.owner_id for row in limits if row.max_orders_per_minute is not None}
    if not owners:
        return []
    since = now - MINUTE
    orders = Order.objects.filter(owner_id__in=owners, created_at__gt=since, external=False)
    # What was denied has not burdened anyone, and must not keep the next one from it.
    sent = orders.exclude(status=OrderStatus.DENIED)
    changes = ReplacementDecision.objects.filter(
        order__owner_id__in=owners, created_at__gt=since, admitted=True
    )
    place = ("owner_id", "account_id", "deployment_id", "symbol")
    counted = [
        *sent.values_list(*place).annotate(count=Count("id")),
        *changes.values_list(*(f"order__{name}" for name in place)).annotate(count=Count("id")),
    ]
    return [
        Entry(owner_id, account_id, deployment_id, symbol, Decimal(count))
        for owner_id, account_id, deployment_id, symbol, count in counted
    ]


def limits_read(owners: Iterable[UUID], *, lock: bool) -> list[RiskLimit]:
    """Return the limits of owners, those of all their accounts locked.

    Orders on two accounts at once would both fit into the room for one otherwise: what locks the
    account is enough for all other limits.
    """
    found = list(RiskLimit.objects.filter(owner_id__in=owners))
    shared = [row.id for row in found if row.account_id is None and row.deployment_id is None]
    if not (lock and shared):
        return found
    rows = RiskLimit.objects.select_for_update(no_key=True).filter(id__in=shared)
    return [
        *(row for row in found if row.account_id or row.deployment_id),
        *rows.order_by("id"),
    ]


def held_entry(row: Position) -> Entry:
    """Return a position as an entry."""
    return Entry(row.account.owner_id, row.account_id, None, row.symbol, row.quantity)


def positions_read(owners: Iterable[UUID]) -> list[Position]:
    """Return the positions in all accounts of owners."""
    if not owners:
        return []
    rows = Position.objects.filter(account__owner_id__in=owners)
    return list(rows.select_related("account").order_by("id"))


def deployments_hold(limits: Sequence[RiskLimit]) -> list[Entry]:
    """Return what those deployments hold that have limits of their own: of their own fills."""
    ids = {limit.deployment_id for limit in limits if limit.deployment_id}
    if not ids:
        return []
    place = ("order__owner_id", "account_id", "order__deployment_id", "order__symbol")
    rows = Fill.objects.filter(order__deployment_id__in=ids).values_list(*place)
    return [Entry(*row) for row in rows.annotate(units=UNITS)]


def deployments_cash(limits: Sequence[RiskLimit]) -> list[Entry]:
    """Return what the fills of those deployments brought whose limits ask for their losses."""
    ids = {
        limit.deployment_id
        for limit in limits
        if limit.deployment_id
        and (limit.max_daily_loss is not None or limit.max_drawdown is not None)
    }
    if not ids:
        return []
    place = ("order__owner_id", "account_id", "order__deployment_id", "order__symbol")
    rows = Fill.objects.filter(order__deployment_id__in=ids).values_list(*place)
    worth = F("quantity") * F("price") * F("order__multiplier") * SIGNED
    spent = Sum(ExpressionWrapper(worth + Coalesce("commission", ZERO), AMOUNT))
    return [
        Entry(owner_id, account_id, deployment_id, symbol, -units)
        for owner_id, account_id, deployment_id, symbol, units in rows.annotate(units=spent)
    ]


def orders_pending(owners: Iterable[UUID]) -> list[Entry]:
    """Return what open orders of owners that open positions would add, signed."""
    if not owners:
        return []
    rows = Order.objects.filter(
        account__owner_id__in=owners, status__in=OPEN_STATUSES, side__in=OPENING_SIDES
    ).values_list("owner_id", "account_id", "deployment_id", "symbol", "side")
    # While it is changed in place either of the two may be there: the larger one counts.
    wanted = Cast(KeyTextTransform("quantity", "wanted"), AMOUNT)
    whole = Greatest(F("quantity"), wanted, output_field=AMOUNT)
    left = ExpressionWrapper(whole - F("filled_quantity"), AMOUNT)
    price = Max(Coalesce("limit_price", "stop_price"))
    return [
        Entry(owner_id, account_id, deployment_id, symbol, units * SIGN[Side(side)], asked)
        for owner_id, account_id, deployment_id, symbol, side, units, asked in rows.annotate(
            units=Sum(left), price=price
        )
    ]


def claims_read(
    accounts: Iterable[BrokerAccount],
) -> dict[UUID, list[tuple[str, Decimal, Decimal | None]]]:
    """Return symbol, units and limit of what accounts have ordered since their broker was asked."""
    known = {row.id: row for row in accounts if row.reconciled_at is not None}
    if not known:
        return {}
    asked = min(row.reconciled_at for row in known.values() if row.reconciled_at is not None)
    found: dict[UUID, list[tuple[str, Decimal, Decimal | None]]] = {}
    # Those that were not sent before the broker was asked: it cannot have counted them.
    unsent = Q(submitted_at__isnull=True) | Q(submitted_at__gt=F("account__reconciled_at"))
    rows = Order.objects.filter(
        unsent,
        owner_id__in={row.owner_id for row in known.values()},
        account_id__in=known,
        # What was not sent for longer is not sent any more.
        created_at__gt=asked - STALE_AFTER,
        side__in=OPENING_SIDES,
        external=False,
    ).exclude(status__in=NEVER_THERE)
    for order in rows.only("account_id", "symbol", "quantity", "limit_price"):
        claim = (order.symbol, order.quantity, order.limit_price)
        found.setdefault(order.account_id, []).append(claim)
    return found
