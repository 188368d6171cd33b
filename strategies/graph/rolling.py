"""Extremes over a moving window, in linear time whatever the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rolling_max(series: NDArray[Any], bars: int) -> NDArray[np.float64]:
    """Return the highest of the last `bars` values, this one included.

    NaN for the first `bars - 1` values and wherever the window holds a NaN. By the algorithm of
    van Herk, Gil and Werman: running extremes of blocks, forwards and backwards, whose ends meet
    in every window; it compares and never adds, so it is exact.
    """
    length = len(series)
    out = np.full(length, np.nan)
    if bars > length:
        return out
    blocks = -(-length // bars)
    padded = np.full(blocks * bars, -np.inf)
    padded[:length] = series
    table = padded.reshape(blocks, bars)
    forwards = np.maximum.accumulate(table, axis=1).ravel()
    backwards = np.maximum.accumulate(table[:, ::-1], axis=1)[:, ::-1].ravel()
    np.maximum(backwards[: length - bars + 1], forwards[bars - 1 : length], out=out[bars - 1 :])
    return out


def rolling_min(series: NDArray[Any], bars: int) -> NDArray[np.float64]:
    """Return the lowest of the last `bars` values; otherwise as `rolling_max`."""
    found: NDArray[np.float64] = np.negative(rolling_max(np.negative(series), bars))
    return found
