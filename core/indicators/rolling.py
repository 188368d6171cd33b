"""Sums, deviations and positions over a moving window, exact where a window is flat.

TA-Lib's own running sums keep a rounding error when a window becomes flat. That is harmless in a
sum, but a ratio of two such sums would be noise; these are zero when all their terms are.
"""

from __future__ import annotations

import numpy as np
import talib

from core.indicators.indicator import Series
from core.indicators.jit import NUMBER, SERIES, WHOLE, looped


@looped(SERIES, WHOLE)
def rolling_sum(source: Series, period: int) -> Series:
    """Return the sum of each window, NaN before the first whole one.

    Leading NaN are skipped. The sum is taken afresh every `period` bars, which keeps rounding
    errors from piling up and a giant value from spoiling all that follow.
    """
    length = source.shape[0]
    result = np.full(length, np.nan)
    start = 0
    while start < length and np.isnan(source[start]):
        start += 1
    total, same, due = 0.0, 0, 0
    for index in range(start, length):
        value = source[index]
        same = same + 1 if index > start and value == source[index - 1] else 1
        due += 1
        if same >= period:
            total = period * value
        elif due >= period:
            total = 0.0
            for other in range(index - period + 1, index + 1):
                total += source[other]
        elif index - start < period:
            total += value
        else:
            total += value - source[index - period]
        if due >= period:
            due = 0
        if index - start >= period - 1:
            result[index] = total
    return result


@looped(SERIES, WHOLE)
def rolling_variance(source: Series, period: int) -> Series:
    """Return the sample variance (divisor ``period - 1``) of each window of two or more bars.

    NaN before the first whole window, leading NaN skipped, zero where the window is flat.
    Welford's update, taken afresh every `period` bars.
    """
    length = source.shape[0]
    result = np.full(length, np.nan)
    start = 0
    while start < length and np.isnan(source[start]):
        start += 1
    mean, squares, same, due = 0.0, 0.0, 0, 0
    for index in range(start, length):
        value = source[index]
        same = same + 1 if index > start and value == source[index - 1] else 1
        due += 1
        if index - start < period - 1:
            continue
        if same >= period:
            mean, squares = value, 0.0
        elif due >= period:
            mean = 0.0
            for other in range(index - period + 1, index + 1):
                mean += source[other]
            mean /= period
            squares = 0.0
            for other in range(index - period + 1, index + 1):
                squares += (source[other] - mean) ** 2
        else:
            leaving = source[index - period]
            before = mean
            mean += (value - leaving) / period
            squares += (value - leaving) * (value - mean + leaving - before)
        if due >= period:
            due = 0
        result[index] = max(squares, 0.0) / (period - 1)
    return result


@looped(SERIES, SERIES)
def weighted_sum(source: Series, weights: Series) -> Series:
    """Return the sum of each window times `weights`, whose last one is the current bar's."""
    length, period = source.shape[0], weights.shape[0]
    result = np.full(length, np.nan)
    for index in range(period - 1, length):
        total = 0.0
        for other in range(period):
            total += source[index - period + 1 + other] * weights[other]
        result[index] = total
    return result


def rolling_mean(source: Series, period: int) -> Series:
    """Return the mean of each window."""
    mean: Series = rolling_sum(source, period)
    mean /= period
    return mean


def highest(source: Series, period: int) -> Series:
    """Return the highest value of each window of one or more bars."""
    result: Series = talib.MAX(source, period) if period > 1 else source.copy()
    return result


def lowest(source: Series, period: int) -> Series:
    """Return the lowest value of each window of one or more bars."""
    result: Series = talib.MIN(source, period) if period > 1 else source.copy()
    return result


def ratio(above: Series, below: Series, *, flat: float) -> Series:
    """Return ``above / below``, and `flat` where `below` is zero."""
    result: Series = np.full(below.shape[0], flat)
    np.divide(above, below, out=result, where=below != 0.0)
    return result


def position(source: Series, low: Series, high: Series, *, flat: float = 0.5) -> Series:
    """Return where `source` stands between `low` (0) and `high` (1); `flat` where they meet."""
    place: Series = _position(source, low, high, flat)
    return place


@looped(SERIES, SERIES, SERIES, NUMBER)
def _position(source: Series, low: Series, high: Series, flat: float) -> Series:
    result = np.empty(source.shape[0])
    for index in range(source.shape[0]):
        span = high[index] - low[index]
        result[index] = (source[index] - low[index]) / span if span != 0.0 else flat
    return result


def change(source: Series) -> Series:
    """Return the difference to the bar before; the first one is NaN."""
    result = np.full(source.shape[0], np.nan)
    np.subtract(source[1:], source[:-1], out=result[1:])
    return result


def previous(source: Series) -> Series:
    """Return the values of the bar before; the first one is NaN."""
    result = np.full(source.shape[0], np.nan)
    result[1:] = source[:-1]
    return result
