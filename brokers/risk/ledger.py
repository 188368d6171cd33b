"""What is known of the accounts of some owners when orders are judged: read once, then kept up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from brokers.choices import OPENING_SIDES, SIGN, Side
from brokers.models import BrokerAccount, Deployment, Order, Position, RiskLimit
from brokers.quotes import Quotes
from brokers.risk.reading import (
    Entry,
    claims_read,
    deployments_cash,
    deployments_hold,
    held_entry,
    limits_read,
    orders_pending,
    orders_recent,
    positions_read,
)

ZERO: Final = Decimal(0)


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
        lock: bool = False,
    ) -> None:
        self.now = now
        self._accounts = accounts
        owners = {account.owner_id for account in accounts.values()}
        self.quotes = quotes or Quotes(owners, now=now)
        self.limits = limits_read(owners, lock=lock)
        # Without limits nothing is looked at but the buying power that brokers told.
        limited = {limit.owner_id for limit in self.limits}
        powered = [row for row in accounts.values() if row.buying_power is not None]
        self.positions = positions_read(limited)
        # By owner: a set of limits is about one, and many are judged at once.
        self._held = _by_owner(map(held_entry, self.positions))
        self._by_deployment = _by_owner(deployments_hold(self.limits))
        pending = orders_pending(limited)
        self._buying = _by_owner(row for row in pending if row.units > 0)
        self._selling = _by_owner(row for row in pending if row.units < 0)
        self._asked = {(row.owner_id, row.symbol): row.price for row in pending if row.price}
        self._recent = _by_owner(orders_recent(self.limits, now))
        self._claims = claims_read(powered)
        self._cash: dict[UUID, list[Entry]] | None = None
        self._of_owner: dict[UUID, list[BrokerAccount]] = {}

    def held(self, limit: RiskLimit) -> dict[str, Decimal]:
        """Return the units of each symbol in the scope of a set of limits, signed."""
        rows = self._by_deployment if limit.deployment_id else self._held
        return _summed(rows, limit)

    def positions_in(self, limit: RiskLimit) -> list[Position]:
        """Return the positions in the scope of a set of limits that is not a deployment's."""
        return [row for row in self.positions if held_entry(row).within(limit)]

    def cash(self, limit: RiskLimit) -> Decimal:
        """Return what a deployment's own fills have brought in money; spent is below zero."""
        if self._cash is None:
            self._cash = _by_owner(deployments_cash(self.limits))
        return sum(_summed(self._cash, limit).values(), ZERO)

    def capital(self, limit: RiskLimit) -> Decimal:
        """Return the money that a scope began with."""
        if limit.deployment_id is not None:
            capital = Deployment.objects.filter(id=limit.deployment_id).values_list("capital")
            return sum((Decimal(one) for (one,) in capital), ZERO)
        return sum((row.initial_cash for row in self._of(limit)), ZERO)

    def profit_before(self, limit: RiskLimit) -> Decimal:
        """Return what the accounts of a scope had won before they were connected."""
        return sum((row.profit_before for row in self._of(limit)), ZERO)

    def currencies(self, limit: RiskLimit, account: BrokerAccount) -> set[str]:
        """Return those of an order's account and of all in the scope that have traded in it."""
        if limit.account_id is not None or limit.deployment_id is not None:
            return {account.currency}
        sources = (self._held, self._buying, self._selling)
        rows = (row for source in sources for row in source.get(limit.owner_id, ()))
        others = {row.account_id for row in rows if row.within(limit)} - {account.id}
        if not others:
            return {account.currency}
        return {account.currency, *(row.currency for row in self._of(limit) if row.id in others)}

    def _of(self, limit: RiskLimit) -> list[BrokerAccount]:
        """Return the accounts in the scope of a set of limits."""
        if limit.account_id is not None:
            return [self._accounts[limit.account_id]]
        if limit.owner_id not in self._of_owner:
            rows = BrokerAccount.objects.filter(owner_id=limit.owner_id).defer("sealed")
            self._of_owner[limit.owner_id] = list(rows)
        return self._of_owner[limit.owner_id]

    def pending(self, limit: RiskLimit, sign: int) -> dict[str, Decimal]:
        """Return what open orders on one side that open positions would add, by symbol, signed."""
        return _summed(self._buying if sign > 0 else self._selling, limit)

    def orders_last_minute(self, limit: RiskLimit) -> int:
        """Return how many orders and changes of orders were admitted within a minute."""
        rows = self._recent.get(limit.owner_id, ())
        return int(sum((row.units for row in rows if row.within(limit)), ZERO))

    def claimed(self, account: BrokerAccount) -> Decimal:
        """Return what orders since the last reconciliation have taken of the buying power."""
        return sum(
            (
                self.worth(symbol, account.owner_id, units, limit_price) or ZERO
                for symbol, units, limit_price in self._claims.get(account.id, ())
            ),
            ZERO,
        )

    def worth(
        self, symbol: str, owner_id: UUID, units: Decimal, fallback: Decimal | None = None
    ) -> Decimal | None:
        """Return the money that units are worth; None where there is no price of the symbol.

        That is the last one. Without it an open order's own counts, or another that is known.
        """
        quote = self.quotes.get(symbol, owner_id)
        price = quote.price if quote else fallback or self._asked.get((owner_id, symbol))
        if price is None:
            return None
        return units * price * self.quotes.multiplier(symbol, owner_id)

    def add(self, order: Order) -> None:
        """Take in an order that was admitted."""
        place = (order.owner_id, order.account_id, order.deployment_id, order.symbol)
        self._recent.setdefault(order.owner_id, []).append(Entry(*place, Decimal(1)))
        self._pend(order, order.quantity)

    def leave_out(self, order: Order) -> None:
        """Forget an open order that another takes the place of.

        What its broker keeps back for it is there for the other one.
        """
        self._pend(order, order.filled_quantity - order.quantity)

    def _pend(self, order: Order, units: Decimal) -> None:
        if order.side not in OPENING_SIDES:
            return
        place = (order.owner_id, order.account_id, order.deployment_id, order.symbol)
        sign = SIGN[Side(order.side)]
        rows = self._buying if sign > 0 else self._selling
        rows.setdefault(order.owner_id, []).append(Entry(*place, units * sign))
        price = order.limit_price or order.stop_price
        if price is not None:
            asked = self._asked.get((order.owner_id, order.symbol))
            self._asked[order.owner_id, order.symbol] = max(price, asked or price)
        claims = self._claims.setdefault(order.account_id, [])
        claims.append((order.symbol, units, order.limit_price))


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
