"""Returns of an equity curve and what describes their distribution.

Returns are fractions, one per period. Periods are sessions: the bars of a daily or longer
interval themselves, else the last bar of each session (`period_ends`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, floor, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.metrics.scans import day_ends, returns_scan
from core.metrics.value import Undefined, Value, scaled

NS_PER_DAY: Final = 86_400_000_000_000
DAYS_PER_YEAR: Final = 365.25
MINIMUM_FOR_TAIL: Final = 20
"""Fewer returns than this hold no observation in their worst 5 %."""

_FLAT: Final = 1e-12
"""Deviation over mean below which a series does not vary but for rounding."""


def period_ends(
    ts: NDArray[np.int64], session_ids: NDArray[np.integer] | None = None
) -> NDArray[np.int64]:
    """Return the index of the last bar of each session.

    Parameters
    ----------
    ts : array of int64, shape (n,)
        Bar-open times, UTC nanoseconds, increasing.
    session_ids : array of int, shape (n,), optional
        A number per bar that is the same within a session of the exchange. Without it, days are
        those of UTC.

    Returns
    -------
    array of int64
        Empty for no bars; every index for daily or longer bars.
    """
    if len(ts) == 0:
        return np.empty(0, dtype=np.int64)
    if session_ids is None:
        ends: NDArray[np.int64] = day_ends(np.ascontiguousarray(ts, dtype=np.int64), NS_PER_DAY)
        return ends
    changes = np.flatnonzero(session_ids[1:] != session_ids[:-1])
    return np.append(changes, len(ts) - 1)


def simple_returns(
    values: NDArray[np.float64], *, of: str = "equity"
) -> NDArray[np.float64] | Undefined:
    """Return ``values[i] / values[i - 1] - 1``.

    Parameters
    ----------
    values : array, shape (n,)
        Equity or prices at the end of each period.
    of : str
        What the values are, for the reason.

    Returns
    -------
    array, shape (n - 1,), or Undefined
        Empty for fewer than two values. Undefined where a value is zero or negative: nothing
        can be earned on it.
    """
    if (values <= 0.0).any():
        return Undefined(f"{of} fell to zero or below, and a return on that means nothing")
    return values[1:] / values[:-1] - 1.0


def total_return(initial: float, final: float) -> Value:
    """Return the gain over the whole run, a fraction of the initial cash.

    ``final / initial - 1``. -1 is a total loss; a debt at the end goes below.
    """
    if initial <= 0.0:
        return Undefined("there was no initial cash")
    return final / initial - 1.0


def cagr(initial: float, final: float, span_ns: int) -> Value:
    """Return the compound annual growth rate, a fraction a year.

    ``(final / initial) ** (1 / years) - 1`` with calendar years of 365.25 days between the first
    and the last bar. backtesting.py and empyrical count bars as 1/252 of a year instead, which
    differs for holidays and for markets that trade at week-ends. Undefined for a span of zero,
    for a final value of zero or below, and where the result exceeds what a number holds.
    """
    if span_ns <= 0:
        return Undefined("the run has no duration")
    if initial <= 0.0:
        return Undefined("there was no initial cash")
    if final <= 0.0:
        return Undefined("nothing was left at the end")
    exponent = log(final / initial) * DAYS_PER_YEAR * NS_PER_DAY / span_ns
    if exponent > 700.0:
        return Undefined("the run is too short to be annualised")
    return exp(exponent) - 1.0


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over a series of returns, from which most metrics follow.

    Attributes
    ----------
    count : int
        Number of returns.
    total : float
        Their sum.
    second, third, fourth : float
        Sums of the powers of their distances from the mean.
    downside : float
        Sum of the squares of the negative ones.
    gains, losses : float
        Sums of the positive and of the negative ones, both >= 0.
    """

    count: int
    total: float = 0.0
    second: float = 0.0
    third: float = 0.0
    fourth: float = 0.0
    downside: float = 0.0
    gains: float = 0.0
    losses: float = 0.0

    @property
    def mean(self) -> float:
        """Arithmetic mean; there must be a return."""
        return self.total / self.count


def moments(returns: NDArray[np.float64]) -> Moments:
    """Return the sums over `returns`, an array of float64 of any length."""
    if len(returns) == 0:
        return Moments(0)
    return Moments(len(returns), *returns_scan(np.ascontiguousarray(returns, dtype=np.float64)))


def deviation(of: Moments) -> Value:
    """Return the sample standard deviation (divisor n - 1) of the returns.

    0.0 where they are all equal but for rounding; undefined for fewer than two.
    """
    if of.count < 2:
        return Undefined("there are fewer than two returns")
    result = sqrt(of.second / (of.count - 1))
    return 0.0 if result <= _FLAT * abs(of.mean) else result


def annual_volatility(of: Moments, periods_per_year: float) -> Value:
    """Return the annualised standard deviation of the returns, a fraction.

    ``deviation * sqrt(periods_per_year)``, as empyrical. backtesting.py compounds instead
    (``(var + (1 + mean)**2)**252 - ...``) and gives slightly larger values.
    """
    return scaled(deviation(of), sqrt(periods_per_year))


def skew(of: Moments) -> Value:
    """Return the skewness ``m3 / m2**1.5`` with population moments (scipy's default).

    pandas corrects for bias. Undefined for fewer than three returns or none that vary.
    """
    variance = _population_variance(of)
    if isinstance(variance, Undefined):
        return variance
    return of.third / of.count / (variance * sqrt(variance))


def kurtosis(of: Moments) -> Value:
    """Return the raw kurtosis ``m4 / m2**2`` with population moments: 3 for a normal.

    pandas, scipy and quantstats show the excess, which is 3 less. Undefined for fewer than
    three returns or none that vary.
    """
    variance = _population_variance(of)
    if isinstance(variance, Undefined):
        return variance
    return of.fourth / of.count / (variance * variance)


def _population_variance(of: Moments) -> Value:
    if of.count < 3:
        return Undefined("there are fewer than three returns")
    if deviation(of) == 0.0:
        return Undefined("the returns do not vary")
    return of.second / of.count


def tail_losses(returns: NDArray[np.float64], share: float = 0.05) -> tuple[Value, Value]:
    """Return historical value at risk and expected shortfall of a period, as fractions.

    Parameters
    ----------
    returns : array, shape (n,)
    share : float
        Size of the tail.

    Returns
    -------
    tuple
        ``(var, cvar)``: the `share` quantile of the returns (linear between observations, as
        numpy's and empyrical's), and the mean of the ``floor((n - 1) * share) + 1`` worst ones
        (empyrical). A loss is negative. Both undefined for fewer than 20 returns.
    """
    count = len(returns)
    if count < MINIMUM_FOR_TAIL:
        missing = Undefined(f"there are fewer than {MINIMUM_FOR_TAIL} returns")
        return missing, missing
    place = (count - 1) * share
    low = floor(place)
    ordered = np.partition(returns, (low, low + 1))
    below, above = float(ordered[low]), float(ordered[low + 1])
    return below + (above - below) * (place - low), float(ordered[: low + 1].sum()) / (low + 1)
