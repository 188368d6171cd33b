"""Taking the bars that cannot be right out of a delivery, so that the others can be used.

What is taken out is kept beside the series (quarantine) with its reason. Nothing is repaired: a
row is a bar as it came, or it is not a bar.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.errors import InvalidInput

PRICES: Final = ("open", "high", "low", "close")
NUMBERS: Final = (*PRICES, "volume")
# A delivery with more bad rows than this is not one with faults, it is something else.
REJECTED_SHARE: Final = 0.05
REJECTED_ALWAYS: Final = 3

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class RejectedBar:
    """A row that cannot be a bar.

    Attributes
    ----------
    ts : int
        Nanoseconds UTC, as given.
    values : dict of str to float
        Prices and volume, as given.
    code : str
        ``"not_finite"``, ``"not_positive"``, ``"high_too_low"``, ``"low_too_high"``,
        ``"negative"``, ``"duplicate"``, ``"out_of_order"``.
    message : str
    """

    ts: int
    values: dict[str, float]
    code: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Sifted:
    """The bars of a delivery, which of its rows they are, and the rows that are none."""

    bars: Bars
    keep: NDArray[np.bool_]
    rejected: tuple[RejectedBar, ...]


def bars_sift(ts: NDArray[np.int64], columns: Columns) -> Sifted:
    """Return the valid bars among rows, and the others with their reasons.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        Nanoseconds UTC.
    columns : dict of str to ndarray of float64, shape (n,)
        open, high, low, close, volume.

    Raises
    ------
    InvalidInput
        When more rows are bad than 3 and one in twenty, or all of them: one detail each.
    """
    try:
        bars = Bars.from_arrays(ts=ts, **columns)
    except InvalidInput:
        codes = _row_codes(columns)
        codes[_disordered(ts, codes == "")] = "out_of_order"
        keep = codes == ""
        bad = int((~keep).sum())
        if bad > max(REJECTED_ALWAYS, REJECTED_SHARE * len(ts)) or not keep.any():
            raise
        rejected = _rejected(ts, columns, codes)
        bars = Bars.from_arrays(
            ts=ts[keep], **{name: column[keep] for name, column in columns.items()}
        )
        return Sifted(bars, keep, rejected)
    return Sifted(bars, np.ones(len(ts), dtype=bool), ())


def _row_codes(columns: Columns) -> NDArray[Any]:
    """Return what is wrong with each row by itself; "" where nothing is."""
    prices = np.stack([columns[name] for name in PRICES])
    volume = columns["volume"]
    top, bottom = prices.max(axis=0), prices.min(axis=0)
    codes = np.full(len(volume), "", dtype="<U16")
    # The most basic fault is written last, over the others.
    codes[columns["low"] > bottom] = "low_too_high"
    codes[columns["high"] < top] = "high_too_low"
    codes[volume < 0] = "negative"
    codes[bottom <= 0] = "not_positive"
    codes[~(np.isfinite(prices).all(axis=0) & np.isfinite(volume))] = "not_finite"
    return codes


def _disordered(ts: NDArray[np.int64], sound: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the sound rows to leave out so that the rest increases: as few as can be.

    The rest is a longest increasing subsequence (patience sorting), so one time far in the future
    costs one row and not all that follow.
    """
    rows = np.flatnonzero(sound)
    times = ts[rows]
    if not len(rows) or bool((np.diff(times) > 0).all()):
        return np.empty(0, dtype=np.intp)
    ends: list[int] = []
    end_at: list[int] = []
    before = np.full(len(rows), -1, dtype=np.intp)
    for at, time in enumerate(times.tolist()):
        place = bisect_left(ends, time)
        before[at] = end_at[place - 1] if place else -1
        if place == len(ends):
            ends.append(time)
            end_at.append(at)
        else:
            ends[place], end_at[place] = time, at
    out = np.ones(len(rows), dtype=bool)
    at = end_at[-1]
    while at >= 0:
        out[at] = False
        at = int(before[at])
    return rows[out]


def _rejected(
    ts: NDArray[np.int64], columns: Columns, codes: NDArray[Any]
) -> tuple[RejectedBar, ...]:
    kept = set(ts[codes == ""].tolist())
    found = []
    for row in np.flatnonzero(codes != ""):
        values = {name: float(columns[name][row]) for name in NUMBERS}
        code = str(codes[row])
        if code == "out_of_order" and int(ts[row]) in kept:
            code = "duplicate"
        found.append(RejectedBar(int(ts[row]), values, code, _sentence(code, values)))
    return tuple(found)


def _sentence(code: str, values: dict[str, float]) -> str:
    shown = ", ".join(f"{name} {value!r}" for name, value in values.items())
    return {
        "not_finite": f"A value is not a number: {shown}.",
        "not_positive": f"A price is not above 0: {shown}.",
        "negative": f"The volume is below 0: {shown}.",
        "high_too_low": f"The high is below another price: {shown}.",
        "low_too_high": f"The low is above another price: {shown}.",
        "duplicate": f"There is another bar of the same time: {shown}.",
        "out_of_order": f"It stands between bars of other times: {shown}.",
    }[code]
