"""Levels and swings that TA-Lib lacks: pivots, confirmed swings, Wilder's swing index."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import talib

from core.indicators.declare import bars, choice, number
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import FLAGS, NUMBER, SERIES, WHOLE, looped
from core.indicators.rolling import previous
from core.indicators.spec import Spec

_FIBONACCI: Final = (0.382, 0.618, 1.0)
_CAMARILLA: Final = (1.1 / 12.0, 1.1 / 6.0, 1.1 / 4.0)


def pivots(high: Series, low: Series, close: Series, kind: str) -> tuple[Series, ...]:
    """Return pivot, three resistances and three supports, made of the bar before.

    The pivot is the typical price. `kind` is "classic" (floor traders': ``2P - L``, ``P + range``,
    ``H + 2 (P - L)``), "fibonacci" (P and 0.382, 0.618, 1 ranges) or "camarilla" (N. Stott, 1989:
    the close and 1.1/12, 1.1/6, 1.1/4 ranges). NaN for the first bar. Feed daily bars for the
    usual pivots of a day.
    """
    top, bottom, last = previous(high), previous(low), previous(close)
    pivot = (top + bottom + last) / 3.0
    span = top - bottom
    if kind == "classic":
        resistance = (2.0 * pivot - bottom, pivot + span, top + 2.0 * (pivot - bottom))
        support = (2.0 * pivot - top, pivot - span, bottom - 2.0 * (top - pivot))
        return pivot, *resistance, *support
    middle, shares = (pivot, _FIBONACCI) if kind == "fibonacci" else (last, _CAMARILLA)
    resistances = [middle + share * span for share in shares]
    return pivot, *resistances, *(middle - share * span for share in shares)


def swing_levels(high: Series, low: Series, left: int, right: int) -> tuple[Series, Series]:
    """Return the prices of the last confirmed swing high and swing low.

    A swing is TA-Lib's `fractal`; it is known, and shown, `right` bars after it happened. Until
    the first one, the highest high and lowest low so far stand in. NaN for the first
    ``left + right`` bars.
    """
    tops, bottoms = talib.FRACTAL(high, low, left, right)
    start = left + right
    return _held(tops, high, right, 1.0, start), _held(bottoms, low, right, -1.0, start)


@looped(FLAGS, SERIES, WHOLE, NUMBER, WHOLE)
def _held(flags: Any, price: Series, right: int, side: float, start: int) -> Series:
    """Return the price of the last flagged swing; the extreme so far before there is one."""
    length = price.shape[0]
    result = np.full(length, np.nan)
    level, extreme = np.nan, -np.inf
    for index in range(length):
        extreme = max(extreme, side * price[index])
        if flags[index] != 0:
            level = price[index - right]
        if index >= start:
            result[index] = side * extreme if np.isnan(level) else level
    return result


@looped(SERIES, SERIES, SERIES, SERIES, NUMBER)
def _swing_index(open_: Series, high: Series, low: Series, close: Series, limit: float) -> Series:
    length = close.shape[0]
    result = np.full(length, np.nan)
    for index in range(1, length):
        before, opened = close[index - 1], open_[index - 1]
        up, down = abs(high[index] - before), abs(low[index] - before)
        span = high[index] - low[index]
        if up >= down and up >= span:
            reach = up - down / 2.0
        elif down >= span:
            reach = down - up / 2.0
        else:
            reach = span
        reach += abs(before - opened) / 4.0
        moved = close[index] - before + (close[index] - open_[index]) / 2.0
        moved += (before - opened) / 4.0
        result[index] = 50.0 * moved / reach * (max(up, down) / limit) if reach != 0.0 else 0.0
    return result


def swing_index(open_: Series, high: Series, low: Series, close: Series, limit: float) -> Series:
    """Return Wilder's swing index.

    W. Wilder, "New Concepts in Technical Trading Systems" (1978), section VIII; `limit` is the
    largest move a day may have, which scales the result. 0 for a bar without any move. NaN for
    the first bar.
    """
    return _swing_index(open_, high, low, close, limit)


def swing_index_signed(
    open_: Series, high: Series, low: Series, close: Series, limit: float
) -> tuple[Series, Series]:
    """Return the swing index and its sign: 1, 0 or -1."""
    value = swing_index(open_, high, low, close, limit)
    return value, np.sign(value)


def accumulative_swing_index(
    open_: Series, high: Series, low: Series, close: Series, limit: float
) -> Series:
    """Return the running sum of the swing index (Wilder, 1978); NaN for the first bar."""
    result = swing_index(open_, high, low, close, limit)
    np.cumsum(result[1:], out=result[1:])
    return result


_LIMIT = number(
    "limit",
    10.0,
    "Largest move of a day, in price; it scales the result. TradingView has 10, MetaTrader 300.",
    "limit_move",
    "t",
    minimum=1e-6,
    maximum=1e9,
)

INDICATORS = (
    indicator_build(
        Spec(
            name="pivots",
            title="Pivot Points",
            group="overlap",
            inputs=("high", "low", "close"),
            parameters=(choice("kind", "classic", "Which levels.", "fibonacci", "camarilla"),),
            outputs=("pivot", "r1", "r2", "r3", "s1", "s2", "s3"),
            recursive=False,
            repaints=False,
            description="Typical price of the bar before, and three resistances and supports "
            "around it. Feed daily bars for the usual pivots of a day.",
            aliases=("pivot_points", "pivot"),
            overlay=True,
        ),
        kernel=pivots,
        warmup=lambda _kind: 1,
    ),
    indicator_build(
        Spec(
            name="swing_levels",
            title="Confirmed Swing Levels",
            group="overlap",
            inputs=("high", "low"),
            parameters=(
                bars("left", 2, "Lower (higher) bars needed before the swing.", "left_bars"),
                bars("right", 2, "Bars needed after it before it is known.", "right_bars"),
            ),
            outputs=("high", "low"),
            recursive=True,
            repaints=False,
            description="Prices of the last swing high and swing low, from the bar on at which "
            "they are confirmed; the extremes so far until there is one.",
            aliases=("pivots_high_low", "pivot_high_low"),
            overlay=True,
        ),
        kernel=swing_levels,
        warmup=lambda left, right: int(left + right),
    ),
    indicator_build(
        Spec(
            name="swing_index",
            title="Swing Index",
            group="momentum",
            inputs=("open", "high", "low", "close"),
            parameters=(_LIMIT,),
            outputs=("value", "sign"),
            recursive=False,
            repaints=False,
            description="Strength of the move from the last bar to this one, from all prices of "
            "both (Wilder, 1978), and its sign: 1, 0 or -1.",
            aliases=("si",),
        ),
        kernel=swing_index_signed,
        warmup=lambda _limit: 1,
    ),
    indicator_build(
        Spec(
            name="asi",
            title="Accumulative Swing Index",
            group="momentum",
            inputs=("open", "high", "low", "close"),
            parameters=(_LIMIT,),
            outputs=("value",),
            recursive=True,
            repaints=False,
            description="Running sum of the swing index (Wilder, 1978).",
            aliases=("accumulative_swing_index", "accumulation_swing_index"),
        ),
        kernel=accumulative_swing_index,
        warmup=lambda _limit: 1,
    ),
)
