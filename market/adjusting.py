"""Raw bars in the prices somebody asks for, with what those prices leave to be booked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from market.actions import NOTHING, Actions, actions_find
from market.calendars import Tradable
from market.choices import Adjustment
from market.history import History, bars_scale
from market.intervals import Interval
from market.resampling import bars_coarser, values_coarser


@dataclass(frozen=True, slots=True, eq=False)
class PricedBars:
    """Bars in an adjustment.

    Attributes
    ----------
    bars : Bars
    actions : Actions
        What is not in the prices, in their money, by place in these bars.
    """

    bars: Bars
    actions: Actions = NOTHING

    def __len__(self) -> int:
        return len(self.bars)


def history_price(history: History, *, adjustment: str) -> PricedBars:
    """Return bars of their own interval in an adjustment."""
    if adjustment == Adjustment.ALL:
        return PricedBars(history.adjusted())
    actions = actions_find(history)
    if adjustment == Adjustment.RAW:
        return PricedBars(history.bars, actions)
    factor = split_factor(history, actions)
    return PricedBars(
        bars_scale(history.bars, price=factor, units=factor),
        replace(
            actions,
            splits=np.ones(actions.rows.size),
            dividends=actions.dividends * factor[actions.rows],
        ),
    )


def split_factor(history: History, actions: Actions) -> NDArray[np.float64]:
    """Return for each bar what later splits make of its price, those after the last bar too."""
    factor = actions.split_factor(len(history))
    return factor * history.split[-1] if len(history) else factor


def history_price_coarser(
    history: History, *, adjustment: str, instrument: Tradable, interval: Interval, to: Interval
) -> PricedBars:
    """Return coarser bars in an adjustment.

    All that went into a bar is in its own units, those after the splits within it: a week with a
    split on Wednesday is told in the units of Friday. Its splits and dividends count from its open
    on.
    """

    def coarser(bars: Bars) -> Bars:
        return bars_coarser(bars, instrument=instrument, interval=interval, to=to)

    def at_last(values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value of the last fine bar up to the end of each coarse one."""
        return values_coarser(
            values, history.bars.ts, instrument=instrument, interval=interval, to=to
        )

    if adjustment == Adjustment.ALL:
        return PricedBars(coarser(history.adjusted()))
    actions = actions_find(history)
    if not actions.rows.size:
        same = history_price(history, adjustment=adjustment)
        return PricedBars(coarser(same.bars))
    factor = split_factor(history, actions)
    paid = np.zeros(len(history))
    paid[actions.rows] = actions.dividends * factor[actions.rows]
    bars = coarser(bars_scale(history.bars, price=factor, units=factor))
    # Differences of running values: what happened outside of all coarse bars goes to the next one.
    units, total = at_last(factor), at_last(np.cumsum(paid))
    splits = np.append(1.0, units[1:] / units[:-1])
    cash = np.append(0.0, np.diff(total))
    if adjustment == Adjustment.RAW:
        bars, cash = bars_scale(bars, price=1.0 / units, units=1.0 / units), cash / units
    else:
        splits = np.ones(len(bars))
    rows = np.flatnonzero((splits != 1.0) | (cash > 0.0))
    return PricedBars(bars, Actions(rows, splits[rows], cash[rows]))
