"""Moving averages that TA-Lib lacks: weighted by a bell curve, or as fast as the market is."""

from __future__ import annotations

from math import exp, log

import numpy as np
import talib

from core.indicators.declare import bars, number, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import NUMBER, SERIES, WHOLE, looped
from core.indicators.rolling import highest, lowest, weighted_sum
from core.indicators.spec import Spec


def alma(source: Series, period: int, offset: float, sigma: float) -> Series:
    """Return the Arnaud Legoux moving average.

    A. Legoux and D. Kouzis-Loukas (2009): weights ``exp(-(i - m)^2 / (2 s^2))`` with
    ``m = offset * (period - 1)`` and ``s = period / sigma``, i = 0 being the oldest bar; as
    TradingView's ``ta.alma`` without ``floor``. NaN for the first ``period - 1`` bars.
    """
    distance = np.arange(period) - offset * (period - 1)
    weights = np.exp(-((distance * sigma / period) ** 2) / 2.0)
    return weighted_sum(source, weights / weights.sum())


@looped(SERIES, NUMBER, WHOLE)
def _vidya(source: Series, alpha: float, period: int) -> Series:
    """Return an average that moves by ``alpha * |momentum|`` of the way, from bar `period` on."""
    length = source.shape[0]
    result = np.full(length, np.nan)
    if period > length:
        return result
    level, travelled, due = source[period - 1], 0.0, 0
    for index in range(1, length):
        travelled += abs(source[index] - source[index - 1])
        due += 1
        gone = index - period
        if gone > 0:
            travelled -= abs(source[gone] - source[gone - 1])
        if due == period:  # afresh, so that rounding does not pile up
            travelled, due = 0.0, 0
            for other in range(gone + 1, index + 1):
                travelled += abs(source[other] - source[other - 1])
        if gone >= 0:
            moved = abs(source[index] - source[gone])
            # Where nothing moved at all, whatever is left of the way is rounding.
            share = min(moved / travelled, 1.0) if moved > 0.0 and travelled > 0.0 else 0.0
            level += alpha * share * (source[index] - level)
            result[index] = level
    return result


def vidya(source: Series, period: int, momentum_period: int) -> Series:
    """Return the variable index dynamic average.

    T. Chande, in the form of "Identifying Powerful Breakouts Early" (TASC, October 1995): an
    exponential average whose factor ``2 / (period + 1)`` is multiplied by the absolute Chande
    momentum, ``|gains - losses| / (gains + losses)`` over `momentum_period` bars. It starts from
    the last price before the first momentum, and stands still in a flat window. MetaTrader has the
    same formula; NaN for the first `momentum_period` bars.
    """
    result: Series = _vidya(source, 2.0 / (period + 1.0), momentum_period)
    return result


@looped(SERIES, WHOLE, NUMBER, NUMBER)
def _mcginley(source: Series, period: int, factor: float, seed: float) -> Series:
    length = source.shape[0]
    result = np.full(length, np.nan)
    if length < period:
        return result
    level = seed
    result[period - 1] = level
    for index in range(period, length):
        if level == 0.0:
            level = source[index]
        else:
            pace = factor * period * (source[index] / level) ** 4
            level += (source[index] - level) / max(pace, 1.0)
        result[index] = level
    return result


def mcginley(source: Series, period: int, factor: float) -> Series:
    """Return the McGinley dynamic.

    J. McGinley (Journal of Technical Analysis, 1997): ``m + (x - m) / (factor * period *
    (x / m)^4)``, seeded by the first simple average. `factor` 1 is TradingView's, 0.6 the one
    McGinley recommends. After a crash the formula steps past the price; here a step ends at the
    price at the latest. NaN for the first ``period - 1`` bars.
    """
    seed = float(talib.SMA(source[:period], period)[-1]) if source.shape[0] >= period else 0.0
    return _mcginley(source, period, factor, seed)


