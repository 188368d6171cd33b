"""What market and stop orders lose against the price they aim at, by the model of the run."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from core.engine.costs import commission, entry_price
from core.engine.jit import inlined, outlined
from core.engine.program import SizeKind
from core.engine.sizing import lots_floor
from core.engine.state import Deal, Moment, Run


class SlippageModel(IntEnum):
    """How slippage is found; beside `bps`, which all of them have."""

    FIXED = 0
    VOLUME_SHARE = 1
    VOLATILITY = 2


_FIXED = int(SlippageModel.FIXED)
_VOLUME = int(SlippageModel.VOLUME_SHARE)
_MOST = 0.5  # of the price: beyond it a model says nothing
_BY_MONEY = (
    int(SizeKind.CASH),
    int(SizeKind.PERCENT_OF_EQUITY),
    int(SizeKind.VOLATILITY_TARGET),
    int(SizeKind.KELLY),
)
_HALVINGS = 60


def return_deviation(close: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the deviation of the last `window` simple returns, known at each close.

    Of fewer where there are no more yet, and zero before there are two. Made of sums from the first
    bar on, without logarithms, so that it is the same on every machine and for every length.
    """
    returns = np.ones(close.size)
    np.divide(close[1:], close[:-1], out=returns[1:], where=close[:-1] > 0.0)
    returns -= 1.0
    first = np.maximum(np.arange(close.size) - window, 0)  # the bar before the window
    count = np.arange(close.size) - first
    sums, squares = np.cumsum(returns), np.cumsum(returns * returns)
    total, square = sums - sums[first], squares - squares[first]
    counted = np.maximum(count, 1)
    variance = (square - total * total / counted) / np.maximum(count - 1, 1)
    found: NDArray[np.float64] = np.sqrt(np.maximum(variance, 0.0))
    found[:2] = 0.0
    return found


@inlined
def slippage_of(run: Run, bar: int, quantity: float) -> float:
    """Return the fraction of the price that an order for `quantity` loses in `bar`."""
    if run.terms.slippage_model == _FIXED:
        fixed: float = run.terms.slippage
        return fixed
    return slippage_modelled(run, bar, quantity)


@outlined
def slippage_modelled(run: Run, bar: int, quantity: float) -> float:
    """Return what a model adds to the basis points; none looks at a price of its own bar.

    Of the volume: ``impact x share^2``, as zipline's VolumeShareSlippage, the share being that of
    the order in the bar's volume, at most 1. Of the volatility: ``impact`` times the deviation of
    the returns that is known at the close before.
    """
    terms, series = run.terms, run.plan.series
    moved = 0.0
    if terms.slippage_model == _VOLUME:
        if quantity > 0.0:
            share = min(quantity / series[run.plan.volume_row, bar], 1.0)
            moved = terms.impact * share * share
    else:
        moved = terms.impact * series[run.plan.volatility_row, max(bar - 1, 0)]
    slippage: float = terms.slippage + min(moved, _MOST)
    return slippage


@inlined
def moves_market(run: Run, deal: Deal) -> bool:
    """Whether what an entry pays depends on how much it buys."""
    return run.terms.slippage_model == _VOLUME and deal.slips != 0


@inlined
def moved_price(run: Run, side: int, at: Moment, deal: Deal, quantity: float) -> float:
    """Return what an entry for `quantity` pays for a unit."""
    if not moves_market(run, deal):
        return deal.paid
    return entry_price(run.terms, side, at.price, slippage_of(run, at.bar, quantity))


@outlined
def moved_quantity(run: Run, k: int, at: Moment, deal: Deal, quantity: float) -> float:
    """Return how much the money for `quantity` buys when the order itself moves the price.

    Sizes that are no sum of money stay as they are.
    """
    terms, rule = run.terms, run.plan.rules[k]
    if rule.size_kind not in _BY_MONEY or not quantity > 0.0:
        return quantity
    share = terms.fee_percent
    money = quantity * deal.paid + commission(terms, rule.side, quantity, deal.paid, share)
    least, most = 0.0, 2.0 * quantity
    for halving in range(_HALVINGS):
        middle = quantity if halving == 0 else 0.5 * (least + most)
        paid = moved_price(run, rule.side, at, deal, middle)
        if middle * paid + commission(terms, rule.side, middle, paid, share) <= money:
            least = middle
        else:
            most = middle
        if least == quantity:
            return quantity
    return lots_floor(terms, least)
