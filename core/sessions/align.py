"""Carrying values between bars of different length: never before the longer one is over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def bars_closed(coarse_ends: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which bar of another series is the last one that is over when each bar is.

    Parameters
    ----------
    coarse_ends : ndarray of int64, shape (k,)
        When the bars of the other series are over, UTC nanoseconds, never decreasing.
    ends : ndarray of int64, shape (n,)
        When the bars are that want to know.

    Returns
    -------
    ndarray of int64, shape (n,)
        Places in the other series; -1 where none is over yet. One that is over at the same moment
        counts.
    """
    first_seen = np.searchsorted(ends, coarse_ends)
    seen = np.diff(first_seen, prepend=0, append=ends.size)
    return np.repeat(np.arange(-1, coarse_ends.size), seen)


def values_carry(series: NDArray[Any], closed: NDArray[np.int64]) -> NDArray[Any]:
    """Return a series' values as another series of bars knows them.

    Parameters
    ----------
    series : ndarray, shape (k,), or 0-d
        float64 or bool; 0-d stands for one value at every bar.
    closed : ndarray of int64, shape (n,)
        From `bars_closed`.

    Returns
    -------
    ndarray, shape (n,), or 0-d
        NaN, or false, where no bar is over yet.
    """
    if not series.ndim:
        return series
    missing = int(np.searchsorted(closed, 0))
    found = np.empty(closed.size, dtype=series.dtype)
    found[:missing] = np.nan if series.dtype.kind == "f" else False
    found[missing:] = series[closed[missing:]]
    return found
