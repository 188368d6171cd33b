"""Options as instruments: derived from what they are on, and never stored for that.

A contract is called by its symbol of the Options Symbology Initiative, without padding:
`AAPL240119P00150000`. Whoever knows the underlying knows all its contracts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import numpy as np

from core.engine.option_rules import Right
from core.options.contract import Contract, contract_parse, contract_symbol
from market.calendars import NS_PER_DAY, NS_PER_S, Tradable, sessions_for
from market.choices import AssetClass
from market.models import Instrument

EPOCH: Final = date(1970, 1, 1)
TICK: Final = Decimal("0.01")
HOW_NAMED: Final = (
    "the underlying, the expiry as YYMMDD, C or P, and the strike in thousandths with eight "
    "digits, such as AAPL270115P00150000"
)


class ContractTerms(NamedTuple):
    """What a contract's symbol says.

    Attributes
    ----------
    underlying : str
    right : "call" or "put"
    strike : Decimal
    expiry : date
        The last day on which it can be traded, in the exchange's time zone.
    """

    underlying: str
    right: str
    strike: Decimal
    expiry: date

    @property
    def symbol(self) -> str:
        """The contract's symbol, without padding."""
        return contract_symbol(self.contract, self.underlying)

    @property
    def contract(self) -> Contract:
        """The contract as the model takes it."""
        right = Right.CALL if self.right == "call" else Right.PUT
        return Contract(right, float(self.strike), (self.expiry - EPOCH).days)

    @property
    def letter(self) -> Literal["C", "P"]:
        """The right, as it stands in the symbol."""
        return "C" if self.right == "call" else "P"

    @property
    def sign(self) -> int:
        """1 for a call, -1 for a put."""
        return 1 if self.right == "call" else -1

    def inside(self, price: Decimal) -> Decimal:
        """Return by how much it is in the money, below zero where it is out of it."""
        return self.sign * (price - self.strike)

    def last_session(self, tradable: Tradable) -> int:
        """Return days from 1970-01-01 to the session at whose close it expires."""
        return int(self._last(tradable)[0])

    def ends_at(self, tradable: Tradable) -> datetime:
        """Return when it expires: at the close of its last session, as the exchange has them.

        An expiry on which the exchange is closed means the session before.
        """
        return datetime.fromtimestamp(self._last(tradable)[1] // NS_PER_S, tz=UTC)

    def _last(self, tradable: Tradable) -> tuple[int, int]:
        day = (self.expiry - EPOCH).days
        sessions = sessions_for(tradable, first_ts=day * NS_PER_DAY, last_ts=day * NS_PER_DAY)
        place = int(np.searchsorted(sessions.dates, day, side="right")) - 1
        return int(sessions.dates[place]), int(sessions.closes[place])


def contract_terms(symbol: str) -> ContractTerms | None:
    """Return what a symbol says of a contract; None where it names none."""
    named = contract_parse(symbol)
    if named is None:
        return None
    right, strike, days = named.contract
    return ContractTerms(
        underlying=named.underlying,
        right="call" if right == Right.CALL else "put",
        strike=Decimal(repr(strike)),
        expiry=EPOCH + timedelta(days=days),
    )


def contract_instrument(terms: ContractTerms, underlying: Instrument) -> Instrument:
    """Return a contract as what is traded; the row is not saved."""
    strike = f"{terms.strike.normalize():f}"
    return Instrument(
        owner_id=underlying.owner_id,
        symbol=terms.symbol,
        name=f"{underlying.symbol} {terms.expiry} {strike} {terms.right}",
        asset_class=AssetClass.OPTION,
        exchange=underlying.exchange,
        calendar=underlying.calendar,
        timezone=underlying.timezone,
        currency=underlying.currency,
        tick_size=TICK,
        multiplier=underlying.contract_size,
        periods_per_year=underlying.periods_per_year,
    )
