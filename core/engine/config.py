"""The configuration of a run: money, costs and the rules of the account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from core.engine.allocation import Allocation
from core.engine.fees import Commission
from core.engine.section import Section, bounded, fault
from core.errors import Detail

__all__ = ["Allocation", "Commission", "RunConfig", "Slippage"]

_MOST_BPS: Final = 5_000.0
_NO_COMMISSION: Final = Commission()
_NOTHING_SHARED: Final = Allocation()


@dataclass(frozen=True, slots=True)
class Slippage(Section):
    """What market and stop orders lose against the price they aim at.

    Attributes
    ----------
    model : "fixed", "volume_share" or "volatility"
        What comes on top of `bps`: nothing; `impact` times the square of the order's share in the
        volume of its bar; `impact` times the deviation of the returns of the last `window` bars.
    bps : float
        Basis points of the price.
    impact : float
        Factor of the model.
    window : int
        Bars that the volatility is measured over.
    """

    bps: float = bounded(0.0, minimum=0.0, below=10_000.0)
    model: Literal["fixed", "volume_share", "volatility"] = "fixed"
    impact: float = bounded(0.1, minimum=0.0, maximum=1.0)
    window: int = bounded(20, minimum=2, maximum=100_000)

    def conflicts(self) -> list[Detail]:
        """Return the fault of a model that could lose the whole price."""
        if self.model == "fixed" or self.bps < _MOST_BPS:
            return []
        rule = f"must be below {_MOST_BPS:g} beside a model"
        return [fault("bps", "conflict", rule, f"< {_MOST_BPS:g}", self.bps)]


@dataclass(frozen=True, slots=True)
class RunConfig(Section):
    """Everything about a run that is neither the program nor the data.

    Attributes
    ----------
    cash : float
        Initial cash.
    commission : Commission
    slippage : Slippage
    spread : float
        Bid-ask spread as a fraction of the price, paid in full by the entry: bars hold the price
        at which positions close. Slippage is a fraction of the same price; the two add up.
    margin : float
        Share of a position's value that must be covered by equity when it is opened; 1 is an
        account without credit. Its inverse is the leverage: sizes by percent of equity are
        shares of what the equity can buy with it.
    maintenance_margin : float or None
        Share below which the position is liquidated at the next open; None: never.
    borrow_rate : float
        Fee for borrowed shares: a fraction a year of the value of a short position.
    financing_rate : float
        Interest on borrowed money: a fraction a year of cash below zero. Both are paid for each
        calendar day to which a position is held, a 365th a day.
    trade_on_close : bool
        Market orders fill at the close of the bar that decided them, which nobody can do.
    liquidate_at_end : bool
        Close open positions at the last close.
    exclusive : bool
        An entry from the opposite side closes the position before it opens its own; otherwise
        its units are netted against the position.
    profile : "standard" or "reference"
        "reference" reproduces backtesting.py 0.6.6, faults included.
    fractional : bool
        Quantities may be any fraction of a unit.
    lot_size : float
        Quantities are multiples of it, rounded down, unless `fractional`.
    tick_size : float
        Prices of orders and guards are multiples of it, rounded away from the market; 0: any price.
    min_notional : float
        Entries worth less are rejected.
    participation : float or None
        Share of a bar's volume that orders may take; None: volume limits nothing.
    allocation : Allocation
        How the instruments of a run share its account.
    seed : int
        For models that draw random numbers; kept with the run.
    """

    cash: float = bounded(10_000.0, above=0.0)
    commission: Commission = _NO_COMMISSION
    slippage: Slippage = Slippage()
    spread: float = bounded(0.0, minimum=0.0, below=1.0)
    margin: float = bounded(1.0, above=0.0, maximum=1.0)
    maintenance_margin: float | None = bounded(None, above=0.0, maximum=1.0)
    borrow_rate: float = bounded(0.0, minimum=0.0, maximum=10.0)
    financing_rate: float = bounded(0.0, minimum=0.0, maximum=10.0)
    trade_on_close: bool = False
    liquidate_at_end: bool = True
    exclusive: bool = True
    profile: Literal["standard", "reference"] = "standard"
    fractional: bool = False
    lot_size: float = bounded(1.0, above=0.0)
    tick_size: float = bounded(0.0, minimum=0.0)
    min_notional: float = bounded(0.0, minimum=0.0)
    participation: float | None = bounded(None, above=0.0, maximum=1.0)
    allocation: Allocation = _NOTHING_SHARED
    seed: int = bounded(0, minimum=0, maximum=2**63 - 1)

    def conflicts(self) -> list[Detail]:
        """Return what contradicts itself, or what the reference profile does not know."""
        faults = []
        if self.maintenance_margin is not None and self.maintenance_margin > self.margin:
            rule = f"must be at most the initial margin, {self.margin}"
            faults.append(
                fault(
                    "maintenance_margin",
                    "conflict",
                    rule,
                    f"<= {self.margin}",
                    self.maintenance_margin,
                )
            )
        if self.fractional and self.lot_size != 1.0:
            rule = "has no meaning with fractional quantities; leave one of the two out"
            faults.append(fault("lot_size", "conflict", rule, 1.0, self.lot_size))
        if self.profile == "reference":
            faults.extend(self._reference_conflicts())
        return faults

    def _reference_conflicts(self) -> list[Detail]:
        """backtesting.py has none of these."""
        unsupported = {
            "commission.maker": (self.commission.maker, None),
            "commission.taker": (self.commission.taker, None),
            "commission.maximum_percent": (self.commission.maximum_percent, None),
            "commission.buy_percent": (self.commission.buy_percent, 0.0),
            "commission.sell_percent": (self.commission.sell_percent, 0.0),
            "commission.sell_per_order": (self.commission.sell_per_order, 0.0),
            "commission.sell_per_unit": (self.commission.sell_per_unit, 0.0),
            "slippage.bps": (self.slippage.bps, 0.0),
            "slippage.model": (self.slippage.model, "fixed"),
            "borrow_rate": (self.borrow_rate, 0.0),
            "financing_rate": (self.financing_rate, 0.0),
            "maintenance_margin": (self.maintenance_margin, None),
            "exclusive": (self.exclusive, True),
            "fractional": (self.fractional, False),
            "lot_size": (self.lot_size, 1.0),
            "tick_size": (self.tick_size, 0.0),
            "min_notional": (self.min_notional, 0.0),
            "participation": (self.participation, None),
        }
        rule = "is not known to the reference profile; leave it out"
        return [
            fault(name, "conflict", rule, expected, value)
            for name, (value, expected) in unsupported.items()
            if value != expected
        ]
