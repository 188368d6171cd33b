"""Finer bars that tell in which order things happened inside the bars of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.errors import InvalidInput

_ROUNDING: Final = 1e-5
"""Relative: by so much prices of two sources may differ."""
_MOST_WRONG: Final = 0.5

Prices = NDArray[np.float64]
Rows = NDArray[np.int64]


def _no_bars() -> Bars:
    none = np.empty(0)
    return Bars(np.empty(0, np.int64), none, none, none, none, none)


def _no_rows() -> Rows:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """Finer bars of the same instrument, in the same prices.

    Attributes
    ----------
    bars : Bars
    first : ndarray of int64, shape (n + 1,)
        Place in `bars` where those of each bar of the run begin, and at last where they end. A bar
        whose place is that of the next has none.
    """

    bars: Bars
    first: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Finer:
    """Finer bars as the kernel reads them.

    Attributes
    ----------
    bars : Bars
        The first one of each bar begins at the bar's open and the last one ends at its close.
    firsts, stops : ndarray of int64, shape (n,)
        Where those of each bar begin, and end; equal where it has none that fit.
    warnings : tuple of str
    """

    bars: Bars = field(default_factory=_no_bars)
    firsts: Rows = field(default_factory=_no_rows)
    stops: Rows = field(default_factory=_no_rows)
    warnings: tuple[str, ...] = ()


def finer_fit(bars: Bars, detail: Detail) -> Finer:
    """Return the finer bars of each bar, without those that contradict it.

    Together they must have the high and the low of their bar: what they do not reach they cannot
    tell the order of, and what lies beyond never happened in it. Opens and closes may differ, as
    those of auctions do, and are the bar's.

    Raises
    ------
    InvalidInput
        When the places are none, no bar has finer ones, or those of most bars contradict them.
    """
    _places_check(bars, detail)
    held = np.flatnonzero(detail.first[1:] > detail.first[:-1])
    firsts, stops = detail.first[:-1].copy(), detail.first[1:].copy()
    if not held.size:
        raise InvalidInput(
            "None of the finer bars lies in a bar of the run: give those of the same range.",
            code="detail_elsewhere",
        )
    made = _ends_joined(bars, detail.bars, held, firsts[held], stops[held])
    tops = np.maximum.reduceat(made.high[: stops[-1]], firsts[held])
    bottoms = np.minimum.reduceat(made.low[: stops[-1]], firsts[held])
    high, low = bars.high[held], bars.low[held]
    wrong = np.abs(tops - high) > _ROUNDING * high
    wrong |= np.abs(bottoms - low) > _ROUNDING * low
    stops[held[wrong]] = firsts[held[wrong]]
    fitting = _clipped(made, bars, firsts, stops)
    if not wrong.any():
        return Finer(fitting, firsts, stops)
    at = int(wrong.argmax())
    text = _contradiction(held, wrong, (low[at], high[at]), (bottoms[at], tops[at]))
    if wrong.sum() > _MOST_WRONG * held.size:
        raise InvalidInput(
            f"{text} They are not of the same instrument, prices or adjustment: give those that "
            "are, or leave detail_interval out.",
            code="detail_contradicts",
        )
    return Finer(fitting, firsts, stops, (f"{text} Those bars were gone through as a whole.",))


def _places_check(bars: Bars, detail: Detail) -> None:
    first, count = detail.first, len(detail.bars)
    if first.shape != (len(bars) + 1,):
        raise InvalidInput(
            f"detail.first must have one place a bar and one more, shape ({len(bars) + 1},), "
            f"found {first.shape}.",
            code="shape_mismatch",
        )
    if first[0] < 0 or first[-1] > count or (np.diff(first) < 0).any():
        raise InvalidInput(
            f"detail.first must hold places from 0 to {count} that never decrease.",
            code="out_of_range",
        )


def _ends_joined(bars: Bars, finer: Bars, held: Rows, firsts: Rows, stops: Rows) -> Bars:
    """Return finer bars that begin at the open of their bar and end at its close."""
    opens, closes = finer.open.copy(), finer.close.copy()
    opens[firsts], closes[stops - 1] = bars.open[held], bars.close[held]
    highs = np.maximum(finer.high, np.maximum(opens, closes))
    lows = np.minimum(finer.low, np.minimum(opens, closes))
    return Bars(finer.ts, opens, highs, lows, closes, finer.volume)


def _clipped(made: Bars, bars: Bars, firsts: Rows, stops: Rows) -> Bars:
    """Return finer bars of which none lies outside of its bar by a rounding."""
    high, low = np.full(len(made), np.inf), np.zeros(len(made))
    counts = stops - firsts
    rows = np.repeat(firsts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    high[rows], low[rows] = np.repeat(bars.high, counts), np.repeat(bars.low, counts)
    prices = (made.open, made.high, made.low, made.close)
    opens, highs, lows, closes = (np.clip(price, low, high) for price in prices)
    return Bars(made.ts, opens, highs, lows, closes, made.volume)


def _contradiction(
    held: Rows, wrong: NDArray[np.bool_], own: tuple[float, float], found: tuple[float, float]
) -> str:
    count, row = int(wrong.sum()), int(held[wrong.argmax()])
    return (
        f"The finer bars of {count} of {held.size} bar(s) contradict them: bar {row} goes from "
        f"{own[0]:g} to {own[1]:g}, its finer bars from {found[0]:g} to {found[1]:g}."
    )
