"""Returns of an equity curve: from period to period, over all of it, and a year."""

from __future__ import annotations

from math import exp, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.metrics.scans import NS_PER_DAY, growth_scan
from core.metrics.value import Undefined, Value

DAYS_PER_YEAR: Final = 365.25


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
        Empty for fewer than two values. Undefined where a value is zero or negative, as nothing
        can be earned on it, or not finite.
    """
    result, positive, finite = growth_scan(np.ascontiguousarray(values, dtype=np.float64))
    if not finite:
        return Undefined(f"{of} is not a finite number at every bar")
    if not positive:
        return Undefined(f"{of} fell to zero or below, and a return on that means nothing")
    returns: NDArray[np.float64] = result
    return returns


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
