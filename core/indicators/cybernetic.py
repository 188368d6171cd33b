"""Filters and oscillators of J. Ehlers' "Cybernetic Analysis for Stocks and Futures" (2004)."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
import talib

from core.indicators.declare import bars, number, window
from core.indicators.ehlers import two_poles
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import NUMBER, SERIES, looped
from core.indicators.rolling import previous, ratio, weighted_sum
from core.indicators.spec import Parameter, Spec

_START = 6
"""Bars before Ehlers' recursions begin; a short average of the prices stands in until then."""

_ROUNDING = 1e-12
"""Distance of a filter from its price, as a fraction of it, that is rounding and no move."""


def _started(source: Series, weights: Series, start: Series) -> Series:
    """Return a two-pole filter of the source whose first `_START` bars are those of `start`."""
    if source.shape[0] <= _START:
        return start
    before = _START - 2
    filtered = two_poles(source[before:], weights, start[before:])
    return np.concatenate((start[:before], filtered))


def instantaneous_trend(source: Series, alpha: float) -> tuple[Series, Series]:
    """Return the instantaneous trendline and its trigger.

    Chapter 3: the price without its cycles, with almost no lag; the trigger is twice the line less
    the line two bars before, and crosses it where the trend turns. NaN for the first 6 bars.
    """
    square = alpha * alpha
    weights = (alpha - square / 4.0, square / 2.0, -(alpha - 0.75 * square))
    poles = (2.0 * (1.0 - alpha), -((1.0 - alpha) ** 2))
    start = weighted_sum(source[:_START], np.array([0.25, 0.5, 0.25]))
    line = _started(source, np.array([*weights, *poles]), start)
    trigger = weighted_sum(line, np.array([-1.0, 0.0, 2.0]))
    line[:_START], trigger[:_START] = np.nan, np.nan
    return line, trigger


def cyber_cycle(source: Series, alpha: float) -> tuple[Series, Series]:
    """Return the cyber cycle and its trigger, the value of the bar before.

    Chapter 4: the cycle of the price without its trend, by a two-pole high-pass filter of a short
    weighted average. NaN for the first 6 bars.
    """
    gain = (1.0 - alpha / 2.0) ** 2
    poles = (2.0 * (1.0 - alpha), -((1.0 - alpha) ** 2))
    smooth = weighted_sum(source, np.array([1.0, 2.0, 2.0, 1.0]) / 6.0)
    start = weighted_sum(source[:_START], np.array([0.25, -0.5, 0.25]))
    line = _started(smooth, np.array([gain, -2.0 * gain, gain, *poles]), start)
    trigger = previous(line)
    line[:_START], trigger[:_START] = np.nan, np.nan
    return line, trigger


def center_of_gravity(source: Series, period: int) -> tuple[Series, Series]:
    """Return the centre of gravity of the window and its trigger, the value of the bar before.

    Chapter 5: where the prices, as weights on a beam, balance, in bars from the middle; above 0
    where the newer ones weigh more. It comes to ``(period + 1) / 2 * (WMA / SMA - 1)``. 0 where the
    window sums to nothing. NaN for the first `period` bars.
    """
    average = talib.SMA(source, period)
    line = (period + 1) / 2.0 * (ratio(talib.WMA(source, period), average, flat=1.0) - 1.0)
    trigger = previous(line)
    line[:period] = np.nan
    return line, trigger


@looped(SERIES, NUMBER)
def _laguerre(source: Series, gamma: float) -> tuple[Series, Series]:
    """Return the Laguerre filter and the Laguerre RSI."""
    length = source.shape[0]
    line, strength = np.empty(length), np.empty(length)
    if length == 0:
        return line, strength
    one = two = three = four = source[0]
    for index in range(length):
        before, before_two, before_three = one, two, three
        one = (1.0 - gamma) * source[index] + gamma * one
        two = -gamma * one + before + gamma * two
        three = -gamma * two + before_two + gamma * three
        four = -gamma * three + before_three + gamma * four
        line[index] = (one + 2.0 * two + 2.0 * three + four) / 6.0
        ups = max(one - two, 0.0) + max(two - three, 0.0) + max(three - four, 0.0)
        downs = max(two - one, 0.0) + max(three - two, 0.0) + max(four - three, 0.0)
        moved = ups + downs > _ROUNDING * abs(source[index])
        strength[index] = ups / (ups + downs) if moved else 0.5
    return line, strength


def laguerre(source: Series, gamma: float) -> Series:
    """Return the Laguerre filter.

    Chapter 14: a weighted average of four elements, each an all-pass filter of the one before,
    which smooths much over few bars; the larger `gamma`, the smoother. It starts at the first
    price.
    """
    line: Series = _laguerre(source, gamma)[0]
    return line


