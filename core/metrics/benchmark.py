"""How returns relate to those of a benchmark over the same periods."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from core.metrics.distribution import Moments, deviation
from core.metrics.ratios import sharpe
from core.metrics.scans import pair_scan
from core.metrics.value import Undefined, Value, scaled


@dataclass(frozen=True, slots=True)
class Pair:
    """Sums over the returns of a strategy and of its benchmark.

    Attributes
    ----------
    returns, market, excess : Moments
        Count, sum and squares around the mean of the returns, of the benchmark's, and of what the
        former exceed the latter by.
    product : float
        Sum of the products of the distances from the two means.
    """

    returns: Moments
    market: Moments
    excess: Moments
    product: float


def pair(returns: NDArray[np.float64], market: NDArray[np.float64]) -> Pair:
    """Return the sums over two series of returns, arrays of float64 of one length."""
    count = len(returns)
    if count == 0:
        return Pair(Moments(0), Moments(0), Moments(0), 0.0)
    ours, theirs, our_second, their_second, excess_second, product = pair_scan(
        np.ascontiguousarray(returns, dtype=np.float64),
        np.ascontiguousarray(market, dtype=np.float64),
    )
    return Pair(
        Moments(count, ours, our_second),
        Moments(count, theirs, their_second),
        Moments(count, ours - theirs, excess_second),
        product,
    )


def beta(of: Pair) -> Value:
    """Return the slope of the returns on the benchmark's: ``cov(r, b) / var(b)``.

    As empyrical and quantstats. Undefined for fewer than two returns or a benchmark that does not
    vary.
    """
    spread = deviation(of.market)
    if isinstance(spread, Undefined):
        return spread
    if spread == 0.0:
        return Undefined("the benchmark does not vary")
    return of.product / of.market.second


def alpha(of: Pair, periods_per_year: float) -> Value:
    """Return Jensen's alpha, a fraction a year: what beta times the benchmark does not explain.

    ``(mean(r) - beta * mean(b)) * periods_per_year``, arithmetic, as Jensen (1968) and
    quantstats; empyrical compounds it.
    """
    slope = beta(of)
    if isinstance(slope, Undefined):
        return slope
    return (of.returns.total - slope * of.market.total) / of.returns.count * periods_per_year


def correlation(of: Pair) -> Value:
    """Return Pearson's correlation of the returns with the benchmark's, in [-1, 1].

    Undefined for fewer than two returns, or where one of the two does not vary.
    """
    slope = beta(of)
    if isinstance(slope, Undefined):
        return slope
    if deviation(of.returns) == 0.0:
        return Undefined("the returns do not vary")
    # The roots first: the product of two sums of squares may be too small to be a number.
    found = of.product / (sqrt(of.returns.second) * sqrt(of.market.second))
    return min(1.0, max(-1.0, found))


def tracking_error(of: Pair, periods_per_year: float) -> Value:
    """Return the annualised sample deviation of the excess over the benchmark, a fraction.

    Grinold and Kahn (1999). 0.0 for a run that is its benchmark; undefined for fewer than two
    returns.
    """
    return scaled(deviation(of.excess), sqrt(periods_per_year))


def information_ratio(of: Pair, periods_per_year: float) -> Value:
    """Return the annualised mean of the excess over the benchmark, over its deviation.

    Goodwin (1998). quantstats does not annualise. Undefined where the excess does not vary.
    """
    if deviation(of.excess) == 0.0:
        return Undefined("the excess over the benchmark does not vary")
    return sharpe(of.excess, periods_per_year)
