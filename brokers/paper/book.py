"""What a paper account has by its executions, and what the venue refuses because of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Sum

from brokers.adapters.base import Refused
from brokers.choices import Side
from brokers.models import BrokerAccount, PaperExecution, PaperOrder


@dataclass(slots=True)
class Book:
    """What an account has: money, and units by symbol."""

    cash: Decimal
    held: dict[str, Decimal]

    def add(self, execution: PaperExecution) -> None:
        """Take in what was executed."""
        before = self.held.get(execution.symbol, Decimal())
        self.held[execution.symbol] = before + execution.quantity
        self.cash -= execution.quantity * execution.price + execution.commission


def books_of(accounts: Mapping[UUID, BrokerAccount]) -> dict[UUID, Book]:
    """Return what the executions of accounts sum up to."""
    books = {row.id: Book(row.initial_cash, {}) for row in accounts.values()}
    rows = PaperExecution.objects.filter(account_id__in=accounts).values("account_id", "symbol")
    for row in rows.annotate(
        units=Sum("quantity"), spent=Sum(F("quantity") * F("price") + F("commission"))
    ):
        books[row["account_id"]].held[row["symbol"]] = row["units"]
        books[row["account_id"]].cash -= row["spent"]
    return books


def order_check(account: BrokerAccount, book: Book, order: PaperOrder, price: Decimal) -> None:
    """Refuse what a broker would refuse."""
    held = book.held.get(order.symbol, Decimal())
    wanted = f"{order.quantity.normalize():f} {order.symbol}"
    if order.side == Side.SELL and held < order.quantity:
        raise Refused(
            "not_held",
            f"You hold {held.normalize():f}, not {wanted}: sell less, or use trade type 'short'.",
        )
    if order.side == Side.COVER and -held < order.quantity:
        raise Refused("not_short", f"You are not short {wanted}: use trade type 'buy'.")
    if order.side == Side.BUY and order.quantity * price > book.cash:
        raise Refused(
            "insufficient_funds",
            f"{wanted} at {price.normalize():f} cost "
            f"{order.quantity * price:.2f} {account.currency}; the account has {book.cash:.2f}.",
        )
