"""Oscillators on whole bars that TA-Lib lacks."""

from __future__ import annotations

import numpy as np
import talib

from core.indicators.declare import bars, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import BUFFER, SERIES, WHOLE, looped
from core.indicators.rolling import highest, lowest, position
from core.indicators.spec import Spec

_ROUNDING = 1e-12
"""Distance, as a fraction of the price, below which an average has arrived at a flat price."""


@looped(SERIES, SERIES, WHOLE)
def _demarker(high: Series, low: Series, period: int) -> Series:
    length = high.shape[0]
    result = np.full(length, np.nan)
    rises, falls, due, no_rise, no_fall = 0.0, 0.0, 0, 0, 0
    for index in range(1, length):
        rise = max(high[index] - high[index - 1], 0.0)
        fall = max(low[index - 1] - low[index], 0.0)
        no_rise = no_rise + 1 if rise == 0.0 else 0
        no_fall = no_fall + 1 if fall == 0.0 else 0
        rises, falls, due = rises + rise, falls + fall, due + 1
        gone = index - period
        if gone > 0:
            rises -= max(high[gone] - high[gone - 1], 0.0)
            falls -= max(low[gone - 1] - low[gone], 0.0)
        if due == period:  # afresh, so that rounding does not pile up
            rises, falls, due = 0.0, 0.0, 0
            for other in range(gone + 1, index + 1):
                rises += max(high[other] - high[other - 1], 0.0)
                falls += max(low[other - 1] - low[other], 0.0)
        if no_rise >= period:
            rises = 0.0
        if no_fall >= period:
            falls = 0.0
        if gone >= 0:
            result[index] = rises / (rises + falls) if rises + falls != 0.0 else 0.5
    return result


def demarker(high: Series, low: Series, period: int) -> Series:
    """Return the DeMarker, 0 to 1.

    T. DeMark, "The New Science of Technical Analysis" (1994), as MetaTrader has it: the rises of
    the highs over the rises of the highs and the falls of the lows. 0.5 where there are none.
    NaN for the first `period` bars.
    """
    result: Series = _demarker(high, low, period)
    return result


def internal_bar_strength(high: Series, low: Series, close: Series) -> Series:
    """Return where the close stands between low (0) and high (1); 0.5 in a bar without range.

    As in L. Pagonidis, "The IBS Effect" (NAAIM, 2013).
    """
    return position(close, low, high)


def premier_stochastic(
    high: Series, low: Series, close: Series, period: int, smoothing: int
) -> Series:
    """Return the premier stochastic oscillator, -1 to 1.

    L. Leibfarth (TASC, August 2008): ``(e^s - 1) / (e^s + 1)`` of s, the place of the close in
    its range as -5 to 5, smoothed by two exponential averages of `smoothing` bars (his 25 stands
    for its square root, 5). 0 in a flat market. NaN for the first
    ``period - 1 + 2 * (smoothing - 1)`` bars.
    """
    place = position(close, lowest(low, period), highest(high, period))
    place -= 0.5
    place *= 10.0 / 2.0
    result: Series = talib.EMA(talib.EMA(place, smoothing), smoothing)
    return np.tanh(result, out=result)


@looped(SERIES, SERIES, WHOLE)
def _four_weighted_sum(above: Series, below: Series, period: int) -> Series:
    """Return the sum over `period` of the four-bar average, weighted 1, 2, 2, 1, of a difference.

    Zero where all of them are.
    """
    length = above.shape[0]
    result = np.full(length, np.nan)
    kept, place, total, idle = np.zeros(period), 0, 0.0, 0
    for index in range(3, length):
        ends = above[index] - below[index] + above[index - 3] - below[index - 3]
        inner = above[index - 1] - below[index - 1] + above[index - 2] - below[index - 2]
        value = (ends + 2.0 * inner) / 6.0
        idle = idle + 1 if value == 0.0 else 0
        total += value - kept[place]
        kept[place] = value
        place += 1
        if place == period:  # afresh, so that rounding does not pile up
            place, total = 0, 0.0
            for other in range(period):
                total += kept[other]
        if index >= period + 2:
            result[index] = total if idle < period else 0.0
    return result


@looped(BUFFER, BUFFER)
def _vigor(bodies: Series, ranges: Series) -> None:
    """Put the ratio in the place of `bodies`, and its four-bar average in that of `ranges`."""
    one = two = three = np.nan
    for index in range(bodies.shape[0]):
        value = bodies[index] / ranges[index] if ranges[index] != 0.0 else 0.0
        average = (value + 2.0 * (one + two) + three) / 6.0
        one, two, three = value, one, two
        bodies[index] = value if not np.isnan(average) else np.nan
        ranges[index] = average


def relative_vigor(
    open_: Series, high: Series, low: Series, close: Series, period: int
) -> tuple[Series, Series]:
    """Return the relative vigor index and its signal line.

    J. Ehlers, "Relative Vigor Index" (TASC, January 2002): bodies over ranges, both weighted
    1, 2, 2, 1 over four bars and summed over `period`; the signal is weighted alike. 0 where
    there is no range. NaN for the first ``period + 5`` bars.
    """
    line = _four_weighted_sum(close, open_, period)
    signal = _four_weighted_sum(high, low, period)
    _vigor(line, signal)
    return line, signal


