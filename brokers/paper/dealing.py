"""How a symbol trades on a paper account: at what prices, for what costs, and until when.

Shares trade at the last price and in bars as they are stored. Contracts trade at the bid and ask of
the model, now and inside the bars of their underlying; nobody ever quoted these prices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple, Protocol
from uuid import UUID

import numpy as np

from brokers.models import BrokerAccount
from brokers.paper.margin import market_time
from brokers.paper.matching import Candle
from brokers.paper.quotes import bars_after
from brokers.paper.terms import Terms
from brokers.quotes import ONE, Quotes
from core.errors import InvalidInput
from core.options.ledger import commission_of
from market.calendars import bar_closes_at, session_ids
from market.contract_prices import ContractQuote, ModelMarket
from market.contracts import ContractTerms, contract_terms
from market.intervals import interval_get
from market.models import Instrument
from market.selectors import LatestPrice

EPOCH: Final = date(1970, 1, 1)
STEP: Final = Decimal("1e-8")
# A contract whose last session nobody stores is settled at the last price there is.
WAITED_FOR: Final = timedelta(days=4)


class Sides(NamedTuple):
    """Where sales and purchases trade in a bar."""

    opened_at: datetime
    bid: Candle
    ask: Candle

    def of(self, sign: int) -> Candle:
        """Return the bar of purchases (1) or of sales (-1)."""
        return self.ask if sign > 0 else self.bid


@dataclass(frozen=True, slots=True)
class Trade:
    """What of an order decides what it costs.

    Attributes
    ----------
    sign : int
        1 buys, -1 sells.
    price : Decimal
        Where others trade.
    opening : bool
        Whether it makes a position larger.
    rested : bool
        Whether others traded with it.
    """

    sign: int
    quantity: Decimal
    price: Decimal
    opening: bool
    rested: bool = False


class Dealing(Protocol):
    """How a symbol trades on an account."""

    @property
    def latest(self) -> LatestPrice:
        """The last price of what the bars are of: of a contract, its underlying's."""

    @property
    def now(self) -> ContractQuote:
        """Where others trade now, slippage left out."""

    @property
    def multiplier(self) -> Decimal:
        """Quantity x price x multiplier is money."""

    @property
    def ended(self) -> bool:
        """Whether it cannot be traded any more."""

    @property
    def finished(self) -> bool:
        """Whether, besides, all bars are there in which it could."""

    def session(self, opened_at: datetime) -> date:
        """Return the session that a bar belongs to: an exchange's day, which UTC's may part."""

    def paid(self, trade: Trade) -> Decimal:
        """Return what a market or stop order pays."""

    def commission(self, trade: Trade) -> Decimal:
        """Return the commission of an order."""

    def bars(self, *, after: datetime) -> Iterator[Sides]:
        """Yield the bars that opened later than `after`, oldest first."""


def dealing_of(
    symbol: str, *, account: BrokerAccount, terms: Terms, quotes: Quotes, now: datetime
) -> Dealing:
    """Return how a symbol trades on an account.

    Raises
    ------
    InvalidInput
        When it has no price.
    """
    owner_id = account.owner_id
    contract = contract_terms(symbol)
    if contract is None:
        latest = quotes.latest(symbol, owner_id)
        instrument = quotes.instrument(symbol, owner_id)
        return Units(symbol, terms, latest, quotes.reader(symbol, owner_id), instrument)
    return Contracts(
        contract,
        terms,
        quotes.latest(contract.underlying, owner_id),
        quotes.reader(contract.underlying, owner_id),
        quotes.market(contract.underlying, owner_id, terms.options),
        now,
    )


