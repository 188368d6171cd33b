"""How good a series was lately: ratios, risk and persistence over a moving window."""

from __future__ import annotations

from math import sqrt

import numpy as np
import talib

from core.indicators.declare import bars, number, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import SERIES, WHOLE, looped
from core.indicators.spec import Spec


@looped(SERIES, WHOLE)
def _sharpe(returns: Series, period: int) -> Series:
    """Return mean over sample deviation of each window, NaN where there is no deviation."""
    length = returns.shape[0]
    result = np.full(length, np.nan)
    mean, squares, same, due = 0.0, 0.0, 0, 0
    for index in range(1, length):
        value = returns[index]
        same = same + 1 if value == returns[index - 1] else 1
        due += 1
        if index < period:
            continue
        if due >= period:  # afresh, so that rounding does not pile up
            mean, squares, due = 0.0, 0.0, 0
            for other in range(index - period + 1, index + 1):
                mean += returns[other]
            mean /= period
            for other in range(index - period + 1, index + 1):
                squares += (returns[other] - mean) ** 2
        else:
            leaving, before = returns[index - period], mean
            mean += (value - leaving) / period
            squares += (value - leaving) * (value - mean + leaving - before)
        if same < period and squares > 0.0:
            result[index] = mean / np.sqrt(squares / (period - 1.0))
    return result


@looped(SERIES, WHOLE)
def _sortino(returns: Series, period: int) -> Series:
    """Return mean over downside deviation of each window, NaN where there is no loss."""
    length = returns.shape[0]
    result = np.full(length, np.nan)
    total, losses, gains, due = 0.0, 0.0, 0, 0
    for index in range(1, length):
        loss = min(returns[index], 0.0)
        total += returns[index]
        losses += loss * loss
        gains = gains + 1 if loss == 0.0 else 0
        due += 1
        gone = index - period
        if gone > 0:
            loss = min(returns[gone], 0.0)
            total -= returns[gone]
            losses -= loss * loss
        if due == period:  # afresh, so that rounding does not pile up
            total, losses, due = 0.0, 0.0, 0
            for other in range(gone + 1, index + 1):
                loss = min(returns[other], 0.0)
                total += returns[other]
                losses += loss * loss
        if gone >= 0 and gains < period and losses > 0.0:
            result[index] = total / period / np.sqrt(losses / period)
    return result


@looped(SERIES, WHOLE)
def _hurst(source: Series, period: int) -> Series:
    """Return a twentieth of the weighted sum of the logarithms of the mean squared moves."""
    length = source.shape[0]
    result = np.full(length, np.nan)
    lags = np.array([1, 2, 8, 16])
    totals, idle = np.zeros(4), np.zeros(4, dtype=np.int64)
    due = 0
    for index in range(1, length):
        due += 1
        afresh = due == period
        if afresh:
            due = 0
        moved = index >= period - 1
        for place in range(4):
            lag = lags[place]
            if index < lag:
                continue
            step = source[index] - source[index - lag]
            totals[place] += step * step
            idle[place] = idle[place] + 1 if step == 0.0 else 0
            gone = index - period + lag
            if gone >= lag:
                step = source[gone] - source[gone - lag]
                totals[place] -= step * step
            if afresh:
                totals[place] = 0.0
                for other in range(max(gone + 1, lag), index + 1):
                    step = source[other] - source[other - lag]
                    totals[place] += step * step
            moved = moved and totals[place] > 0.0 and idle[place] < period - lag
        if moved:
            longest = totals[3] / (period - 16) / (totals[0] / (period - 1))
            longer = totals[2] / (period - 8) / (totals[1] / (period - 2))
            result[index] = np.log2(longest * longest * longer) / 20.0
    return result


def rolling_sharpe(source: Series, period: int, periods_per_year: float) -> Series:
    """Return the Sharpe ratio of the last `period` changes of the source, annualised.

    W. Sharpe (1994): mean over sample deviation of the simple returns, times
    ``sqrt(periods_per_year)``, without a risk-free rate; as a run's own metrics. NaN for the
    first `period` bars and where all returns are equal.
    """
    result: Series = _sharpe(talib.ROCP(source, 1), period)
    result *= sqrt(periods_per_year)
    return result


def rolling_sortino(source: Series, period: int, periods_per_year: float) -> Series:
    """Return the Sortino ratio of the last `period` changes of the source, annualised.

    F. Sortino and L. Price (1994): mean over downside deviation (the root of the mean square of
    the losses, over all bars) of the simple returns, times ``sqrt(periods_per_year)``. NaN for
    the first `period` bars and where there was no loss.
    """
    result: Series = _sortino(talib.ROCP(source, 1), period)
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
    ``log lag``, for lags of 1, 2, 4, 8 and 16 bars inside the window (with weights of -2, -1, 0,
    1 and 2, so 4 bars count for nothing). Feed the logarithm of a price for the usual exponent;
    over one window they hardly differ. NaN for the first ``period - 1`` bars and where the source
    did not move over some lag.
    """
    result: Series = _hurst(source, period)
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