@looped(BUFFER, SERIES)
def _distance(price: Series, average: Series) -> None:
    """Put the distance from the average in the place of the price, zero where it is rounding."""
    for index in range(price.shape[0]):
        away = price[index] - average[index]
        price[index] = 0.0 if abs(away) <= _ROUNDING * abs(price[index]) else away


@looped(SERIES, BUFFER)
def _in_usual_distances(distance: Series, usual: Series) -> None:
    """Put the distance in 0.015 usual ones in the place of these; 0 where there are none."""
    for index in range(usual.shape[0]):
        unit = 0.015 * usual[index]
        usual[index] = distance[index] / unit if unit != 0.0 else 0.0


def wave_trend(high: Series, low: Series, close: Series, *periods: int) -> tuple[Series, Series]:
    """Return the wave trend and its signal line.

    LazyBear's "WaveTrend Oscillator" (TradingView, 2014): the distance of the typical price from
    its exponential average, in 0.015 of the average distance, smoothed; the signal is a simple
    average. 0 where the price has stood still: a distance of less than a trillionth of the price
    is rounding, and taken for zero.

    Parameters
    ----------
    high, low, close : array, shape (n,)
    *periods : int
        ``channel, period, signal``: bars of the averages of price and distance, of the result,
        and of the signal.
    """
    channel, period, signal = periods
    price = talib.TYPPRICE(high, low, close)
    _distance(price, talib.EMA(price, channel))
    usual = talib.EMA(np.abs(price), channel)
    _in_usual_distances(price, usual)
    line = talib.EMA(usual, period)
    average = talib.SMA(line, signal)
    line[: wave_trend_warmup(channel, period, signal)] = np.nan
    return line, average


def wave_trend_warmup(channel: int, period: int, signal: int) -> int:
    """Return the number of bars before the first signal."""
    return 2 * (channel - 1) + period - 1 + signal - 1


INDICATORS = (
    indicator_build(
        Spec(
            name="demarker",
            title="DeMarker",
            group="momentum",
            inputs=("high", "low"),
            parameters=(window(14, minimum=1),),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Rises of the highs over rises of the highs and falls of the lows, 0 to 1 "
            "(DeMark, 1994); 0.5 in a flat market.",
            aliases=("dem", "de_marker"),
        ),
        kernel=demarker,
        warmup=int,
    ),
    indicator_build(
        Spec(
            name="ibs",
            title="Internal Bar Strength",
            group="momentum",
            inputs=("high", "low", "close"),
            parameters=(),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Where the close stands between low (0) and high (1) of its bar; 0.5 in a "
            "bar without range.",
            aliases=("internal_bar_strength",),
        ),
        kernel=internal_bar_strength,
        warmup=lambda: 0,
    ),
    indicator_build(
        Spec(
            name="premier_stochastic",
            title="Premier Stochastic Oscillator",
            group="momentum",
            inputs=("high", "low", "close"),
            parameters=(
                bars("period", 8, "Bars of the high-low range.", "k_period", "length"),
                bars("smoothing", 5, "Bars of each of the two exponential averages."),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Doubly smoothed stochastic, bent so that it runs from -1 to 1 "
            "(Leibfarth, 2008).",
            aliases=("pso", "premier_stochastic_oscillator"),
        ),
        kernel=premier_stochastic,
        warmup=lambda period, smoothing: int(period - 1 + 2 * (smoothing - 1)),
    ),
    indicator_build(
        Spec(
            name="rvgi",
            title="Relative Vigor Index",
            group="momentum",
            inputs=("open", "high", "low", "close"),
            parameters=(window(10, minimum=1),),
            outputs=("rvgi", "signal"),
            recursive=False,
            repaints=False,
            description="Bodies of the bars over their ranges, smoothed (Ehlers, 2002). The name "
            "rvi is the relative volatility index.",
            aliases=("relative_vigor", "relative_vigor_index"),
        ),
        kernel=relative_vigor,
        warmup=lambda period: int(period) + 5,
    ),
    indicator_build(
        Spec(
            name="wave_trend",
            title="Wave Trend",
            group="momentum",
            inputs=("high", "low", "close"),
            parameters=(
                bars("channel", 10, "Bars of the averages of price and distance.", "n1"),
                bars("period", 21, "Bars that smooth the result.", "average", "n2"),
                bars("signal", 4, "Bars over which the signal line smooths."),
            ),
            outputs=("wave_trend", "signal"),
            recursive=True,
            repaints=False,
            description="Distance of the typical price from its average in average distances, "
            "smoothed (LazyBear on TradingView, 2014); 0 in a flat market.",
            aliases=("wavetrend", "wt"),
        ),
        kernel=wave_trend,
        warmup=wave_trend_warmup,
    ),
)
