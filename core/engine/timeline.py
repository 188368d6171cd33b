"""When which instrument of a portfolio has a bar: the union of their times, moment by moment."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from core.engine.caching import kernel_cached


class Timeline(NamedTuple):
    """The rows of a portfolio in the order of time, and of instruments within a moment.

    A row is a bar's place in the arrays of all instruments one after the other.
    """

    ts: NDArray[np.int64]  # by moment
    places: NDArray[np.int64]  # by moment, and one more: where its rows begin in `rows`
    rows: NDArray[np.int64]  # by place
    owners: NDArray[np.int64]  # by place: the instrument


def timeline_find(ts: NDArray[np.int64], starts: NDArray[np.int64]) -> Timeline:
    """Merge the times of instruments.

    Parameters
    ----------
    ts : ndarray of int64, shape (rows,)
        Of all instruments one after the other, increasing within each.
    starts : ndarray of int64, shape (instruments + 1,)
        The first row of each instrument, and the number of rows.
    """
    length = np.diff(starts)
    first = ts[: length[0]]
    if (length == length[0]).all() and (ts.reshape(len(length), -1) == first).all():
        # Most portfolios: all instruments have the same bars.
        rows = np.arange(ts.size).reshape(len(length), -1).T.ravel()
        places = np.arange(0, ts.size + 1, len(length))
        return Timeline(first.copy(), places, rows, np.tile(np.arange(len(length)), len(first)))
    moments, places, rows, owners = _merge_load()(ts, starts)
    return Timeline(moments, places, rows, owners)


@functools.cache
def _merge_load() -> Callable[..., Any]:
    stamps = numba.types.Array(numba.types.int64, 1, "C", readonly=True)
    return kernel_cached(_merge, (stamps, numba.types.int64[::1]), nogil=True)


def _merge(ts: Any, starts: Any) -> Any:
    """Merge instruments by the time of their next bar: one look at each of them a moment."""
    count = starts.size - 1
    upto = starts[:-1].copy()
    moments, places = np.empty(ts.size, np.int64), np.empty(ts.size + 1, np.int64)
    rows, owners = np.empty(ts.size, np.int64), np.empty(ts.size, np.int64)
    moment = place = 0
    while place < ts.size:
        now = np.iinfo(np.int64).max
        for number in range(count):
            if upto[number] < starts[number + 1]:
                now = min(now, ts[upto[number]])
        moments[moment], places[moment] = now, place
        for number in range(count):
            row = upto[number]
            if row < starts[number + 1] and ts[row] == now:
                rows[place], owners[place] = row, number
                upto[number] = row + 1
                place += 1
        moment += 1
    places[moment] = place
    return moments[:moment].copy(), places[: moment + 1].copy(), rows, owners
