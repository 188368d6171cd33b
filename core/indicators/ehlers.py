"""Filters of John Ehlers that TA-Lib lacks."""

from __future__ import annotations

from math import cos, exp, log, pi, sin, sqrt

import numpy as np
import talib

from core.indicators.declare import bars, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import SERIES, looped
from core.indicators.rolling import highest, lowest
from core.indicators.spec import Spec


@looped(SERIES, SERIES, SERIES)
def two_poles(source: Series, weights: Series, seeds: Series) -> Series:
    """Return a filter that starts with two `seeds`.

    The weights are those of the last three inputs and of its own last two values.
    """
    length = source.shape[0]
    result = np.empty(length)
    for index in range(min(2, length)):
        result[index] = seeds[index]
    for index in range(2, length):
        result[index] = (
            weights[0] * source[index]
            + weights[1] * source[index - 1]
            + weights[2] * source[index - 2]
            + weights[3] * result[index - 1]
            + weights[4] * result[index - 2]
        )
    return result


def super_smoother(source: Series, period: int) -> Series:
    """Return the source without waves shorter than `period`.

    J. Ehlers, "Cycle Analytics for Traders" (2013), chapter 3: a two-pole Butterworth filter of
    the mean of the last two values. It starts at the first two prices; the first `period` bars,
    in which that start still shows, are NaN.
    """
    smoothed = _smoothed(source, period)
    smoothed[:period] = np.nan
    return smoothed


def _smoothed(source: Series, period: int) -> Series:
    decay = exp(-sqrt(2.0) * pi / period)
    one, two = 2.0 * decay * cos(sqrt(2.0) * pi / period), -decay * decay
    gain = (1.0 - one - two) / 2.0
    return two_poles(source, np.array([gain, gain, 0.0, one, two]), source[:2])


def roofing(source: Series, long: int, short: int) -> Series:
    """Return the waves between `short` and `long` bars.

    J. Ehlers, "Cycle Analytics for Traders" (2013), chapter 7: a two-pole high-pass filter at
    `long` bars, then the super smoother at `short`. It starts at zero; the first `long` bars are
    NaN.
    """
    angle = sqrt(0.5) * 2.0 * pi / long
    back = 1.0 - (cos(angle) + sin(angle) - 1.0) / cos(angle)
    gain = ((1.0 + back) / 2.0) ** 2
    weights = np.array([gain, -2.0 * gain, gain, 2.0 * back, -back * back])
    passed = two_poles(source, weights, np.zeros(2))
    filtered = _smoothed(passed, short)
    filtered[:long] = np.nan
    return filtered


@looped(SERIES, SERIES, SERIES)
def _fisher(middle: Series, low: Series, high: Series) -> tuple[Series, Series]:
    length = middle.shape[0]
    line, trigger = np.full(length, np.nan), np.full(length, np.nan)
    value, transformed = 0.0, np.nan
    for index in range(length):
        if np.isnan(low[index]):
            continue
        span = high[index] - low[index]
        place = (middle[index] - low[index]) / span if span != 0.0 else 0.5
        value = 0.66 * (place - 0.5) + 0.67 * value
        if value > 0.99:
            value = 0.999
        elif value < -0.99:
            value = -0.999
        before = transformed
        stretched = 0.5 * log((1.0 + value) / (1.0 - value))
        transformed = stretched if np.isnan(before) else stretched + 0.5 * before
        if not np.isnan(before):
            line[index], trigger[index] = transformed, before
    return line, trigger


def fisher(high: Series, low: Series, period: int) -> tuple[Series, Series]:
    """Return the Fisher transform of the place of the bars' middle in its range, and its trigger.

    J. Ehlers, "Using the Fisher Transform" (TASC, November 2002), with the factors of
    TradingView's built-in script; a flat window counts as the middle. The trigger is the value
    of the bar before. NaN for the first `period` bars.
    """
    middle = talib.MEDPRICE(high, low)
    lines: tuple[Series, Series] = _fisher(middle, lowest(middle, period), highest(middle, period))
    return lines


INDICATORS = (
    indicator_build(
        Spec(
            name="super_smoother",
            title="Ehlers Super Smoother",
            group="overlap",
            inputs=("source",),
            parameters=(
                bars(
                    "period",
                    10,
                    "Waves shorter than this many bars are taken out.",
                    "length",
                    "timeperiod",
                    minimum=2,
                ),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Smooth line with little lag: waves shorter than the period are taken "
            "out (Ehlers, 2013).",
            aliases=("supersmoother", "ssf", "ehlers_super_smoother"),
            overlay=True,
        ),
        kernel=super_smoother,
        warmup=int,
    ),
    indicator_build(
        Spec(
            name="roofing",
            title="Ehlers Roofing Filter",
            group="cycle",
            inputs=("source",),
            parameters=(
                bars("long", 48, "Waves longer than this many bars are taken out.", minimum=4),
                bars("short", 10, "Waves shorter than this many bars are taken out.", minimum=2),
            ),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="The waves between two lengths, around zero: no trend, no noise "
            "(Ehlers, 2013).",
            aliases=("roofing_filter", "ehlers_roofing_filter"),
        ),
        kernel=roofing,
        warmup=lambda long, _short: int(long),
    ),
    indicator_build(
        Spec(
            name="fisher",
            title="Fisher Transform",
            group="momentum",
            inputs=("high", "low"),
            parameters=(window(9),),
            outputs=("fisher", "trigger"),
            recursive=True,
            repaints=False,
            description="Place of the price in its range, stretched so that turning points are "
            "sharp (Ehlers, 2002); the trigger is the line one bar before.",
            aliases=("fisher_transform",),
        ),
        kernel=fisher,
        warmup=int,
    ),
)