def laguerre_rsi(source: Series, gamma: float) -> Series:
    """Return the Laguerre RSI, 0 to 1.

    Chapter 14: the rises between the four elements of the Laguerre filter over rises and falls.
    0.5 where they are equal but for rounding, as at the first bar and in a flat market.
    """
    strength: Series = _laguerre(source, gamma)[1]
    return strength


def decycler(source: Series, period: int) -> Series:
    """Return the source less its waves shorter than `period`.

    J. Ehlers, "Decyclers" (TASC, September 2015): a one-pole high-pass filter taken off the price.
    It starts at the first two prices; the first `period` bars, in which that start still shows,
    are NaN.
    """
    angle = 2.0 * pi / period
    alpha = (cos(angle) + sin(angle) - 1.0) / cos(angle)
    weights = np.array([alpha / 2.0, alpha / 2.0, 0.0, 1.0 - alpha, 0.0])
    line: Series = two_poles(source, weights, source[:2])
    line[:period] = np.nan
    return line


def _alpha() -> Parameter:
    description = "How fast the filter is: 2 / (bars + 1) of an exponential average."
    return number("alpha", 0.07, description, minimum=0.001, maximum=1.0)


def _gamma(default: float) -> Parameter:
    description = "Damping: 0 is a weighted average of four bars, nearer to 1 is smoother."
    return number("gamma", default, description, "damping", minimum=0.0, maximum=0.99)


INDICATORS = (
    indicator_build(
        Spec(
            name="instantaneous_trend",
            title="Ehlers Instantaneous Trendline",
            group="overlap",
            inputs=("source",),
            parameters=(_alpha(),),
            outputs=("value", "trigger"),
            recursive=True,
            repaints=False,
            description="Price without its cycles and with almost no lag, and a trigger that "
            "crosses it where the trend turns (Ehlers, 2004).",
            aliases=("instantaneous_trendline", "itrend", "ehlers_instantaneous_trendline"),
            overlay=True,
        ),
        kernel=instantaneous_trend,
        warmup=lambda _alpha: _START,
    ),
    indicator_build(
        Spec(
            name="cyber_cycle",
            title="Ehlers Cyber Cycle",
            group="cycle",
            inputs=("source",),
            parameters=(_alpha(),),
            outputs=("value", "trigger"),
            recursive=True,
            repaints=False,
            description="Cycle of the price without its trend, around zero, and its value one bar "
            "before (Ehlers, 2004).",
            aliases=("cybercycle", "ehlers_cyber_cycle"),
        ),
        kernel=cyber_cycle,
        warmup=lambda _alpha: _START,
    ),
    indicator_build(
        Spec(
            name="center_of_gravity",
            title="Ehlers Center of Gravity",
            group="momentum",
            inputs=("source",),
            parameters=(window(10),),
            outputs=("value", "trigger"),
            recursive=False,
            repaints=False,
            description="Where the prices of the window balance, in bars from its middle, and the "
            "value one bar before (Ehlers, 2004).",
            aliases=("cog", "centre_of_gravity", "ehlers_center_of_gravity"),
        ),
        kernel=center_of_gravity,
        warmup=int,
    ),
    indicator_build(
        Spec(
            name="laguerre",
            title="Ehlers Laguerre Filter",
            group="overlap",
            inputs=("source",),
            parameters=(_gamma(0.8),),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Smooth line of only four elements (Ehlers, 2004).",
            aliases=("laguerre_filter", "ehlers_laguerre_filter"),
            overlay=True,
        ),
        kernel=laguerre,
        warmup=lambda _gamma: 0,
    ),
    indicator_build(
        Spec(
            name="laguerre_rsi",
            title="Ehlers Laguerre RSI",
            group="momentum",
            inputs=("source",),
            parameters=(_gamma(0.5),),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="RSI of the four elements of a Laguerre filter, 0 to 1, which answers fast "
            "(Ehlers, 2004); 0.5 in a flat market.",
            aliases=("lrsi", "ehlers_laguerre_rsi"),
        ),
        kernel=laguerre_rsi,
        warmup=lambda _gamma: 0,
    ),
    indicator_build(
        Spec(
            name="decycler",
            title="Ehlers Decycler",
            group="overlap",
            inputs=("source",),
            parameters=(
                bars(
                    "period",
                    60,
                    "Waves shorter than this many bars are taken out.",
                    "length",
                    "cutoff",
                    minimum=5,
                ),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Trend of the price: what is left of it without its shorter waves "
            "(Ehlers, 2015).",
            aliases=("simple_decycler", "ehlers_decycler"),
            overlay=True,
        ),
        kernel=decycler,
        warmup=int,
    ),
)
