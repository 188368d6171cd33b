"""Swings of a given size: drawn as a line that repaints, or known once they are confirmed."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.declare import choice, number
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import INDEXES, NUMBER, SERIES, looped
from core.indicators.spec import Spec

Indexes = NDArray[np.int64]

_HIGH_LOW: Final = "high_low"


@looped(SERIES, SERIES, NUMBER)
def _swings(high: Series, low: Series, share: float) -> tuple[Series, Series, Series, Indexes]:
    """Return price, direction, flag and bar of the swings, all at the bars that confirm them."""
    length = high.shape[0]
    level, direction = np.full(length, np.nan), np.full(length, np.nan)
    flag, place = np.full(length, np.nan), np.zeros(length, dtype=np.int64)
    way, swing = 0.0, np.nan
    top, top_at, bottom, bottom_at = np.nan, 0, np.nan, 0
    for index in range(length):
        fell = top - low[index] if way >= 0.0 and high[index] <= top else 0.0
        rose = high[index] - bottom if way <= 0.0 and low[index] >= bottom else 0.0
        turned = 0.0
        if fell > 0.0 and fell >= share * abs(top):
            turned, swing, place[index] = 1.0, top, top_at
        elif rose > 0.0 and rose >= share * abs(bottom):
            turned, swing, place[index] = -1.0, bottom, bottom_at
        if turned > 0.0 or not low[index] >= bottom:
            bottom, bottom_at = low[index], index
        if turned < 0.0 or not high[index] <= top:
            top, top_at = high[index], index
        if turned != 0.0:
            way = -turned
        if way != 0.0:
            level[index], direction[index], flag[index] = swing, way, turned
    return level, direction, flag, place


@looped(INDEXES, SERIES)
def _line(places: Indexes, prices: Series) -> Series:
    """Return straight lines between points, the first one at bar 0."""
    result = np.empty(places[-1] + 1)
    result[0] = prices[0]
    for point in range(1, places.shape[0]):
        start, stop = places[point - 1], places[point]
        step = (prices[point] - prices[point - 1]) / (stop - start)
        for index in range(start + 1, stop):
            result[index] = prices[point - 1] + step * (index - start)
        result[stop] = prices[point]
    return result


def zigzag(
    high: Series, low: Series, close: Series, deviation: float, price: str
) -> tuple[Series, Series]:
    """Return the zigzag line as it stands at the end of the data, and its swings.

    A. Merrill, "Filtered Waves" (1977): a swing high is a highest high that the lows then fall
    from by `deviation` percent or more, a swing low the reverse. The line runs from the first
    close through all swings to the extreme since the last one and on to the last close, as
    StockCharts and TradingView draw it.

    It repaints: a swing is drawn at its own bar, which nobody knew there. `zigzag_confirmed` says
    what was known.

    Parameters
    ----------
    high, low, close : array, shape (n,)
    deviation : float
        Percent of the price of the extreme.
    price : {"high_low", "close"}
        Whether highs and lows are measured, or closes only (StockCharts' default).

    Returns
    -------
    tuple of two arrays, shape (n,)
        ``value``, the line; ``swing``, 1 at a swing high, -1 at a swing low, else 0.
    """
    upper, lower = (high, low) if price == _HIGH_LOW else (close, close)
    length = close.shape[0]
    swing = np.zeros(length)
    if length < 2:
        return close.copy(), swing
    level, _, flag, place = _swings(upper, lower, deviation / 100.0)
    confirmed = np.flatnonzero(np.abs(flag) == 1.0)
    places, prices = place[confirmed], level[confirmed]
    swing[places] = flag[confirmed]
    if confirmed.size:
        since = places[-1] + 1
        falling = flag[confirmed[-1]] > 0.0
        running = since + int(np.argmin(lower[since:]) if falling else np.argmax(upper[since:]))
        places = np.append(places, running)
        prices = np.append(prices, lower[running] if falling else upper[running])
    if not places.size or places[0] != 0:
        places, prices = np.append(0, places), np.append(close[0], prices)
    if places[-1] != length - 1:
        places, prices = np.append(places, length - 1), np.append(prices, close[-1])
    return _line(places, prices), swing


def zigzag_confirmed(
    high: Series, low: Series, close: Series, deviation: float, price: str
) -> tuple[Series, Series, Series]:
    """Return the last swing of the zigzag that is confirmed, and which way the price goes since.

    The swings are those of `zigzag`, but each appears at the bar that confirms it, by being
    `deviation` percent away from its extreme, and at no earlier one: nothing repaints. A bar
    that makes a new extreme cannot confirm it as well, for nobody knows which came first.

    Parameters
    ----------
    high, low, close : array, shape (n,)
    deviation : float
        Percent of the price of the extreme.
    price : {"high_low", "close"}

    Returns
    -------
    tuple of three arrays, shape (n,)
        ``value``, the price of the last confirmed swing; ``direction``, 1 since a swing low and
        -1 since a swing high; ``confirmed``, 1 at the bar that confirms a swing high, -1 at that
        of a swing low, else 0. NaN before the first one.
    """
    upper, lower = (high, low) if price == _HIGH_LOW else (close, close)
    level, direction, flag, _ = _swings(upper, lower, deviation / 100.0)
    return level, direction, flag


_PARAMETERS = (
    number(
        "deviation",
        5.0,
        "Percent that the price must move from an extreme to make it a swing.",
        "percent",
        "threshold",
        minimum=0.001,
        maximum=1000.0,
    ),
    choice("price", _HIGH_LOW, "Whether highs and lows are measured, or closes only.", "close"),
)

INDICATORS = (
    indicator_build(
        Spec(
            name="zigzag",
            title="Zigzag",
            group="overlap",
            inputs=("high", "low", "close"),
            parameters=_PARAMETERS,
            outputs=("value", "swing"),
            recursive=True,
            repaints=True,
            description="Line through the swings of at least a given size (Merrill, 1977). For "
            "charts only: it is drawn back to bars at which nobody knew it; zigzag_confirmed says "
            "what was known.",
            aliases=("zig_zag",),
            overlay=True,
        ),
        kernel=zigzag,
        warmup=lambda _deviation, _price: 0,
    ),
    indicator_build(
        Spec(
            name="zigzag_confirmed",
            title="Zigzag (confirmed)",
            group="overlap",
            inputs=("high", "low", "close"),
            parameters=_PARAMETERS,
            outputs=("value", "direction", "confirmed"),
            recursive=True,
            repaints=False,
            description="Price of the zigzag's last swing from the bar on that confirms it, and "
            "the direction since.",
            aliases=("confirmed_zigzag", "zig_zag_confirmed"),
            overlay=True,
        ),
        kernel=zigzag_confirmed,
        warmup=lambda _deviation, _price: 1,
    ),
)
