"""Momentum oscillators on one series that TA-Lib lacks."""

from __future__ import annotations

from typing import Final

import numpy as np
import talib

from core.indicators.declare import bars, number, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import BUFFER, NUMBER, SERIES, looped
from core.indicators.rolling import highest, lowest
from core.indicators.spec import Spec

_KST_ROC: Final = (10, 15, 20, 30)
_KST_SMA: Final = (10, 10, 10, 15)

_RSI_ROUNDING: Final = 1e-9
"""A range of the RSI below which it stood still: the rest would be rounding, blown up to 100."""


def kst(source: Series, *periods: int) -> tuple[Series, Series]:
    """Return Pring's "know sure thing" and its signal line.

    M. Pring, "Summed Rate of Change (KST)" (TASC, 1992): four rates of change in percent, each
    smoothed by a simple average, weighted 1 to 4; the signal is a simple average of the sum.

    Parameters
    ----------
    source : array, shape (n,)
    *periods : int
        Four periods of the changes, four of their averages, and that of the signal.
    """
    line = np.zeros(source.shape[0])
    for index in range(4):
        smoothed = talib.SMA(talib.ROC(source, periods[index]), periods[index + 4])
        smoothed *= index + 1.0
        line += smoothed
    signal = talib.SMA(line, periods[8])
    line[: kst_warmup(*periods)] = np.nan
    return line, signal


def kst_warmup(*periods: int) -> int:
    """Return the number of bars before the first signal."""
    slowest = max(periods[index] + periods[index + 4] - 1 for index in range(4))
    return slowest + periods[8] - 1


def derivative_oscillator(source: Series, period: int, fast: int, slow: int, signal: int) -> Series:
    """Return a smoothed RSI less its signal line.

    C. Brown, "Technical Analysis for the Trading Professional" (1999): the RSI smoothed by two
    exponential averages, less a simple average of that.
    """
    smoothed = talib.EMA(talib.EMA(talib.RSI(source, period), slow), fast)
    result: Series = smoothed - talib.SMA(smoothed, signal)
    return result


@looped(SERIES)
def _streak(source: Series) -> Series:
    """Return for how many bars the source rose (or fell, negative) in a row; 0 if unchanged."""
    length = source.shape[0]
    result = np.zeros(length)
    for index in range(1, length):
        before = result[index - 1]
        if source[index] > source[index - 1]:
            result[index] = max(before, 0.0) + 1.0
        elif source[index] < source[index - 1]:
            result[index] = min(before, 0.0) - 1.0
    return result


def connors_rsi(source: Series, period: int, streak_period: int, rank_period: int) -> Series:
    """Return the mean of the RSI, the RSI of the streak, and the rank of the last change.

    L. Connors and C. Alvarez, "An Introduction to ConnorsRSI" (2012). The rank is the percentage
    of the `rank_period` changes before that were smaller than the last one. A flat series has an
    RSI of 0, as in TA-Lib.
    """
    rank = talib.PERCENTRANK(talib.ROC(source, 1), rank_period)
    result: Series = talib.RSI(source, period) + talib.RSI(_streak(source), streak_period) + rank
    result /= 3.0
    return result


@looped(SERIES, SERIES, SERIES)
def _place_in_range(rsi: Series, low: Series, high: Series) -> Series:
    """Return where the RSI stands in its range in percent, 50 where it stood still."""
    result = np.empty(rsi.shape[0])
    for index in range(rsi.shape[0]):
        span = high[index] - low[index]
        still = span < _RSI_ROUNDING
        result[index] = 50.0 if still else 100.0 * (rsi[index] - low[index]) / span
    return result


def stochrsi_smoothed(
    source: Series, period: int, k_period: int, k_smoothing: int, d_period: int
) -> tuple[Series, Series]:
    """Return the stochastic of the RSI, smoothed, and its signal line, both 0 to 100.

    T. Chande and S. Kroll, "The New Technical Trader" (1994), with the smoothing that
    TradingView shows; with a `k_smoothing` of 1 it is the unsmoothed definition, TA-Lib's
    `stochrsi`. 50 where the RSI stood still but for rounding, as in a halted market.
    """
    rsi = talib.RSI(source, period)
    raw = _place_in_range(rsi, lowest(rsi, k_period), highest(rsi, k_period))
    k = talib.SMA(raw, k_smoothing)
    d = talib.SMA(k, d_period)
    k[: stochrsi_warmup(period, k_period, k_smoothing, d_period)] = np.nan
    return k, d


def stochrsi_warmup(period: int, k_period: int, k_smoothing: int, d_period: int) -> int:
    """Return the number of bars before the first signal."""
    return period + k_period - 1 + k_smoothing - 1 + d_period - 1


@looped(BUFFER, SERIES, SERIES, NUMBER)
def _place_smoothed(source: Series, low: Series, high: Series, factor: float) -> None:
    """Put the smoothed place in its range for the source; the last one where that is empty."""
    place, smoothed, started = 50.0, 0.0, False
    for index in range(source.shape[0]):
        if np.isnan(low[index]):
            source[index] = np.nan
            continue
        if high[index] > low[index]:
            place = 100.0 * (source[index] - low[index]) / (high[index] - low[index])
        smoothed = smoothed + factor * (place - smoothed) if started else place
        started = True
        source[index] = smoothed


