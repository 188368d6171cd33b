"""What a paper account pays over night: the engine's rule, written down once a night.

A backtest charges, at the first bar of a day, for each night since the bar before: the fee for
shares that were short at its close, and interest on cash that was below zero then. So does this,
from the same bars and the account's executions. A charge is a row of the venue's book like any
other, an execution of nothing whose commission it is, so that cash stays the sum of the book; its
id names the day, so that it is paid once, whoever looks and however often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import numpy as np

from brokers.models import BrokerAccount, PaperExecution
from brokers.paper.book import spent
from brokers.paper.terms import Terms, terms_of
from brokers.quotes import Quotes
from core.errors import InvalidInput
from market.contracts import contract_terms
from market.store import bars_read

PREFIX: Final = "carry-"
# The symbol of what is paid for money.
MONEY: Final = ""
YEAR_DAYS: Final = Decimal(365)
STEP: Final = Decimal("1e-8")
NS: Final = 10**9
DAY_NS: Final = 86_400 * NS


@dataclass(frozen=True, slots=True)
class Night:
    """The nights between two bars of a symbol; they are paid for as the second one opens."""

    opened_ns: int
    symbol: str
    nights: int
    close: Decimal


def carrying_charge(*, account: BrokerAccount) -> int:
    """Charge an account for the nights that are over; return for how many charges that were new."""
    terms = terms_of(account.paper_terms)
    if not terms.borrow_rate and not terms.financing_rate:
        return 0
    rows = list(PaperExecution.objects.filter(account=account))
    charges = charges_of(account, rows, _nights(account, rows, terms), terms)
    made = PaperExecution.objects.bulk_create(charges, ignore_conflicts=True)
    return len(made)


def accounts_carry() -> None:
    """Charge all paper accounts whose terms say so."""
    for account in BrokerAccount.objects.filter(kind="paper").exclude(paper_terms={}):
        carrying_charge(account=account)


def charges_of(
    account: BrokerAccount,
    executions: Sequence[PaperExecution],
    nights: Sequence[Night],
    terms: Terms,
) -> list[PaperExecution]:
    """Return the charges that an account's book does not have yet, the oldest first.

    Parameters
    ----------
    executions : sequence of PaperExecution
        The whole book, charges included.
    nights : sequence of Night
        Of all symbols, in the order in which they ended.
    """
    book = sorted(executions, key=_moment_ns)
    known = {one.client_order_id for one in book}
    found: list[PaperExecution] = []
    paid_until: int | None = None
    for night in nights:
        before = [one for one in (*book, *found) if _moment_ns(one) < night.opened_ns]
        held = sum((one.quantity for one in before if one.symbol == night.symbol), Decimal())
        due = max(-held, Decimal()) * night.close * terms.borrow_rate * night.nights
        charges = [(night.symbol, due)]
        if paid_until is None or night.opened_ns // DAY_NS > paid_until // DAY_NS:
            since = night.nights
            if paid_until is not None:
                since = min(since, night.opened_ns // DAY_NS - paid_until // DAY_NS)
            owed = max(sum(map(spent, before), Decimal()) - account.initial_cash, Decimal())
            charges.append((MONEY, owed * terms.financing_rate * since))
            paid_until = night.opened_ns
        for symbol, amount in charges:
            charge = _charge(account, night, symbol, amount / YEAR_DAYS)
            if charge.commission and charge.client_order_id not in known:
                found.append(charge)
    return found


def _charge(account: BrokerAccount, night: Night, symbol: str, amount: Decimal) -> PaperExecution:
    opened_at = datetime.fromtimestamp(night.opened_ns // NS, UTC)
    return PaperExecution(
        account=account,
        client_order_id=f"{PREFIX}{opened_at:%Y%m%d}-{symbol}",
        symbol=symbol,
        quantity=Decimal(),
        price=Decimal(),
        commission=amount.quantize(STEP),
        executed_at=opened_at,
    )


def _nights(account: BrokerAccount, rows: Sequence[PaperExecution], terms: Terms) -> list[Night]:
    """Return the nights that may have to be paid for, of all symbols that were traded."""
    quotes = Quotes([account.owner_id])
    first: dict[str, int] = {}
    for one in rows:
        if not one.client_order_id.startswith(PREFIX):
            # Contracts are not borrowed: their nights are those of what they are on.
            contract = contract_terms(one.symbol)
            symbol = contract.underlying if contract else one.symbol
            first[symbol] = min(_moment_ns(one), first.get(symbol, _moment_ns(one)))
    found: list[Night] = []
    for symbol, first_ns in first.items():
        found += _nights_of(account, symbol, first_ns, terms, quotes)
    return sorted(found, key=lambda night: (night.opened_ns, night.symbol))


def _nights_of(
    account: BrokerAccount,
    symbol: str,
    first_ns: int,
    terms: Terms,
    quotes: Quotes,
) -> Iterator[Night]:
    latest = quotes.get(symbol, account.owner_id)
    if latest is None:
        return
    # With the day before: an execution in a bar opens within it, or with it.
    start = datetime.fromtimestamp((first_ns // DAY_NS - 1) * (DAY_NS // NS), UTC)
    try:
        bars = bars_read(
            symbol=symbol,
            interval=terms.interval or latest.interval,
            start=start,
            adjusted=False,
            owner_id=quotes.reader(symbol, account.owner_id),
        ).bars
    except InvalidInput:
        return
    days = bars.ts // DAY_NS
    for index in np.flatnonzero(np.diff(days) > 0) + 1:
        nights = int(days[index] - days[index - 1])
        close = Decimal(repr(float(bars.close[index - 1])))
        yield Night(int(bars.ts[index]), symbol, nights, close)


def _moment_ns(one: PaperExecution) -> int:
    return int((one.executed_at or one.created_at).timestamp()) * NS
