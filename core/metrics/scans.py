"""The passes over long series behind the metrics, compiled.

Numpy would make a dozen temporary arrays of the length of the curve for the same numbers; one
pass without any is five to ten times faster on a hundred thousand bars. Sums are taken in order,
without fast-math, so that a result has the same bits on every machine. Signatures are given, so
that the first call in a process does not wait for the compiler.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

_INTS = types.Array(types.int64, 1, "C", readonly=True)
_FLOATS = types.Array(types.float64, 1, "C", readonly=True)


@njit([(_INTS, types.int64)], cache=True, nogil=True)
def day_ends(ts: NDArray[np.int64], day: int) -> NDArray[np.int64]:
    """Return the index of the last bar of each day of `day` units.

    `ts` increases, so that one division a day is enough.
    """
    ends = np.empty(ts.shape[0], dtype=np.int64)
    count = 0
    border = (ts[0] // day + 1) * day
    for index in range(1, ts.shape[0]):
        if ts[index] >= border:
            ends[count] = index - 1
            count += 1
            border = (ts[index] // day + 1) * day
    ends[count] = ts.shape[0] - 1
    return ends[: count + 1].copy()


@njit(
    [(_INTS, _FLOATS)],
    cache=True,
    nogil=True,
    error_model="numpy",
)
def curve_scan(
    ts: NDArray[np.int64], equity: NDArray[np.float64]
) -> tuple[float, float, int, bool, float, float]:
    """Measure a curve that starts above zero.

    Returns
    -------
    tuple
        Its highest value, the deepest drawdown (<= 0), the longest time below a high, whether
        the deepest drawdown was recovered, the sum of squared drawdowns, the sum of the curve.
    """
    peak = equity[0]
    high = 0
    deepest = 0.0
    trough = 0
    longest = 0
    squares = 0.0
    total = 0.0
    last = equity.shape[0] - 1
    for index in range(last + 1):
        value = equity[index]
        total += value
        if value >= peak:
            if index > high + 1:
                longest = max(longest, ts[index] - ts[high])
            peak = value
            high = index
        else:
            below = value / peak - 1.0
            squares += below * below
            if below < deepest:
                deepest = below
                trough = index
    if high < last:
        longest = max(longest, ts[last] - ts[high])
    return peak, deepest, longest, high > trough, squares, total


@njit([(_FLOATS,)], cache=True, nogil=True, error_model="numpy")
def returns_scan(returns: NDArray[np.float64]) -> tuple[float, ...]:
    """Return sum, sums of the 2nd to 4th power around the mean, squared losses, gains, losses."""
    total = 0.0
    for value in returns:
        total += value
    mean = total / returns.shape[0]
    second = third = fourth = 0.0
    downside = gains = losses = 0.0
    for value in returns:
        centered = value - mean
        square = centered * centered
        second += square
        third += square * centered
        fourth += square * square
        if value < 0.0:
            losses -= value
            downside += value * value
        else:
            gains += value
    return total, second, third, fourth, downside, gains, losses
