"""Fewer points for a chart, with every extreme kept.

The bars are cut into equal buckets; of each bucket the points stay where a series has its minimum
and its maximum, and the first and last point of all. A spike of one bar therefore survives, which
plain sampling would lose and averaging would flatten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def thin(series: Sequence[NDArray[Any]], points: int) -> NDArray[np.int64]:
    """Return the rows to draw: at most `points` of them, in order.

    Parameters
    ----------
    series : sequence of ndarray, each of shape (n,)
        What is drawn together; the extremes of each survive. NaN is never an extreme.
    points : int
        How many rows at most, 2 or more for each series and 2 for the ends.

    Returns
    -------
    ndarray of int64
        All rows where there are no more than `points`.
    """
    length = len(series[0]) if series else 0
    if length <= points:
        return np.arange(length)
    buckets = max(1, (points - 2) // (2 * len(series)))
    edges = np.linspace(0, length, buckets + 1).astype(np.int64)
    kept = [np.array([0, length - 1], dtype=np.int64)]
    kept.extend(_extremes(np.asarray(values, dtype=np.float64), edges) for values in series)
    return np.unique(np.concatenate(kept))


def _extremes(values: NDArray[np.float64], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row of the minimum and of the maximum of each bucket."""
    starts, stops = edges[:-1], edges[1:]
    width = int((stops - starts).max())
    # One row a bucket, the last columns padded with the bucket's own last value.
    rows = np.minimum(starts[:, None] + np.arange(width), stops[:, None] - 1)
    table = values[rows]
    low = np.where(np.isnan(table), np.inf, table).argmin(axis=1)
    high = np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    each = np.arange(len(rows))
    return np.concatenate([rows[each, low], rows[each, high]])
