"""What a run with options assumes beyond the run's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from core.engine.fees import Fees
from core.engine.section import Section, bounded

_PER_CONTRACT: Final = Fees(per_unit=0.65)


@dataclass(frozen=True, slots=True)
class OptionsConfig(Section):
    """The market of synthetic options, what trading them costs, and the margin of the account.

    Attributes
    ----------
    style : "american" or "european"
        American contracts are priced by Barone-Adesi and Whaley, European ones by Black, Scholes
        and Merton.
    settlement : "physical" or "cash"
        What is in the money at its expiry delivers shares, or pays its intrinsic value.
    margin : "reg_t" or "cash"
        What short options tie up: the rules of a margin account at a US broker, or the whole
        strike of a put in cash and the shares of a call.
    rate, dividend_yield : float
        Fractions a year, compounded continuously.
    volatility_window : int
        Sessions over which the volatility is measured where none is given.
    volatility_premium : float
        Factor on what was measured: options mostly cost more than their underlying has moved.
    listed : "weekly" or "monthly"
        Which expiries there are: every Friday, or third Fridays only.
    strike_step : float or None
        Distance of strikes; by the price of the underlying where it is None.
    multiplier : int
        Shares of a contract.
    spread, minimum_spread : float
        Distance of bid and ask: a fraction of the mid price, and the least of it for one share.
        An order pays half of it each way.
    commission : Fees
        Of one order in one contract; a unit is a contract, and exercise costs nothing.
    """

    style: Literal["american", "european"] = "american"
    settlement: Literal["physical", "cash"] = "physical"
    margin: Literal["reg_t", "cash"] = "reg_t"
    rate: float = bounded(0.02, minimum=0.0, maximum=1.0)
    dividend_yield: float = bounded(0.0, minimum=0.0, maximum=1.0)
    volatility_window: int = bounded(20, minimum=2, maximum=1000)
    volatility_premium: float = bounded(1.1, above=0.0, maximum=10.0)
    listed: Literal["weekly", "monthly"] = "weekly"
    strike_step: float | None = bounded(None, above=0.0)
    multiplier: int = bounded(100, minimum=1, maximum=1_000_000)
    spread: float = bounded(0.02, minimum=0.0, maximum=1.0)
    minimum_spread: float = bounded(0.02, minimum=0.0)
    commission: Fees = _PER_CONTRACT