@dataclass(frozen=True, slots=True)
class Units:
    """Shares, coins and currencies: at the last price, with the slippage of the terms."""

    symbol: str
    terms: Terms
    latest: LatestPrice
    reader: UUID | None
    instrument: Instrument
    multiplier: Decimal = ONE
    ended: bool = False
    finished: bool = False

    @property
    def now(self) -> ContractQuote:
        """Both sides trade at the last price."""
        price = self.latest.price
        return ContractQuote(price, price, price)

    def session(self, opened_at: datetime) -> date:
        """Return the session that a bar belongs to."""
        return _session(opened_at, self.instrument, self.terms.interval or self.latest.interval)

    def paid(self, trade: Trade) -> Decimal:
        """Return the price with the slippage and the spread of the terms."""
        return self.terms.paid(trade.price, trade.sign, opening=trade.opening).quantize(STEP)

    def commission(self, trade: Trade) -> Decimal:
        """Return the commission of the terms."""
        fee = self.terms.commission(
            trade.quantity, trade.price, sign=trade.sign, rested=trade.rested
        )
        return fee.quantize(STEP)

    def bars(self, *, after: datetime) -> Iterator[Sides]:
        """Yield the stored bars."""
        interval = self.terms.interval or self.latest.interval
        for opened_at, bar in bars_after(
            symbol=self.symbol, owner_id=self.reader, interval=interval, after=after
        ):
            yield Sides(opened_at, bar, bar)


@dataclass(frozen=True)
class Contracts:
    """Contracts: at the model's bid and ask, which are their slippage."""

    contract: ContractTerms
    terms: Terms
    latest: LatestPrice
    reader: UUID | None
    market: ModelMarket
    clock: datetime

    @property
    def multiplier(self) -> Decimal:
        """The shares of a contract."""
        return self.market.underlying.contract_size

    @cached_property
    def ends_at(self) -> datetime:
        """When it expires."""
        return self.contract.ends_at(self.market.underlying)

    @cached_property
    def at(self) -> datetime:
        """When it is for this account."""
        return market_time(self.market, self.latest, self.terms, now=self.clock)

    @cached_property
    def now(self) -> ContractQuote:
        """The model's bid and ask at the underlying's last price."""
        return self._quote(self.latest.price, self.at)

    @property
    def ended(self) -> bool:
        """Whether it has expired."""
        return self.at >= self.ends_at

    @property
    def finished(self) -> bool:
        """Whether, besides, it is known at what price of its underlying."""
        return self.ended and self.final is not None

    @cached_property
    def final(self) -> Decimal | None:
        """The underlying's close of the last session; the last price where none comes."""
        close = self.market.close_on(self.contract)
        if close is None and not self.terms.replays and self.at >= self.ends_at + WAITED_FOR:
            return self.latest.price
        return close

    def session(self, opened_at: datetime) -> date:
        """Return the session that a bar of the underlying belongs to."""
        interval = self.terms.interval or self.latest.interval
        return _session(opened_at, self.market.underlying, interval)

    def paid(self, trade: Trade) -> Decimal:
        """Return the price: the spread is in it."""
        return trade.price

    def commission(self, trade: Trade) -> Decimal:
        """Return the commission of an order in contracts."""
        value = float(trade.quantity * trade.price * self.multiplier)
        fee = commission_of(self.terms.options.commission, float(trade.quantity), value)
        return Decimal(repr(fee)).quantize(STEP)

    def bars(self, *, after: datetime) -> Iterator[Sides]:
        """Yield bars of bid and ask, made of the underlying's, until it expires."""
        interval = self.terms.interval or self.latest.interval
        for opened_at, bar in bars_after(
            symbol=self.contract.underlying, owner_id=self.reader, interval=interval, after=after
        ):
            began = self.market.bar_opens_at(opened_at, interval)
            if began >= self.ends_at:
                return
            over = bar_closes_at(
                int(opened_at.timestamp()) * 10**9,
                instrument=self.market.underlying,
                interval=interval_get(interval),
            )
            moments = ((bar.open, began), (bar.high, over), (bar.low, over), (bar.close, over))
            try:
                quotes = [self._quote(spot, at) for spot, at in moments]
            except InvalidInput:
                continue
            bids, asks = [one.bid for one in quotes], [one.ask for one in quotes]
            yield Sides(opened_at, _candle(bids), _candle(asks))

    def _quote(self, spot: Decimal, at: datetime) -> ContractQuote:
        return self.market.quote(self.contract, spot=spot, at=at)


def _session(opened_at: datetime, instrument: Instrument, interval: str) -> date:
    ts = np.array([int(opened_at.timestamp()) * 10**9], np.int64)
    (day,) = session_ids(
        ts, timezone=instrument.timezone, interval=interval, calendar=instrument.calendar
    )
    return EPOCH + timedelta(days=int(day))


def _candle(prices: list[Decimal]) -> Candle:
    """Return the bar of prices at an underlying's open, high, low and close."""
    return Candle(prices[0], max(prices), min(prices), prices[3])
