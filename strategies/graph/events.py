"""Truths over time: what was true how long ago.

Columns are bool, one value a bar. Nothing here mutates an input or looks at a later bar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def bars_since(true: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how many bars ago a column was last true: 0 where it is, NaN before it ever was."""
    at = np.arange(len(true))
    last = np.maximum.accumulate(np.where(true, at, -1))
    return np.where(last < 0, np.nan, at - last)


def recent(true: NDArray[np.bool_], bars: int) -> NDArray[np.bool_]:
    """Return where a column was true at any of the last `bars` bars, this one included."""
    # NaN, where it never was true, is less than nothing.
    found: NDArray[np.bool_] = np.less(bars_since(true), bars)
    return found


def followed(first: NDArray[np.bool_], then: NDArray[np.bool_], bars: int) -> NDArray[np.bool_]:
    """Return where `then` is true and `first` was at one of the `bars` bars before this one."""
    out = np.zeros(len(then), dtype=np.bool_)
    np.logical_and(then[1:], recent(first, bars)[:-1], out=out[1:])
    return out
