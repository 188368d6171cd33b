"""Oscillators on whole bars that TA-Lib lacks."""

from __future__ import annotations

import numpy as np
import talib

from core.indicators.declare import bars, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.rolling import (
    change,
    highest,
    lowest,
    position,
    ratio,
    rolling_sum,
)
from core.indicators.spec import Spec

_ROUNDING = 1e-12
"""Distance, as a fraction of the price, below which an average has arrived at a flat price."""


def demarker(high: Series, low: Series, period: int) -> Series:
    """Return the DeMarker, 0 to 1.

    T. DeMark, "The New Science of Technical Analysis" (1994), as MetaTrader has it: the rises of
    the highs over the rises of the highs and the falls of the lows. 0.5 where there are none.
    NaN for the first `period` bars.
    """
    rise = np.maximum(change(high), 0.0)
    fall = np.maximum(-change(low), 0.0)
    rises, falls = rolling_sum(rise, period), rolling_sum(fall, period)
    return ratio(rises, rises + falls, flat=0.5)


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
    place = 10.0 * (position(close, lowest(low, period), highest(high, period)) - 0.5)
    result: Series = np.tanh(talib.EMA(talib.EMA(place, smoothing), smoothing) / 2.0)
    return result


def relative_vigor(
    open_: Series, high: Series, low: Series, close: Series, period: int
) -> tuple[Series, Series]:
    """Return the relative vigor index and its signal line.

    J. Ehlers, "Relative Vigor Index" (TASC, January 2002): bodies over ranges, both weighted
    1, 2, 2, 1 over four bars and summed over `period`; the signal is weighted alike. 0 where
    there is no range. NaN for the first ``period + 5`` bars.
    """
    bodies = rolling_sum(_four_weighted(close - open_), period)
    line = ratio(bodies, rolling_sum(_four_weighted(high - low), period), flat=0.0)
    signal = _four_weighted(line)
    line[: period + 5] = np.nan
    return line, signal


def _four_weighted(source: Series) -> Series:
    """Return the average of four bars with weights 1, 2, 2, 1."""
    result = np.full(source.shape[0], np.nan)
    inner = 2.0 * (source[1:-2] + source[2:-1])
    result[3:] = (source[:-3] + inner + source[3:]) / 6.0
    return result


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
    price = (high + low + close) / 3.0
    distance = price - talib.EMA(price, channel)
    distance[np.abs(distance) <= _ROUNDING * np.abs(price)] = 0.0
    usual = talib.EMA(np.abs(distance), channel)
    line = talib.EMA(ratio(distance, 0.015 * usual, flat=0.0), period)
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
