"""What was earned for the risk that was taken.

All ratios are annualised by the number of return periods in a year and measured against a
risk-free rate of zero.
"""

from __future__ import annotations

from math import sqrt

from core.metrics.distribution import Moments, deviation
from core.metrics.value import Undefined, Value


def sharpe(of: Moments, periods_per_year: float) -> Value:
    """Return the Sharpe ratio: ``mean / deviation * sqrt(periods_per_year)``.

    Sharpe (1994), arithmetic mean and sample deviation, as empyrical and quantstats.
    backtesting.py divides the compound annual return by its compounded volatility. Undefined
    for fewer than two returns or none that vary.
    """
    spread = deviation(of)
    if isinstance(spread, Undefined):
        return spread
    if spread == 0.0:
        return Undefined("the returns do not vary")
    return of.mean / spread * sqrt(periods_per_year)


def sortino(of: Moments, periods_per_year: float) -> Value:
    """Return the Sortino ratio: the mean over the downside deviation, annualised.

    The downside deviation is ``sqrt(mean(min(r, 0)**2))`` over all observations, not over the
    losing ones only (Sortino and Price 1994; empyrical). Undefined for no return or no loss.
    """
    if of.count == 0:
        return Undefined("there are no returns")
    if of.downside == 0.0:
        return Undefined("there was no losing period")
    return of.mean / sqrt(of.downside / of.count) * sqrt(periods_per_year)


def calmar(annual_growth: Value, max_drawdown: Value) -> Value:
    """Return the Calmar ratio: compound annual growth over the depth of the worst drawdown.

    Young (1991) over three years; here over the whole run, as most libraries. Undefined
    without a drawdown.
    """
    if isinstance(annual_growth, Undefined):
        return annual_growth
    if isinstance(max_drawdown, Undefined):
        return max_drawdown
    if max_drawdown == 0.0:
        return Undefined("there was no drawdown")
    return annual_growth / abs(max_drawdown)


def omega(of: Moments) -> Value:
    """Return the Omega ratio at a threshold of zero: sum of gains over sum of losses.

    Keating and Shadwick (2002). Undefined for no return or no loss.
    """
    if of.count == 0:
        return Undefined("there are no returns")
    return of.gains / of.losses if of.losses > 0.0 else Undefined("there was no losing period")
