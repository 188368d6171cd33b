"""Indicators on the ranges of bars that TA-Lib lacks: squeezes, choppiness, stops."""

from __future__ import annotations

from math import log10

import numpy as np
import talib

from core.indicators.declare import bars, number, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.rolling import highest, lowest, ratio, rolling_mean, rolling_sum
from core.indicators.spec import Spec


def choppiness(high: Series, low: Series, close: Series, period: int) -> Series:
    """Return the choppiness index: near 100 sideways, near 0 in a straight trend.

    E. W. Dreiss (1993): ``100 log10(sum of true ranges / (highest high - lowest low)) /
    log10(period)``. 100 where the window has no range, for there is no trend either. NaN for the
    first `period` bars: the true range needs the close before (TradingView takes the range of
    the first bar, and starts one bar earlier).
    """
    travelled = rolling_sum(talib.TRANGE(high, low, close), period)
    share = ratio(travelled, highest(high, period) - lowest(low, period), flat=float(period))
    share[~(share > 0.0) & ~np.isnan(share)] = period
    result: Series = np.log10(share) * (100.0 / log10(period))
    return result


def chande_kroll_stop(
    high: Series, low: Series, close: Series, period: int, *settings: float
) -> tuple[Series, Series]:
    """Return the Chande Kroll stops of a long and a short position.

    T. Chande and S. Kroll, "The New Technical Trader" (1994), as in TradingView's built-in
    script: `multiplier` (Wilder's) average true ranges below the highest high and above the
    lowest low of `period` bars; of these the highest in `stop_period` bars is the stop of a
    short, the lowest that of a long position.

    Parameters
    ----------
    high, low, close : array, shape (n,)
    period : int
    *settings : float
        ``multiplier, stop_period``.
    """
    multiplier, stop_period = settings
    distance = multiplier * talib.ATR(high, low, close, period)
    long = lowest(lowest(low, period) + distance, int(stop_period))
    short = highest(highest(high, period) - distance, int(stop_period))
    return long, short


def squeeze(
    high: Series, low: Series, close: Series, period: int, *factors: float
) -> tuple[Series, Series]:
    """Return the momentum of the TTM squeeze, and 1 while the squeeze is on, else 0.

    J. Carter, "Mastering the Trade" (2005), with the momentum of LazyBear's script
    (TradingView, 2014): the end of the regression line of the close less the mean of the
    window's middle and average. The squeeze is on while the Bollinger bands (`deviations`) lie
    inside the Keltner channel (`multiplier` times the simple average of the true range); both
    have the same middle, so their widths decide. LazyBear takes the Keltner factor for both.

    Parameters
    ----------
    high, low, close : array, shape (n,)
    period : int
    *factors : float
        ``deviations, multiplier``.
    """
    deviations, multiplier = factors
    middle = talib.MIDPRICE(high, low, period)
    middle += talib.SMA(close, period)
    middle *= -0.5
    middle += close
    momentum = talib.LINEARREG(middle, period)
    flag = rolling_mean(talib.TRANGE(high, low, close), period)
    flag *= multiplier
    np.less(talib.STDDEV(close, period, deviations), flag, out=flag)
    flag[: 2 * (period - 1)] = np.nan
    return momentum, flag


INDICATORS = (
    indicator_build(
        Spec(
            name="choppiness",
            title="Choppiness Index",
            group="volatility",
            inputs=("high", "low", "close"),
            parameters=(window(14),),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Way travelled over distance covered: near 100 in a sideways market, near "
            "0 in a straight trend (Dreiss, 1993).",
            aliases=("chop", "choppiness_index"),
        ),
        kernel=choppiness,
        warmup=int,
    ),
    indicator_build(
        Spec(
            name="chande_kroll_stop",
            title="Chande Kroll Stop",
            group="overlap",
            inputs=("high", "low", "close"),
            parameters=(
                bars("period", 10, "Bars of the extremes and of the true range.", "p", "length"),
                number(
                    "multiplier",
                    1.0,
                    "Average true ranges from the extreme to the stop.",
                    "x",
                    "factor",
                    minimum=0.0,
                    maximum=1000.0,
                ),
                bars("stop_period", 9, "Bars over which the furthest stop counts.", "q"),
            ),
            outputs=("long", "short"),
            recursive=True,
            repaints=False,
            description="Trailing stops for a long and a short position, some average true "
            "ranges from the extremes (Chande and Kroll, 1994).",
            aliases=("cksp", "chande_kroll"),
            overlay=True,
        ),
        kernel=chande_kroll_stop,
        warmup=lambda period, _multiplier, stop_period: int(period + stop_period - 1),
    ),
    indicator_build(
        Spec(
            name="squeeze",
            title="TTM Squeeze",
            group="volatility",
            inputs=("high", "low", "close"),
            parameters=(
                window(20),
                number(
                    "deviations",
                    2.0,
                    "Standard deviations to the Bollinger bands.",
                    minimum=0.0,
                    maximum=1000.0,
                ),
                number(
                    "multiplier",
                    1.5,
                    "Average true ranges to the Keltner channel.",
                    minimum=0.0,
                    maximum=1000.0,
                ),
            ),
            outputs=("momentum", "on"),
            recursive=False,
            repaints=False,
            description="Momentum of the price, and 1 while the Bollinger bands lie inside the "
            "Keltner channel, else 0 (Carter, 2005).",
            aliases=("ttm_squeeze", "squeeze_momentum"),
        ),
        kernel=squeeze,
        warmup=lambda period, _deviations, _multiplier: int(2 * (period - 1)),
    ),
)
