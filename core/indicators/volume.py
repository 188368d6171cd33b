"""Volume indicators that TA-Lib lacks."""

from __future__ import annotations

import numpy as np
import talib

from core.indicators.declare import bars, number, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import SERIES, WHOLE, looped
from core.indicators.rolling import change, ratio, rolling_mean
from core.indicators.spec import Spec


def klinger(
    high: Series, low: Series, close: Series, volume: Series, *periods: int
) -> tuple[Series, Series]:
    """Return the Klinger oscillator and its signal line.

    S. Klinger (TASC, December 1997), in the form of TradingView's built-in script: the
    difference of two exponential averages of the volume, negative where the typical price fell,
    and an exponential average of that. (Klinger's own volume force also weighs the range of the
    bar against that of the trend.) NaN for the first ``slow + signal - 1`` bars.

    Parameters
    ----------
    high, low, close, volume : array, shape (n,)
    *periods : int
        ``fast, slow, signal``; the shorter of the first two is the fast one.
    """
    *averages, signal = periods
    fast, slow = sorted(averages)
    moved = change(high + low + close)
    force = np.copysign(volume, moved + 0.0)
    force[:1] = np.nan
    line = talib.EMA(force, fast)
    line -= talib.EMA(force, slow)
    average = talib.EMA(line, signal)
    line[: slow + signal - 1] = np.nan
    return line, average


def ease_of_movement(
    high: Series, low: Series, volume: Series, period: int, divisor: float
) -> Series:
    """Return the ease of movement, smoothed.

    R. Arms (1996): the move of the bar's middle times its range, over ``volume / divisor``, as a
    simple average. A bar without volume counts as 0. NaN for the first `period` bars.
    """
    moved = change((high + low) / 2.0) * (high - low) * divisor
    eased = ratio(moved, volume, flat=0.0)
    eased[:1] = np.nan
    return rolling_mean(eased, period)


@looped(SERIES, SERIES, WHOLE)
def _rolling_vwap(price: Series, volume: Series, period: int) -> Series:
    length = price.shape[0]
    result = np.full(length, np.nan)
    plain, weighted, total, due, idle = 0.0, 0.0, 0.0, 0, 0
    for index in range(length):
        value, weight = price[index], volume[index]
        plain, weighted, total = plain + value, weighted + value * weight, total + weight
        idle = idle + 1 if weight == 0.0 else 0
        due += 1
        gone = index - period
        if gone >= 0:
            plain -= price[gone]
            weighted -= price[gone] * volume[gone]
            total -= volume[gone]
        if due == period:  # afresh, so that rounding does not pile up
            plain, weighted, total, due = 0.0, 0.0, 0.0, 0
            for other in range(gone + 1, index + 1):
                plain += price[other]
                weighted += price[other] * volume[other]
                total += volume[other]
        if gone >= -1:
            empty = idle >= period or total == 0.0
            result[index] = plain / period if empty else weighted / total
    return result


def rolling_vwap(high: Series, low: Series, close: Series, volume: Series, period: int) -> Series:
    """Return the mean typical price of the window, weighted by volume.

    The plain mean of the window where it has no volume at all. NaN for the first
    ``period - 1`` bars.
    """
    result: Series = _rolling_vwap(talib.TYPPRICE(high, low, close), volume, period)
    return result


INDICATORS = (
    indicator_build(
        Spec(
            name="klinger",
            title="Klinger Oscillator",
            group="volume",
            inputs=("high", "low", "close", "volume"),
            parameters=(
                bars("fast", 34, "Bars of the shorter average.", "fast_period"),
                bars("slow", 55, "Bars of the longer average.", "slow_period"),
                bars("signal", 13, "Bars over which the signal line smooths."),
            ),
            outputs=("klinger", "signal"),
            recursive=True,
            repaints=False,
            description="Difference of two averages of the volume, counted as negative where the "
            "typical price fell (Klinger, 1997), as TradingView has it.",
            aliases=("kvo", "klinger_oscillator"),
        ),
        kernel=klinger,
        warmup=lambda fast, slow, signal: int(max(fast, slow) + signal - 1),
    ),
    indicator_build(
        Spec(
            name="emv",
            title="Ease of Movement",
            group="volume",
            inputs=("high", "low", "volume"),
            parameters=(
                window(14, minimum=1),
                number(
                    "divisor",
                    10_000.0,
                    "Scales the result: 10,000 as TradingView, 100,000,000 as StockCharts.",
                    minimum=1e-6,
                    maximum=1e12,
                ),
            ),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="How far prices move on little volume (Arms, 1996); a bar without volume "
            "counts as 0.",
            aliases=("eom", "ease_of_movement"),
        ),
        kernel=ease_of_movement,
        warmup=lambda period, _divisor: int(period),
    ),
    indicator_build(
        Spec(
            name="rolling_vwap",
            title="Rolling Volume Weighted Average Price",
            group="overlap",
            inputs=("high", "low", "close", "volume"),
            parameters=(window(20, minimum=1),),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Typical price of the window weighted by volume; the plain mean where "
            "there is none. vwap is that of all bars so far.",
            aliases=("vwap_rolling", "moving_vwap"),
            overlay=True,
        ),
        kernel=rolling_vwap,
        warmup=lambda period: int(period) - 1,
    ),
)
