"""Volume indicators that TA-Lib lacks."""

from __future__ import annotations

import numpy as np
import talib

from core.indicators.declare import bars, number, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.rolling import change, ratio, rolling_mean, rolling_sum
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
    force = np.where(moved >= 0.0, volume, -volume)
    force[:1] = np.nan
    line = talib.EMA(force, fast) - talib.EMA(force, slow)
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


def rolling_vwap(high: Series, low: Series, close: Series, volume: Series, period: int) -> Series:
    """Return the mean typical price of the window, weighted by volume.

    The plain mean of the window where it has no volume at all. NaN for the first
    ``period - 1`` bars.
    """
    price = (high + low + close) / 3.0
    total = rolling_sum(volume, period)
    result = rolling_mean(price, period)
    return np.divide(rolling_sum(price * volume, period), total, out=result, where=total != 0.0)


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
