"""How returns relate to those of a benchmark over the same periods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.metrics.ratios import sharpe
from core.metrics.returns import deviation, moments
from core.metrics.value import Undefined, Value


def beta(returns: NDArray[np.float64], benchmark: NDArray[np.float64]) -> Value:
    """Return the slope of the returns on the benchmark's: ``cov(r, b) / var(b)``.

    Undefined for fewer than two returns or a benchmark that does not vary.
    """
    of = moments(benchmark)
    spread = deviation(of)
    if isinstance(spread, Undefined):
        return spread
    if spread == 0.0:
        return Undefined("the benchmark does not vary")
    return float(((benchmark - of.mean) * returns).sum()) / of.second


def alpha(
    returns: NDArray[np.float64], benchmark: NDArray[np.float64], periods_per_year: float
) -> Value:
    """Return Jensen's alpha, a fraction a year: what beta times the benchmark does not explain.

    ``(mean(r) - beta * mean(b)) * periods_per_year``, arithmetic, as Jensen (1968); empyrical
    compounds it.
    """
    slope = beta(returns, benchmark)
    if isinstance(slope, Undefined):
        return slope
    excess = float(returns.sum()) - slope * float(benchmark.sum())
    return excess / len(returns) * periods_per_year


def information_ratio(
    returns: NDArray[np.float64], benchmark: NDArray[np.float64], periods_per_year: float
) -> Value:
    """Return the annualised mean of the excess over the benchmark, over its deviation.

    Goodwin (1998). quantstats does not annualise. Undefined where the excess does not vary.
    """
    of = moments(returns - benchmark)
    if deviation(of) == 0.0:
        return Undefined("the excess over the benchmark does not vary")
    return sharpe(of, periods_per_year)
