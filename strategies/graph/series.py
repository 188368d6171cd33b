"""Vectorised arithmetic on columns that several node types share.

Columns are float64 with NaN where undefined, or bool. A 0-d array stands for a column of one
value. Nothing here mutates an input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core.indicators.jit import SERIES, WHOLE, looped

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORGETS: Final = 0
REMEMBERS: Final = 1


def shifted(series: NDArray[Any], bars: int) -> NDArray[np.float64]:
    """Return the value of `bars` bars ago; NaN for the first `bars` bars."""
    out = np.empty(len(series), dtype=np.float64)
    out[:bars] = np.nan
    out[bars:] = series[: max(len(series) - bars, 0)]
    return out


def changed(series: NDArray[Any], bars: int) -> NDArray[np.float64]:
    """Return the change against `bars` bars ago as a fraction of the value then."""
    return divided(series, shifted(series, bars)) - 1.0


def divided(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """Return the quotient; NaN where the divisor is zero, for nothing follows from it."""
    out: NDArray[np.float64] = np.asarray(np.divide(left, right))
    zero = np.equal(right, 0.0)
    return np.where(zero, np.nan, out) if zero.any() else out


def crossed(
    left: NDArray[Any], right: NDArray[Any], length: int, *, strict: bool
) -> NDArray[np.bool_]:
    """Return where `left` crosses above `right`.

    Parameters
    ----------
    left, right : ndarray
        Columns of `length` values, or 0-d.
    length : int
        Number of bars.
    strict : bool
        If true the bar before must be strictly below. Otherwise, with equality in between, the
        last bar at which the two differed counts: a touch followed by a cross is a cross.

    Returns
    -------
    ndarray of bool
        False at the first bar and wherever a NaN is involved; a NaN in between ends a touch.
    """
    found: NDArray[np.bool_] = _crossed(
        _spread(left, length), _spread(right, length), FORGETS if strict else REMEMBERS
    )
    return found


@looped(SERIES, SERIES, WHOLE)
def _crossed(left: NDArray[Any], right: NDArray[Any], remembers: int) -> NDArray[np.bool_]:
    """Compare each bar with the one before; only where two were ever equal, read once more."""
    length = left.shape[0]
    out = np.zeros(length, dtype=np.bool_)
    ties = 0
    for bar in range(1, length):
        out[bar] = (left[bar] > right[bar]) & (left[bar - 1] < right[bar - 1])
        ties += left[bar - 1] == right[bar - 1]
    if ties == 0 or not remembers:
        return out
    below = False
    for bar in range(length):
        if left[bar] > right[bar]:
            out[bar] = below
            below = False
        elif left[bar] != right[bar]:
            below = left[bar] < right[bar]
    return out


def run_of(true: NDArray[np.bool_], bars: int) -> NDArray[np.bool_]:
    """Return where a bool column has been true for at least `bars` bars running."""
    if bars == 1:
        return true
    at = np.arange(1, len(true) + 1)
    last_false = np.maximum.accumulate(np.where(true, 0, at))
    found: NDArray[np.bool_] = (at - last_false) >= bars
    return found


def rising(series: NDArray[Any], bars: int) -> NDArray[np.bool_]:
    """Return where each of the last `bars` changes was upward."""
    up = np.zeros(len(series), dtype=np.bool_)
    np.greater(series[1:], series[:-1], out=up[1:])
    return run_of(up, bars)


def _spread(series: NDArray[Any], length: int) -> NDArray[np.float64]:
    """Return a column of `length` numbers that lie together."""
    if not series.ndim:
        return np.full(length, series, dtype=np.float64)
    return np.ascontiguousarray(series, dtype=np.float64)
