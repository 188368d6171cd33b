"""How returns are distributed: sums over them, and what follows from those.

Returns are fractions, one per period.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.metrics.scans import returns_scan
from core.metrics.value import Undefined, Value, scaled

MINIMUM_FOR_TAIL: Final = 20
"""Fewer returns than this hold no observation in their worst 5 %."""

_FLAT: Final = 1e-12
"""Deviation over mean below which a series does not vary but for rounding."""

_ROUNDING: Final = 1e-14
"""Deviation below which returns do not vary: ``1 + r`` alone is rounded by 1e-16."""


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
    return 0.0 if result <= max(_FLAT * abs(of.mean), _ROUNDING) else result


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


@dataclass(frozen=True, slots=True)
class Tails:
    """What the worst and the best periods were like.

    Attributes
    ----------
    value_at_risk : Value
        The 5 % quantile of the returns, linear between observations as numpy's and empyrical's. A
        loss is negative. quantstats takes that of a normal distribution.
    expected_shortfall : Value
        The mean of the ``floor((n - 1) * share) + 1`` worst ones (empyrical).
    ratio : Value
        The size of the 95 % quantile over that of the 5 % quantile (empyrical, quantstats): above
        1 the best periods are larger than the worst ones.
    """

    value_at_risk: Value
    expected_shortfall: Value
    ratio: Value


def tails(returns: NDArray[np.float64], share: float = 0.05) -> Tails:
    """Return historical value at risk, expected shortfall and tail ratio of a period.

    Parameters
    ----------
    returns : array, shape (n,)
    share : float
        Size of a tail, below one half.

    Returns
    -------
    Tails
        All undefined for fewer than 20 returns.
    """
    count = len(returns)
    if count < MINIMUM_FOR_TAIL:
        missing = Undefined(f"there are fewer than {MINIMUM_FOR_TAIL} returns")
        return Tails(missing, missing, missing)
    place = (count - 1) * share
    low, part = floor(place), place - floor(place)
    ordered = np.sort(returns)
    below, next_below = float(ordered[low]), float(ordered[low + 1])
    above, next_above = float(ordered[count - 1 - low]), float(ordered[count - 2 - low])
    worst = below + (next_below - below) * part
    best = above + (next_above - above) * part
    return Tails(
        value_at_risk=worst,
        expected_shortfall=float(ordered[: low + 1].sum()) / (low + 1),
        ratio=abs(best / worst) if worst != 0.0 else Undefined("the 5 % quantile is zero"),
    )
