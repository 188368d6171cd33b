"""Realised volatility by the estimators that use more or less of a bar."""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from core.indicators.declare import choice, number, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.rolling import (
    change,
    previous,
    rolling_mean,
    rolling_sum,
    rolling_variance,
)
from core.indicators.spec import Spec

_NEED_THE_BAR_BEFORE = frozenset({"close", "yang_zhang"})


def realized_volatility(
    open_: Series, high: Series, low: Series, close: Series, period: int, *settings: float | str
) -> Series:
    """Return the volatility of the window as a fraction a year.

    Parameters
    ----------
    open_, high, low, close : array, shape (n,)
    period : int
    *settings : str and float
        ``estimator, periods_per_year``. The estimators of the variance of a bar:

        - "close": sample variance of the log returns from close to close;
        - "parkinson" (1980): mean of ``ln(H/L)^2 / (4 ln 2)``;
        - "garman_klass" (1980): mean of ``ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2``;
        - "rogers_satchell" (1991): mean of ``ln(H/C) ln(H/O) + ln(L/C) ln(L/O)``;
        - "yang_zhang" (2000): sample variance of the overnight ``ln(O/C')``, plus k times that
          of ``ln(C/O)``, plus ``1 - k`` times Rogers-Satchell, with
          ``k = 0.34 / (1.34 + (n + 1) / (n - 1))``.

    Returns
    -------
    array, shape (n,)
        NaN for the first ``period - 1`` bars (`period` with "close" and "yang_zhang", which need
        the close before) and wherever a price of the window is not above zero; 0 where the
        window is flat.

    Notes
    -----
    All but "yang_zhang" and "close" leave out what happens between a close and the next open.
    """
    estimator, periods_per_year = settings
    result = _variance(str(estimator), (open_, high, low, close), period)
    np.maximum(result, 0.0, out=result)
    np.sqrt(result, out=result)
    result *= sqrt(float(periods_per_year))
    if not all(prices.min(initial=1.0) > 0.0 for prices in (open_, high, low, close)):
        valid = (open_ > 0.0) & (high > 0.0) & (low > 0.0) & (close > 0.0)
        reach = period + (estimator in _NEED_THE_BAR_BEFORE)
        bad = rolling_sum(np.concatenate((np.zeros(reach - 1), ~valid)), reach)[reach - 1 :]
        result[bad > 0.0] = np.nan
    return result


def _variance(estimator: str, prices: tuple[Series, ...], period: int) -> Series:
    """Return the mean variance of a bar in each window."""
    if estimator == "close":
        return rolling_variance(change(_log(prices[3])), period)
    if estimator == "parkinson":
        span = _log(prices[1]) - _log(prices[2])
        return rolling_mean(np.square(span, out=span), period) / (4.0 * log(2.0))
    opened, top, bottom, closed = (_log(column) for column in prices)
    if estimator == "garman_klass":
        body = (2.0 * log(2.0) - 1.0) * (closed - opened) ** 2
        return rolling_mean((top - bottom) ** 2 / 2.0 - body, period)
    drift_free = (top - closed) * (top - opened) + (bottom - closed) * (bottom - opened)
    rogers_satchell = rolling_mean(drift_free, period)
    if estimator == "rogers_satchell":
        return rogers_satchell
    share = 0.34 / (1.34 + (period + 1.0) / (period - 1.0))
    overnight = rolling_variance(opened - previous(closed), period)
    during = rolling_variance(closed - opened, period)
    result: Series = overnight + share * during + (1.0 - share) * rogers_satchell
    return result


def _log(prices: Series) -> Series:
    """Return the logarithm, 0 of what has none."""
    return np.log(prices, out=np.zeros_like(prices), where=prices > 0.0)


INDICATORS = (
    indicator_build(
        Spec(
            name="realized_volatility",
            title="Realised Volatility",
            group="volatility",
            inputs=("open", "high", "low", "close"),
            parameters=(
                window(20),
                choice(
                    "estimator",
                    "close",
                    "What is measured of a bar.",
                    "parkinson",
                    "garman_klass",
                    "rogers_satchell",
                    "yang_zhang",
                ),
                number(
                    "periods_per_year",
                    252.0,
                    "Bars in a year, for the annual rate; 1 leaves it per bar.",
                    "annualization",
                    minimum=1.0,
                    maximum=10_000_000.0,
                ),
            ),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Volatility of the window as a fraction a year, from closes (sample "
            "deviation of log returns) or by Parkinson (1980), Garman and Klass (1980), Rogers "
            "and Satchell (1991), or Yang and Zhang (2000). NaN where a price is not positive.",
            aliases=("realised_volatility", "historical_volatility", "hv", "volatility"),
        ),
        kernel=realized_volatility,
        warmup=lambda period, estimator, _per_year: int(
            period - 1 + (estimator in _NEED_THE_BAR_BEFORE)
        ),
    ),
)