def schaff(source: Series, fast: int, slow: int, period: int, factor: float) -> Series:
    """Return the Schaff trend cycle, 0 to 100.

    D. Schaff (1999; TASC, April 2010): the stochastic of the MACD line, smoothed by `factor`,
    and once more the smoothed stochastic of that. Where a window is flat the last place stays,
    50 before there is one. `fast` and `slow` are exchanged where they are the wrong way round.
    """
    fast, slow = min(fast, slow), max(fast, slow)
    line: Series = talib.EMA(source, fast)
    line -= talib.EMA(source, slow)
    for _ in range(2):
        _place_smoothed(line, lowest(line, period), highest(line, period), factor)
    return line


INDICATORS = (
    indicator_build(
        Spec(
            name="kst",
            title="Know Sure Thing",
            group="momentum",
            inputs=("source",),
            parameters=(
                *(
                    bars(f"roc_{place}", period, f"Bars of rate of change {place}.", f"r{place}")
                    for place, period in enumerate(_KST_ROC, 1)
                ),
                *(
                    bars(f"sma_{place}", period, f"Bars that smooth rate {place}.", f"s{place}")
                    for place, period in enumerate(_KST_SMA, 1)
                ),
                bars("signal", 9, "Bars over which the signal line smooths.", "signal_period"),
            ),
            outputs=("kst", "signal"),
            recursive=False,
            repaints=False,
            description="Weighted sum of four smoothed rates of change (Pring, 1992).",
            aliases=("know_sure_thing",),
        ),
        kernel=kst,
        warmup=kst_warmup,
    ),
    indicator_build(
        Spec(
            name="derivative_oscillator",
            title="Derivative Oscillator",
            group="momentum",
            inputs=("source",),
            parameters=(
                bars("period", 14, "Bars of the RSI.", "rsi_period", "length", minimum=2),
                bars("fast", 3, "Bars of the second smoothing."),
                bars("slow", 5, "Bars of the first smoothing."),
                bars("signal", 9, "Bars of the simple average that is taken off."),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Doubly smoothed RSI less its own average, around zero (Brown, 1999).",
            aliases=("derivative", "dosc"),
        ),
        kernel=derivative_oscillator,
        warmup=lambda period, fast, slow, signal: period + fast + slow + signal - 3,
    ),
    indicator_build(
        Spec(
            name="connors_rsi",
            title="Connors RSI",
            group="momentum",
            inputs=("source",),
            parameters=(
                bars("period", 3, "Bars of the RSI.", "rsi_period", "length", minimum=2),
                bars("streak_period", 2, "Bars of the RSI of the streak.", minimum=2),
                bars("rank_period", 100, "Changes the last one is ranked among.", minimum=2),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Mean of a short RSI, the RSI of the length of the up or down streak, and "
            "the rank of the last change (Connors and Alvarez, 2012), 0 to 100.",
            aliases=("crsi", "connorsrsi"),
        ),
        kernel=connors_rsi,
        warmup=lambda period, streak, rank: int(max(period, streak, rank + 1)),
    ),
    indicator_build(
        Spec(
            name="stochrsi_smoothed",
            title="Stochastic RSI (smoothed)",
            group="momentum",
            inputs=("source",),
            parameters=(
                bars("period", 14, "Bars of the RSI.", "rsi_period", "length", minimum=2),
                bars("k_period", 14, "Bars of its highest and lowest values.", "stoch_period"),
                bars("k_smoothing", 3, "Bars that smooth %K; 1 is unsmoothed.", "smooth_k"),
                bars("d_period", 3, "Bars over which %D smooths %K.", "smooth_d"),
            ),
            outputs=("k", "d"),
            recursive=True,
            repaints=False,
            description="Place of the RSI in its own range, 0 to 100, smoothed as TradingView "
            "shows it; stochrsi is TA-Lib's, without the first smoothing.",
            aliases=("stochrsi_tradingview", "smoothed_stochrsi"),
        ),
        kernel=stochrsi_smoothed,
        warmup=stochrsi_warmup,
    ),
    indicator_build(
        Spec(
            name="schaff",
            title="Schaff Trend Cycle",
            group="momentum",
            inputs=("source",),
            parameters=(
                bars("fast", 23, "Bars of the shorter average.", "fast_period"),
                bars("slow", 50, "Bars of the longer average.", "slow_period"),
                window(10),
                number(
                    "factor",
                    0.5,
                    "Share of a new place in the smooth one.",
                    minimum=0.01,
                    maximum=1,
                ),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Stochastic of the stochastic of the MACD line, 0 to 100 (Schaff, 1999).",
            aliases=("stc", "schaff_trend_cycle"),
        ),
        kernel=schaff,
        warmup=lambda fast, slow, period, _factor: int(max(fast, slow) - 1 + 2 * (period - 1)),
    ),
)
