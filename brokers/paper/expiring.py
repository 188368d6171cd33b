"""The end of contracts at the paper venue, by the rules of the backtests.

At the close of its last session a contract in the money by 0.01 or more is exercised, all others
are worth nothing. Short ones are assigned first; long ones are exercised where the account can
carry the shares, and else paid what exercising was worth. What happens is written into the venue's
book and into the account's orders in one transaction, under names that a contract has once: who
looks, and how often, changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.utils import timezone

from brokers.choices import OrderStatus
from brokers.external import external_record
from brokers.lease import accounts_lock
from brokers.models import BrokerAccount, PaperExecution, PaperOrder, Position
from brokers.paper.book import Book, books_of
from brokers.paper.dealing import Contracts, dealing_of
from brokers.paper.desk import orders_look
from brokers.paper.margin import Ties
from brokers.paper.telling import execution_told
from brokers.paper.terms import terms_of
from brokers.quotes import ONE, Quotes
from brokers.settling import ASSIGNED, EXERCISED, EXPIRED, SETTLED, ended_text, parts_of
from core.errors import InvalidInput
from core.transactions import atomic
from market.contract_prices import EXERCISED_FROM

ZERO: Final = Decimal(0)


def accounts_expire(account_ids: Collection[UUID] | None = None) -> None:
    """Settle the contracts of paper accounts that are over: of some of them, or of all."""
    now = timezone.now()
    due = Position.objects.filter(expires_at__lte=now, account__kind="paper").exclude(quantity=0)
    if account_ids is not None:
        due = due.filter(account_id__in=account_ids)
    for account_id in due.order_by().values_list("account_id", flat=True).distinct():
        account_expire(account_id=account_id)


@atomic
def account_expire(*, account_id: UUID) -> int:
    """Settle an account's contracts that are over; return how many."""
    (account,) = accounts_lock([account_id])
    now = timezone.now()
    due = Position.objects.filter(account=account, expires_at__lte=now).exclude(quantity=0)
    symbols = list(due.values_list("symbol", flat=True))
    waiting = PaperOrder.objects.filter(
        account=account, symbol__in=symbols, status=OrderStatus.ACCEPTED
    )
    orders_look(list(waiting.select_for_update().order_by("id")))
    settler = _Settler(account, now)
    held = settler.book.held
    # Short ones first: they have no choice, and their shares may cover what others deliver.
    ordered = sorted(symbols, key=lambda symbol: (held.get(symbol, ZERO) > 0, symbol))
    return sum(settler.settle(symbol) for symbol in ordered if held.get(symbol))


class _Settler:
    """Settles contracts of one account whose row is locked."""

    def __init__(self, account: BrokerAccount, now: datetime) -> None:
        self._account = account
        self._terms = terms_of(account.paper_terms)
        self._quotes = Quotes([account.owner_id], now=now)
        self._ties = Ties(account.owner_id, self._terms, self._quotes, now=now)
        self._now = now
        self.book: Book = books_of({account.id: account})[account.id]

    def settle(self, symbol: str) -> bool:
        """Settle what there is of a contract; do nothing before its last close is known."""
        try:
            deal = dealing_of(
                symbol,
                account=self._account,
                terms=self._terms,
                quotes=self._quotes,
                now=self._now,
            )
        except InvalidInput:
            return False
        if not isinstance(deal, Contracts) or not deal.ended or deal.final is None:
            return False
        for deployment_id, units in parts_of(self._account.id, symbol, self.book.held[symbol]):
            self._part(deal, deal.final, units, deployment_id)
        return True

    def _part(
        self, deal: Contracts, close: Decimal, units: Decimal, deployment_id: UUID | None
    ) -> None:
        terms = deal.contract
        inside = terms.inside(close)
        cash = self._execution(deal, "expiry", terms.symbol, -units, deployment_id)
        shares = self._execution(
            deal,
            "delivery",
            terms.underlying,
            units * terms.sign * deal.multiplier,
            deployment_id,
        )
        how, executions = EXPIRED, [cash]
        if inside >= EXERCISED_FROM:
            how = ASSIGNED if units < 0 else EXERCISED
            executions = [cash, shares]
            physical = self._terms.options.settlement == "physical"
            if not physical or (units > 0 and not self._carries(cash, shares, close)):
                how, executions = SETTLED, [cash]
                cash.price = inside
        PaperExecution.objects.bulk_create(executions)
        for execution in executions:
            self.book.add(execution)
            external_record(
                account=self._account,
                venue=execution_told(execution),
                deployment_id=deployment_id,
                reason_code=how,
                reason=ended_text(terms, how),
            )

    def _execution(
        self, deal: Contracts, name: str, symbol: str, quantity: Decimal, part: UUID | None
    ) -> PaperExecution:
        contract = symbol == deal.contract.symbol
        named = f"{name}-{deal.contract.symbol}"
        return PaperExecution(
            account=self._account,
            client_order_id=f"{named}-{part.hex[-8:]}" if part else named,
            symbol=symbol,
            quantity=quantity,
            multiplier=deal.multiplier if contract else ONE,
            price=ZERO if contract else deal.contract.strike,
            executed_at=deal.ends_at,
        )

    def _carries(self, cash: PaperExecution, shares: PaperExecution, close: Decimal) -> bool:
        """Tell whether an account can pay for what exercising brings, or be short of it."""
        before = self.book.held.get(shares.symbol, ZERO)
        after = self.book.after(cash).after(shares)
        held = after.held[shares.symbol]
        if abs(held) <= abs(before):
            return True
        # Shares that are sold short must be bought back, and tie up as much again.
        return after.free(self._ties) + 2 * min(held, ZERO) * close >= 0
