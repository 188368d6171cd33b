"""What a paper account has by its executions, and what the venue refuses because of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import F, Sum

from brokers.adapters.base import Refused
from brokers.choices import Side
from brokers.models import BrokerAccount, PaperExecution, PaperOrder
from market.contracts import contract_terms

Tied = Callable[[Mapping[str, Decimal]], Decimal]
"""What the short contracts among units by symbol tie up."""

ZERO: Final = Decimal(0)
LONG: Final = "long"
SHORT: Final = "short"
PARTS: Final[Mapping[str, str]] = {
    Side.BUY: LONG,
    Side.SELL: LONG,
    Side.SHORT: SHORT,
    Side.COVER: SHORT,
}


@dataclass(slots=True)
class Book:
    """What an account has: money, and units by symbol.

    Attributes
    ----------
    parts : dict
        The units of each symbol by what they came of: purchases and their sales, short sales and
        what covered them, and neither. Of several deployments on one account one may be long of
        what another is short of.
    """

    cash: Decimal
    held: dict[str, Decimal] = field(default_factory=dict)
    parts: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def add(self, execution: PaperExecution) -> None:
        """Take in what was executed."""
        self.put(execution.symbol, execution.side, execution.quantity)
        self.cash -= spent(execution)

    def put(self, symbol: str, side: str, units: Decimal) -> None:
        """Take in units that orders of a side have moved."""
        self.held[symbol] = self.held.get(symbol, ZERO) + units
        key = symbol, PARTS.get(side, "")
        self.parts[key] = self.parts.get(key, ZERO) + units

    def long(self, symbol: str) -> Decimal:
        """Return how many units may be sold."""
        bought = self.parts.get((symbol, LONG), ZERO)
        return max(self.held.get(symbol, ZERO), bought + min(ZERO, self._others(symbol)))

    def short(self, symbol: str) -> Decimal:
        """Return how many units may be covered."""
        sold = self.parts.get((symbol, SHORT), ZERO)
        return -min(self.held.get(symbol, ZERO), sold + max(ZERO, self._others(symbol)))

    def _others(self, symbol: str) -> Decimal:
        return self.parts.get((symbol, ""), ZERO)

    def free(self, tied: Tied) -> Decimal:
        """Return the money that nothing ties up."""
        return self.cash - tied(self.held)

    def after(self, execution: PaperExecution) -> Book:
        """Return what there would be with an execution."""
        book = Book(self.cash, dict(self.held), dict(self.parts))
        book.add(execution)
        return book


def spent(execution: PaperExecution) -> Decimal:
    """Return the money that an execution took; what it brought is below zero."""
    worth = execution.quantity * execution.price * execution.multiplier
    return worth + execution.commission


def books_of(accounts: Mapping[UUID, BrokerAccount]) -> dict[UUID, Book]:
    """Return what the executions of accounts sum up to."""
    books = {row.id: Book(row.initial_cash) for row in accounts.values()}
    executed = PaperExecution.objects.filter(account_id__in=accounts)
    rows = executed.values("account_id", "symbol", "side")
    worth = F("quantity") * F("price") * F("multiplier")
    for row in rows.annotate(units=Sum("quantity"), spent=Sum(worth + F("commission"))):
        books[row["account_id"]].put(row["symbol"], row["side"], row["units"])
        books[row["account_id"]].cash -= row["spent"]
    return books


def order_check(
    account: BrokerAccount,
    book: Book,
    order: PaperOrder,
    execution: PaperExecution,
    tied: Tied,
) -> None:
    """Refuse what a broker would refuse of an order that would be executed so."""
    wanted = f"{order.quantity.normalize():f} {order.symbol}"
    if order.side == Side.SELL and book.long(order.symbol) < order.quantity:
        held = book.long(order.symbol).normalize()
        raise Refused(
            "not_held",
            f"You hold {held:f}, not {wanted}: sell less, or use trade type 'short'.",
        )
    if order.side == Side.COVER and book.short(order.symbol) < order.quantity:
        raise Refused("not_short", f"You are not short {wanted}: use trade type 'buy'.")
    cost = order.quantity * execution.price * execution.multiplier
    if order.side == Side.BUY and cost > book.cash:
        raise Refused(
            "insufficient_funds",
            f"{wanted} at {execution.price.normalize():f} cost "
            f"{cost:.2f} {account.currency}; the account has {book.cash:.2f}.",
        )
    # Where no contract is short nothing more is asked; what buys one back is never refused.
    if order.side == Side.COVER or not any(map(contract_terms, (order.symbol, *book.held))):
        return
    after = book.after(execution)
    ties = tied(after.held)
    free, left = book.free(tied), after.cash - ties
    if free.is_finite() and not left.is_finite():
        raise Refused(
            "uncovered_call",
            f"With {wanted} a call would be short without shares or a long call to cover it, "
            "which a cash account must not be.",
        )
    if ties and left < 0 and left < free:
        raise Refused(
            "insufficient_margin",
            f"With {wanted} short contracts tie up {ties:.2f} {account.currency}; the account "
            f"would have {after.cash:.2f}.",
        )
