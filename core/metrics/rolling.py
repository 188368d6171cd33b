"""Risk and reward of the last periods, at each of them: series for charts.

Each value depends on its own window alone, so a longer history never changes it. NaN stands where
the window is not full yet, holds a value that is not finite, or defines nothing.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from core.errors import Detail, InvalidInput
from core.indicators.jit import SERIES, WHOLE, looped

Series = NDArray[np.float64]


@looped(SERIES, SERIES, WHOLE)
def _windows_scan(
    first: Series, second: Series, window: int
) -> tuple[Series, Series, Series, Series]:
    """Return, per window, the mean and deviation of the first, the latter's, their covariance."""
    count = first.shape[0]
    mean, deviation, other, covariance = (
        np.full(count, np.nan),
        np.full(count, np.nan),
        np.full(count, np.nan),
        np.full(count, np.nan),
    )
    for end in range(window, count + 1):
        total = total_other = 0.0
        for index in range(end - window, end):
            total += first[index]
            total_other += second[index]
        center, center_other = total / window, total_other / window
        squares = squares_other = products = 0.0
        for index in range(end - window, end):
            distance = first[index] - center
            distance_other = second[index] - center_other
            squares += distance * distance
            squares_other += distance_other * distance_other
            products += distance * distance_other
        mean[end - 1] = center
        deviation[end - 1] = np.sqrt(squares / (window - 1))
        other[end - 1] = np.sqrt(squares_other / (window - 1))
        covariance[end - 1] = products / (window - 1)
    return mean, deviation, other, covariance


_ROUNDING = 1e-14
"""Deviation below which returns do not vary but for rounding."""


def rolling_volatility(returns: Series, *, window: int, periods_per_year: float) -> Series:
    """Return the annualised sample deviation of the last `window` returns, fractions.

    Parameters
    ----------
    returns : array of float64, shape (n,)
        As `core.metrics.periods.session_returns` gives them.
    window : int
        At least 2; 63 sessions are a quarter of a year.
    periods_per_year : float
        Returns a year.

    Returns
    -------
    array of float64, shape (n,)
        NaN at the first ``window - 1``; 0.0 where the returns do not vary.
    """
    _, deviation, _, _ = _windows(returns, returns, window)
    return deviation * sqrt(periods_per_year)


def rolling_sharpe(returns: Series, *, window: int, periods_per_year: float) -> Series:
    """Return the annualised Sharpe ratio of the last `window` returns; see `rolling_volatility`.

    NaN also where the returns of a window do not vary.
    """
    mean, deviation, _, _ = _windows(returns, returns, window)
    deviation[deviation == 0.0] = np.nan
    return mean / deviation * sqrt(periods_per_year)


def rolling_beta(returns: Series, market: Series, *, window: int) -> Series:
    """Return the slope of the last `window` returns on the benchmark's; see `rolling_volatility`.

    NaN also where the benchmark's returns of a window do not vary.
    """
    _, _, spread, covariance = _windows(returns, market, window)
    spread[spread == 0.0] = np.nan
    return covariance / (spread * spread)


def _windows(first: Series, second: Series, window: int) -> tuple[Series, Series, Series, Series]:
    if window < 2:
        message = f"A window must span at least 2 returns, not {window}."
        raise InvalidInput(
            message, details=[Detail("window", "out_of_range", message, None, window)]
        )
    if len(first) != len(second):
        message = f"Both series must have one length, but have {len(first)} and {len(second)}."
        raise InvalidInput(message, details=[Detail("market", "length", message, None, None)])
    mean, deviation, other, covariance = _windows_scan(
        np.ascontiguousarray(first, dtype=np.float64),
        np.ascontiguousarray(second, dtype=np.float64),
        window,
    )
    deviation[deviation <= np.maximum(1e-12 * np.abs(mean), _ROUNDING)] = 0.0
    other[other <= _ROUNDING] = 0.0
    return mean, deviation, other, covariance
