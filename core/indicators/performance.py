"""How good a series was lately: ratios, risk and persistence over a moving window."""

from __future__ import annotations

from math import log2, sqrt
from typing import Final

import numpy as np
import talib

from core.indicators.declare import bars, number, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.rolling import rolling_mean, rolling_variance
from core.indicators.spec import Spec

_LAGS: Final = (1, 2, 4, 8, 16)


def rolling_sharpe(source: Series, period: int, periods_per_year: float) -> Series:
    """Return the Sharpe ratio of the last `period` changes of the source, annualised.

    W. Sharpe (1994): mean over sample deviation of the simple returns, times
    ``sqrt(periods_per_year)``, without a risk-free rate; as a run's own metrics. NaN for the
    first `period` bars and where all returns are equal.
    """
    returns = talib.ROCP(source, 1)
    deviation = np.sqrt(rolling_variance(returns, period))
    return _over(rolling_mean(returns, period), deviation, periods_per_year)


def rolling_sortino(source: Series, period: int, periods_per_year: float) -> Series:
    """Return the Sortino ratio of the last `period` changes of the source, annualised.

    F. Sortino and L. Price (1994): mean over downside deviation (the root of the mean square of
    the losses, over all bars) of the simple returns, times ``sqrt(periods_per_year)``. NaN for
    the first `period` bars and where there was no loss.
    """
    returns = talib.ROCP(source, 1)
    downside = np.sqrt(rolling_mean(np.minimum(returns, 0.0) ** 2, period))
    return _over(rolling_mean(returns, period), downside, periods_per_year)


def _over(mean: Series, deviation: Series, periods_per_year: float) -> Series:
    """Return the annualised ratio, NaN where there is no deviation."""
    result = np.full(mean.shape[0], np.nan)
    np.divide(mean, deviation, out=result, where=deviation > 0.0)
    result *= sqrt(periods_per_year)
    return result


def rolling_value_at_risk(source: Series, period: int, level: float) -> Series:
    """Return the change that all but the worst `level` of the last changes exceeded.

    Historical simulation: the nearest-rank percentile of the last `period` simple returns, a
    fraction, negative for a loss. NaN for the first `period` bars.
    """
    result: Series = talib.PERCENTILE(talib.ROCP(source, 1), period, 100.0 * level)
    return result


def hurst(source: Series, period: int) -> Series:
    """Return the Hurst exponent of the window: 0.5 random, above trending, below reverting.

    The generalised exponent of second order (T. Di Matteo, Quantitative Finance 7, 2007): half
    the slope of the least-squares line through ``log mean (x[t] - x[t - lag])^2`` over
    ``log lag``, for lags of 1, 2, 4, 8 and 16 bars inside the window. Feed the logarithm of a
    price for the usual exponent; over one window they hardly differ. NaN for the first
    ``period - 1`` bars and where the source did not move over some lag.
    """
    centre = log2(_LAGS[-1]) / 2.0
    weights = [log2(lag) - centre for lag in _LAGS]
    scale = 2.0 * sum(weight * weight for weight in weights)
    result = np.zeros(source.shape[0])
    for lag, weight in zip(_LAGS, weights, strict=True):
        squared = np.full(source.shape[0], np.nan)
        np.square(source[lag:] - source[:-lag], out=squared[lag:])
        spread = rolling_mean(squared, period - lag)
        moved = spread > 0.0
        result[~moved] = np.nan
        result += np.log2(spread, out=np.zeros_like(spread), where=moved) * (weight / scale)
    return result


_PERIODS_PER_YEAR = number(
    "periods_per_year",
    252.0,
    "Bars in a year, for the annual rate; 1 leaves it per bar.",
    "annualization",
    minimum=1.0,
    maximum=10_000_000.0,
)

INDICATORS = (
    indicator_build(
        Spec(
            name="rolling_sharpe",
            title="Rolling Sharpe Ratio",
            group="statistics",
            inputs=("source",),
            parameters=(window(63), _PERIODS_PER_YEAR),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Annualised mean over deviation of the returns of the window (Sharpe, "
            "1994). NaN where all returns are equal.",
            aliases=("sharpe", "sharpe_ratio"),
        ),
        kernel=rolling_sharpe,
        warmup=lambda period, _periods_per_year: int(period),
    ),
    indicator_build(
        Spec(
            name="rolling_sortino",
            title="Rolling Sortino Ratio",
            group="statistics",
            inputs=("source",),
            parameters=(window(63), _PERIODS_PER_YEAR),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Annualised mean over downside deviation of the returns of the window "
            "(Sortino and Price, 1994). NaN where there was no loss.",
            aliases=("sortino", "sortino_ratio"),
        ),
        kernel=rolling_sortino,
        warmup=lambda period, _periods_per_year: int(period),
    ),
    indicator_build(
        Spec(
            name="rolling_var",
            title="Rolling Value at Risk",
            group="statistics",
            inputs=("source",),
            parameters=(
                bars("period", 100, "Number of returns in the window.", "length", minimum=2),
                number("level", 0.05, "Share of returns below.", minimum=0.0, maximum=1.0),
            ),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="The return (a fraction, negative for a loss) that only the given share "
            "of the window's returns fell short of. The name var is the variance.",
            aliases=("value_at_risk", "rolling_value_at_risk"),
        ),
        kernel=rolling_value_at_risk,
        warmup=lambda period, _level: int(period),
    ),
    indicator_build(
        Spec(
            name="hurst",
            title="Hurst Exponent",
            group="statistics",
            inputs=("source",),
            parameters=(window(100, minimum=20),),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Whether the window trends (above 0.5), reverts (below) or wanders (0.5): "
            "generalised exponent of second order (Di Matteo, 2007). NaN where flat.",
            aliases=("hurst_exponent",),
        ),
        kernel=hurst,
        warmup=lambda period: int(period) - 1,
    ),
)
