"""Statistics of closed trades.

`pnl` is a trade's profit in account currency, net of all costs; `returns` are fractions of the
trade's own entry value. A trade that made exactly nothing is neither won nor lost.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.metrics.returns import DAYS_PER_YEAR, NS_PER_DAY, deviation, moments
from core.metrics.value import Undefined, Value

_NO_TRADE: Final = Undefined("there were no trades")
_NO_LOSS: Final = Undefined("there was no losing trade")
_NO_WIN: Final = Undefined("there was no winning trade")

Series = NDArray[np.float64]


def winrate(pnl: Series) -> Value:
    """Return the share of trades with a profit above zero, a fraction."""
    return int(np.count_nonzero(pnl > 0.0)) / len(pnl) if len(pnl) else _NO_TRADE


def profit_factor(pnl: Series) -> Value:
    """Return the sum of profits over the sum of losses, in money.

    Undefined without a losing trade (many libraries say infinity). backtesting.py sums the
    returns of the trades instead of money.
    """
    if len(pnl) == 0:
        return _NO_TRADE
    lost = -float(np.minimum(pnl, 0.0).sum())
    return float(np.maximum(pnl, 0.0).sum()) / lost if lost > 0.0 else _NO_LOSS


def payoff(pnl: Series) -> Value:
    """Return the mean profit of winning trades over the mean loss of losing ones, in money."""
    if len(pnl) == 0:
        return _NO_TRADE
    won, lost = pnl[pnl > 0.0], pnl[pnl < 0.0]
    if len(lost) == 0:
        return _NO_LOSS
    if len(won) == 0:
        return _NO_WIN
    return float(won.sum()) / len(won) / (-float(lost.sum()) / len(lost))


def expectancy(returns: Series) -> Value:
    """Return the arithmetic mean of the trades' returns, a fraction: backtesting.py's too."""
    return float(returns.sum()) / len(returns) if len(returns) else _NO_TRADE


def average_trade(returns: Series) -> Value:
    """Return the geometric mean of the trades' returns, a fraction.

    What each trade would have had to return for the same compound result; backtesting.py's
    "Avg. Trade". Never above the expectancy. Undefined where a trade lost all or more.
    """
    if len(returns) == 0:
        return _NO_TRADE
    if float(returns.min()) <= -1.0:
        return Undefined("a trade lost all it was worth or more")
    return exp(float(np.log1p(returns).sum()) / len(returns)) - 1.0


def best_trade(returns: Series) -> Value:
    """Return the highest return of a trade, a fraction."""
    return float(returns.max()) if len(returns) else _NO_TRADE


def worst_trade(returns: Series) -> Value:
    """Return the lowest return of a trade, a fraction."""
    return float(returns.min()) if len(returns) else _NO_TRADE


def max_consecutive_losses(pnl: Series) -> Value:
    """Return the longest row of losing trades, in order of their exits.

    A trade that made exactly nothing ends the row.
    """
    if len(pnl) == 0:
        return _NO_TRADE
    kept = np.flatnonzero(~(pnl < 0.0))
    edges = np.concatenate(([-1], kept, [len(pnl)]))
    return int((edges[1:] - edges[:-1]).max()) - 1


def sqn(pnl: Series) -> Value:
    """Return the system quality number: ``sqrt(trades) * mean(pnl) / deviation(pnl)``.

    Van Tharp's, on profit in money as in backtesting.py (his own uses multiples of the initial
    risk and caps the count at 100). Undefined for fewer than two trades or equal ones.
    """
    if len(pnl) < 2:
        return Undefined("there are fewer than two trades")
    of = moments(pnl)
    spread = deviation(of)
    if isinstance(spread, Undefined) or spread == 0.0:
        return Undefined("all trades made the same")
    return sqrt(of.count) * of.mean / spread


def kelly(pnl: Series) -> Value:
    """Return the Kelly fraction ``winrate - (1 - winrate) / payoff``.

    Kelly (1956) for two outcomes of average size. Negative where the edge is. Undefined
    without a winning or a losing trade.
    """
    ratio = payoff(pnl)
    share = winrate(pnl)
    if isinstance(ratio, Undefined):
        return ratio
    if isinstance(share, Undefined):
        return share
    return share - (1.0 - share) / ratio


def exposure(position: Series) -> Value:
    """Return the share of bars at whose close there was a position, a fraction."""
    if len(position) == 0:
        return Undefined("there are no bars")
    return int(np.count_nonzero(position)) / len(position)


def turnover(traded_value: float, mean_equity: float, span_ns: int) -> Value:
    """Return the value traded (entries and exits) a year over the mean equity.

    2 means that the account was bought and sold once a year. Undefined for a run without
    duration, or a mean equity of zero or below.
    """
    if span_ns <= 0:
        return Undefined("the run has no duration")
    if mean_equity <= 0.0:
        return Undefined("the mean equity is not above zero")
    return traded_value / mean_equity * DAYS_PER_YEAR * NS_PER_DAY / span_ns
