"""Options as instruments: derived from what they are on, and never stored for that.

A contract is called by its symbol of the Options Symbology Initiative, without padding:
`AAPL240119P00150000`. Whoever knows the underlying knows all its contracts.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from core.engine.option_rules import Right
from core.options.contract import Contract, contract_parse, contract_symbol
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
        right = Right.CALL if self.right == "call" else Right.PUT
        days = (self.expiry - EPOCH).days
        return contract_symbol(Contract(right, float(self.strike), days), self.underlying)

    @property
    def sign(self) -> int:
        """1 for a call, -1 for a put."""
        return 1 if self.right == "call" else -1

    def inside(self, price: Decimal) -> Decimal:
        """Return by how much it is in the money, below zero where it is out of it."""
        return self.sign * (price - self.strike)


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