@looped(SERIES, SERIES, SERIES, WHOLE)
def _frama(price: Series, high: Series, low: Series, half: int) -> Series:
    """Return the average, from the highest highs and lowest lows of half windows."""
    length = price.shape[0]
    period = 2 * half
    result = np.full(length, np.nan)
    if length <= period:
        return result
    level, alpha = price[period - 1], 1.0
    for index in range(period, length):
        late = high[index] - low[index]
        early = high[index - half] - low[index - half]
        whole = max(high[index], high[index - half]) - min(low[index], low[index - half])
        if late > 0.0 and early > 0.0:
            # log2 of the ranges of the halves over that of the whole, all in price a bar
            dimension = log(2.0 * (late + early) / whole) / log(2.0)
            alpha = min(max(exp(-4.6 * (dimension - 1.0)), 0.01), 1.0)
        level += alpha * (price[index] - level)
        result[index] = level
    return result


def frama(high: Series, low: Series, period: int) -> Series:
    """Return the fractal adaptive moving average of the middle of the bars.

    J. Ehlers, "FRAMA: Fractal Adaptive Moving Average" (TASC, October 2005): the fractal
    dimension D of the window, from the ranges of its two halves and of the whole, sets the
    factor ``exp(-4.6 (D - 1))`` of an exponential average, within 0.01 and 1. Where a range is
    zero the factor stays what it was (1 at the start). The window has an even number of bars: an
    odd `period` counts as the one below. NaN for that number of bars.
    """
    half = period // 2
    middle = talib.MEDPRICE(high, low)
    result: Series = _frama(middle, highest(high, half), lowest(low, half), half)
    return result


INDICATORS = (
    indicator_build(
        Spec(
            name="alma",
            title="Arnaud Legoux Moving Average",
            group="overlap",
            inputs=("source",),
            parameters=(
                window(9, minimum=1),
                number(
                    "offset",
                    0.85,
                    "Where the weights peak: 0 at the oldest bar, 1 at the current one.",
                    minimum=0.0,
                    maximum=1.0,
                ),
                number(
                    "sigma",
                    6.0,
                    "How narrow the weights are: the window in standard deviations.",
                    minimum=0.1,
                    maximum=100.0,
                ),
            ),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Average weighted by a bell curve that leans towards the current bar "
            "(Legoux and Kouzis-Loukas, 2009), as TradingView has it.",
            aliases=("arnaud_legoux", "arnaud_legoux_moving_average"),
            overlay=True,
        ),
        kernel=alma,
        warmup=lambda period, _offset, _sigma: int(period) - 1,
    ),
    indicator_build(
        Spec(
            name="vidya",
            title="Variable Index Dynamic Average",
            group="overlap",
            inputs=("source",),
            parameters=(
                bars("period", 12, "Bars of the exponential average.", "length", "timeperiod"),
                bars("momentum_period", 9, "Bars of the momentum.", "cmo_period"),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Exponential average that speeds up with the absolute Chande momentum "
            "(Chande, 1995), as MetaTrader has it; it stands still in a flat market.",
            aliases=("variable_index_dynamic_average",),
            overlay=True,
        ),
        kernel=vidya,
        warmup=lambda _period, momentum_period: int(momentum_period),
    ),
    indicator_build(
        Spec(
            name="mcginley",
            title="McGinley Dynamic",
            group="overlap",
            inputs=("source",),
            parameters=(
                window(14, minimum=1),
                number(
                    "factor",
                    1.0,
                    "1 as TradingView has it, 0.6 as McGinley recommends.",
                    "k",
                    minimum=0.01,
                    maximum=10.0,
                ),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Average that follows faster when prices fall away from it (McGinley, "
            "1997). It never steps past the price.",
            aliases=("mcginley_dynamic", "md"),
            overlay=True,
        ),
        kernel=mcginley,
        warmup=lambda period, _factor: int(period) - 1,
    ),
    indicator_build(
        Spec(
            name="frama",
            title="Fractal Adaptive Moving Average",
            group="overlap",
            inputs=("high", "low"),
            parameters=(
                bars(
                    "period",
                    16,
                    "Bars of the window; an odd number counts as the even one below.",
                    "length",
                    "timeperiod",
                    minimum=2,
                ),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Average of the bars' middles that is slow where prices are jagged and "
            "fast where they run straight (Ehlers, 2005).",
            aliases=("fractal_adaptive_moving_average",),
            overlay=True,
        ),
        kernel=frama,
        warmup=lambda period: int(period) // 2 * 2,
    ),
)
