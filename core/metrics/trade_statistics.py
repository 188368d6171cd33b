"""Statistics of closed trades.

Profit is a trade's own, in account currency, net of all costs; returns are fractions of the
trade's own entry value. A trade that made exactly nothing is neither won nor lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.metrics.trade_scans import trades_scan
from core.metrics.value import Undefined, Value

_NO_LOSS: Final = Undefined("there was no losing trade")
_NO_WIN: Final = Undefined("there was no winning trade")
_FLAT: Final = 1e-12
"""Deviation over mean below which profits do not vary but for rounding."""

Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TradeSums:
    """Sums over at least one trade, from which the statistics follow.

    Attributes
    ----------
    count : int
        Number of trades.
    profit, second : float
        Sum of the profits, and of the squares of their distances from the mean.
    won, lost : float
        Sum of what was won and of what was lost, both >= 0.
    wins, losses : int
        Number of trades that won and that lost.
    wins_in_a_row, losses_in_a_row : int
        Longest rows in the order of exits; a trade that made exactly nothing ends both.
    returns, best, worst : float
        Sum, highest and lowest of the returns.
    log_growth : float
        Sum of ``log(1 + return)``; without meaning where a trade lost all or more.
    """

    count: int
    profit: float
    second: float
    won: float
    wins: int
    lost: float
    losses: int
    wins_in_a_row: int
    losses_in_a_row: int
    returns: float
    best: float
    worst: float
    log_growth: float


def trade_sums(pnl: Series, returns: Series) -> TradeSums | Undefined:
    """Return the sums over the profits and returns of trades, in the order of their exits.

    Undefined without trades, or where a number of them is not finite.
    """
    if len(pnl) == 0:
        return Undefined("there were no trades")
    of = TradeSums(len(pnl), *trades_scan(pnl, returns))
    if isfinite(of.profit) and isfinite(of.returns):
        return of
    return Undefined("the profit of a trade is not a finite number")


def winrate(of: TradeSums) -> Value:
    """Return the share of trades with a profit above zero, a fraction."""
    return of.wins / of.count


def profit_factor(of: TradeSums) -> Value:
    """Return the sum of profits over the sum of losses, in money.

    Undefined without a losing trade (many libraries say infinity). backtesting.py sums the
    returns of the trades instead of money.
    """
    return of.won / of.lost if of.lost > 0.0 else _NO_LOSS


def average_win(of: TradeSums) -> Value:
    """Return the mean profit of the winning trades, in money."""
    return of.won / of.wins if of.wins else _NO_WIN


def average_loss(of: TradeSums) -> Value:
    """Return the mean profit of the losing trades, in money: below zero."""
    return -of.lost / of.losses if of.losses else _NO_LOSS


def payoff(of: TradeSums) -> Value:
    """Return the mean profit of winning trades over the mean loss of losing ones, in money."""
    lost, won = average_loss(of), average_win(of)
    if isinstance(lost, Undefined):
        return lost
    return won if isinstance(won, Undefined) else won / -lost


def average_profit(of: TradeSums) -> Value:
    """Return the expectancy in money: the mean profit of a trade (Tharp 1998)."""
    return of.profit / of.count


def expectancy(of: TradeSums) -> Value:
    """Return the arithmetic mean of the trades' returns, a fraction: backtesting.py's too."""
    return of.returns / of.count


def average_trade(of: TradeSums) -> Value:
    """Return the geometric mean of the trades' returns, a fraction.

    What each trade would have had to return for the same compound result; backtesting.py's
    "Avg. Trade". Never above the expectancy. Undefined where a trade lost all or more.
    """
    if of.worst <= -1.0:
        return Undefined("a trade lost all it was worth or more")
    exponent = of.log_growth / of.count
    return exp(exponent) - 1.0 if exponent < 700.0 else Undefined("the result is too large")


def sqn(of: TradeSums) -> Value:
    """Return the system quality number: ``sqrt(trades) * mean(pnl) / deviation(pnl)``.

    Van Tharp's, on profit in money as in backtesting.py (his own uses multiples of the initial
    risk and caps the count at 100). Undefined for fewer than two trades or equal ones.
    """
    if of.count < 2:
        return Undefined("there are fewer than two trades")
    mean = of.profit / of.count
    spread = sqrt(of.second / (of.count - 1))
    if spread <= _FLAT * abs(mean):
        return Undefined("all trades made the same")
    return sqrt(of.count) * mean / spread


def kelly(of: TradeSums) -> Value:
    """Return the Kelly fraction ``winrate - (1 - winrate) / payoff``.

    Kelly (1956) for two outcomes of average size. Negative where the edge is. Undefined
    without a winning or a losing trade.
    """
    ratio = payoff(of)
    if isinstance(ratio, Undefined):
        return ratio
    if ratio == 0.0:
        return Undefined("what was won is nothing beside what was lost")
    share = of.wins / of.count
    return share - (1.0 - share) / ratio
