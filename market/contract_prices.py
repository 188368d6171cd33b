"""What the model says contracts on one underlying are worth at a moment.

Nobody quotes these prices: they come of the underlying's price and of how much it has moved, by
the same functions and with the same defaults as in a backtest (docs/options.md).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInput
from core.options.config import OptionsConfig
from core.options.contract import IN_THE_MONEY
from core.options.quoting import mid_prices, paid_prices
from core.options.volatility import measured_volatility
from market.calendars import NS_PER_DAY, NS_PER_S, sessions_for
from market.contracts import ContractTerms
from market.intervals import interval_get
from market.models import Instrument
from market.quotes import Quote
from market.selectors import instrument_get, instrument_price
from market.store import bars_read

DEFAULTS: Final = OptionsConfig()
# Of what is priced here, in place of a data provider's.
MODEL: Final = "model"
DAILY: Final = "1d"
STEP: Final = Decimal("1e-8")
EXERCISED_FROM: Final = Decimal(str(IN_THE_MONEY))


class ContractQuote(NamedTuple):
    """The model's price for one share, and what is paid and received beside it."""

    mid: Decimal
    bid: Decimal
    ask: Decimal

    def at(self, sign: int) -> Decimal:
        """Return what a purchase (1) pays or a sale (-1) gets."""
        return self.ask if sign > 0 else self.bid


class ModelMarket:
    """The market of contracts on one underlying, as one reader sees its bars.

    Parameters
    ----------
    underlying : Instrument
    owner_id : UUID or None
        Whose private bars count beside the shared ones.
    config : OptionsConfig
        Model, volatility and spread.
    """

    def __init__(
        self, underlying: Instrument, *, owner_id: UUID | None, config: OptionsConfig = DEFAULTS
    ) -> None:
        self.underlying = underlying
        self.config = config
        self._owner_id = owner_id

    def quote(self, terms: ContractTerms, *, spot: Decimal, at: datetime) -> ContractQuote:
        """Return what a contract is quoted at where its underlying is at `spot`.

        Raises
        ------
        InvalidInput
            Where the volatility of the underlying cannot be measured.
        """
        found = self._quote(terms, spot, self.volatility(at), self.day(at))
        if found is None:
            sessions = self.config.volatility_window + 1
            raise InvalidInput(
                f"{terms.symbol} has no price: the volatility of {terms.underlying} is measured "
                f"on the last {sessions} daily bars, which are not all there. POST "
                "/api/v1/fetches downloads more.",
                code="no_volatility",
            )
        return found

    def volatility(self, at: datetime) -> float:
        """Return the volatility that the sessions have shown that were over; NaN where unknown."""
        days, known = self._history
        sessions = sessions_for(self.underlying, first_ts=_ns(at), last_ts=_ns(at))
        over = int(np.searchsorted(sessions.closes, _ns(at), side="right"))
        if not over:
            return math.nan
        place = int(np.searchsorted(days, sessions.dates[over - 1], side="right"))
        return float(known[place - 1]) if place else math.nan

    def day(self, at: datetime) -> float:
        """Return the session's date as days from 1970-01-01, less the part of it that is left.

        Out of hours it is that of the next open.
        """
        moment = _ns(at)
        sessions = sessions_for(self.underlying, first_ts=moment, last_ts=moment)
        place = int(np.searchsorted(sessions.closes, moment, side="left"))
        opens, closes = int(sessions.opens[place]), int(sessions.closes[place])
        left = (closes - max(moment, opens)) / (closes - opens)
        return float(sessions.dates[place]) - left

    def bar_opens_at(self, opened_at: datetime, interval: str) -> datetime:
        """Return when a bar opened: daily ones carry their session's date."""
        if interval_get(interval).intraday:
            return opened_at
        sessions = sessions_for(self.underlying, first_ts=_ns(opened_at), last_ts=_ns(opened_at))
        place = int(np.searchsorted(sessions.dates, _ns(opened_at) // NS_PER_DAY))
        return datetime.fromtimestamp(int(sessions.opens[place]) // NS_PER_S, tz=UTC)

    def close_on(self, terms: ContractTerms) -> Decimal | None:
        """Return the underlying's last close up to the contract's end, as traded.

        None until there is a daily bar of its last session, or a later one.
        """
        try:
            bars = bars_read(
                symbol=self.underlying.symbol,
                interval=DAILY,
                adjusted=False,
                owner_id=self._owner_id,
            ).bars
        except InvalidInput:
            return None
        last = terms.last_session(self.underlying)
        days = bars.ts // NS_PER_DAY
        if days[-1] < last:
            return None
        place = int(np.searchsorted(days, last, side="right"))
        return Decimal(repr(float(bars.close[place - 1]))) if place else None

    @cached_property
    def _history(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the sessions there are bars of, and the volatility known at each one's close."""
        try:
            bars = bars_read(
                symbol=self.underlying.symbol, interval=DAILY, owner_id=self._owner_id
            ).bars
        except InvalidInput:
            return np.empty(0, np.int64), np.empty(0)
        days = bars.ts // NS_PER_DAY
        ends = np.ones(len(bars), np.bool_)
        return days, measured_volatility(bars.close, days=days, ends=ends, config=self.config)

    def _quote(
        self, terms: ContractTerms, spot: Decimal, vol: float, day: float
    ) -> ContractQuote | None:
        mids = mid_prices([terms.contract], spot=float(spot), vol=vol, day=day, config=self.config)
        if not np.isfinite(mids).all():
            return None
        both = np.repeat(mids, 2)
        bid, ask = paid_prices(both, np.array([-1.0, 1.0]), self.config)
        return ContractQuote(*(_decimal(price) for price in (mids[0], bid, ask)))


def contract_quote_get(
    terms: ContractTerms, *, owner_id: UUID | None, now: datetime
) -> Quote | None:
    """Return what the model says of a contract now as a quote; None where it has no price."""
    try:
        underlying = instrument_get(terms.underlying, owner_id=owner_id)
        last = instrument_price(underlying, owner_id=owner_id)
        market = ModelMarket(underlying, owner_id=owner_id)
        mid = market.quote(terms, spot=last.price, at=now).mid
    except InvalidInput:
        return None
    return Quote(terms.symbol, f"{mid.normalize():f}", last.ts, asked_at=now, provider=MODEL)


def _decimal(price: float) -> Decimal:
    return Decimal(repr(float(price))).quantize(STEP)


def _ns(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1_000
