"""What is known of the accounts of some owners when orders are judged: read once, then kept up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import (
    Case,
    Count,
    DecimalField,
    ExpressionWrapper,
    F,
    Sum,
    Value,
    When,
)

from brokers.choices import OPEN_STATUSES, OPENING_SIDES, SIGN, Side
from brokers.models import BrokerAccount, Fill, Order, Position, RiskLimit
from brokers.quotes import Quotes
from market.contracts import contract_terms

ZERO: Final = Decimal(0)
AMOUNT: DecimalField[Decimal, Decimal] = DecimalField(max_digits=40, decimal_places=8)
NEVER_THERE: Final = ("denied", "rejected", "canceled")


def _signed(prefix: str) -> Case:
    return Case(
        *(When(**{f"{prefix}side": side}, then=Value(sign)) for side, sign in SIGN.items()),
        default=Value(0),
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """Units (or a number of orders) of one account, deployment and symbol."""

    owner_id: UUID
    account_id: UUID
    deployment_id: UUID | None
    symbol: str
    units: Decimal

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


class Ledger:
    """Positions, open orders and prices of the owners of some accounts.

    Make it in the transaction that judges, with the accounts' rows locked and before the orders
    are written; each order that was judged is added by `add`, so that the next one sees it.
    """

    def __init__(
        self,
        accounts: Mapping[UUID, BrokerAccount],
        *,
        now: datetime,
        quotes: Quotes | None = None,
    ) -> None:
        self.now = now
        owners = {account.owner_id for account in accounts.values()}
        self.quotes = quotes or Quotes(owners, now=now)
        self.limits = list(RiskLimit.objects.filter(owner_id__in=owners))
        # Without limits nothing is looked at but the buying power that brokers told.
        limited = {limit.owner_id for limit in self.limits}
        powered = [row for row in accounts.values() if row.buying_power is not None]
        self.positions = _positions(limited)
        # By owner: a set of limits is about one, and many are judged at once.
        self._held = _by_owner(map(_held_entry, self.positions))
        self._by_deployment = _by_owner(_deployments_hold(self.limits))
        self._pending = _by_owner(_pending(limited))
        self._recent = _by_owner(self._recent_orders())
        self._claims = _claims(powered)

    def held(self, limit: RiskLimit) -> dict[str, Decimal]:
        """Return the units of each symbol in the scope of a set of limits, signed."""
        rows = self._by_deployment if limit.deployment_id else self._held
        return _summed(rows, limit)

    def pending(self, limit: RiskLimit) -> dict[str, Decimal]:
        """Return what open orders that open positions would add, by symbol, signed."""
        return _summed(self._pending, limit)

    def orders_last_minute(self, limit: RiskLimit) -> int:
        """Return how many orders were made within a minute."""
        rows = self._recent.get(limit.owner_id, ())
        return int(sum((row.units for row in rows if row.within(limit)), ZERO))

    def claimed(self, account: BrokerAccount) -> Decimal:
        """Return what orders since the last reconciliation have taken of the buying power."""
        return sum(
            (
                self.worth(symbol, account.owner_id, units, limit_price or ZERO)
                for symbol, units, limit_price in self._claims.get(account.id, ())
            ),
            ZERO,
        )

    def worth(self, symbol: str, owner_id: UUID, units: Decimal, fallback: Decimal) -> Decimal:
        """Return the money that units are worth at the last price, or at another without one."""
        price = self.quotes.price(symbol, owner_id, fallback)
        return units * price * self.quotes.multiplier(symbol, owner_id)

    def add(self, order: Order, *, admitted: bool) -> None:
        """Take in an order that was judged."""
        place = (order.owner_id, order.account_id, order.deployment_id, order.symbol)
        self._recent.setdefault(order.owner_id, []).append(Entry(*place, Decimal(1)))
        if admitted and order.side in OPENING_SIDES:
            entry = Entry(*place, order.quantity * SIGN[Side(order.side)])
            self._pending.setdefault(order.owner_id, []).append(entry)
            claims = self._claims.setdefault(order.account_id, [])
            claims.append((order.symbol, order.quantity, order.limit_price))

    def _recent_orders(self) -> list[Entry]:
        owners = {row.owner_id for row in self.limits if row.max_orders_per_minute is not None}
        if not owners:
            return []
        rows = Order.objects.filter(
            owner_id__in=owners, created_at__gt=self.now - timedelta(minutes=1), external=False
        ).values_list("owner_id", "account_id", "deployment_id", "symbol")
        return [
            Entry(owner_id, account_id, deployment_id, symbol, Decimal(count))
            for owner_id, account_id, deployment_id, symbol, count in rows.annotate(
                count=Count("id")
            )
        ]


def _held_entry(row: Position) -> Entry:
    return Entry(row.account.owner_id, row.account_id, None, row.symbol, row.quantity)


def _by_owner(rows: Iterable[Entry]) -> dict[UUID, list[Entry]]:
    found: dict[UUID, list[Entry]] = {}
    for row in rows:
        found.setdefault(row.owner_id, []).append(row)
    return found


def _summed(rows: Mapping[UUID, Sequence[Entry]], limit: RiskLimit) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows.get(limit.owner_id, ()):
        if row.within(limit):
            found[row.symbol] = found.get(row.symbol, ZERO) + row.units
    return {symbol: units for symbol, units in found.items() if units}


def _positions(owners: Iterable[UUID]) -> list[Position]:
    if not owners:
        return []
    rows = Position.objects.filter(account__owner_id__in=owners)
    return list(rows.select_related("account").order_by("id"))


def _deployments_hold(limits: Sequence[RiskLimit]) -> list[Entry]:
    """Return what those deployments hold that have limits of their own: of their own fills."""
    ids = {limit.deployment_id for limit in limits if limit.deployment_id}
    if not ids:
        return []
    place = ("order__owner_id", "account_id", "order__deployment_id", "order__symbol")
    rows = Fill.objects.filter(order__deployment_id__in=ids).values_list(*place)
    units = Sum(ExpressionWrapper(F("quantity") * _signed("order__"), AMOUNT))
    return [Entry(*row) for row in rows.annotate(units=units)]


def _pending(owners: Iterable[UUID]) -> list[Entry]:
    if not owners:
        return []
    rows = Order.objects.filter(
        account__owner_id__in=owners, status__in=OPEN_STATUSES, side__in=OPENING_SIDES
    ).values_list("owner_id", "account_id", "deployment_id", "symbol")
    left = ExpressionWrapper((F("quantity") - F("filled_quantity")) * _signed(""), AMOUNT)
    return [Entry(*row) for row in rows.annotate(units=Sum(left))]


def _claims(
    accounts: Iterable[BrokerAccount],
) -> dict[UUID, list[tuple[str, Decimal, Decimal | None]]]:
    ids = [account.id for account in accounts]
    if not ids:
        return {}
    found: dict[UUID, list[tuple[str, Decimal, Decimal | None]]] = {}
    rows = Order.objects.filter(
        account_id__in=ids,
        created_at__gt=F("account__reconciled_at"),
        side__in=OPENING_SIDES,
    ).exclude(status__in=NEVER_THERE)
    for order in rows.only("account_id", "symbol", "quantity", "limit_price"):
        claim = (order.symbol, order.quantity, order.limit_price)
        found.setdefault(order.account_id, []).append(claim)
    return found
