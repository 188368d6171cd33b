"""Vectorised arithmetic on columns that several node types share.

Columns are float64 with NaN where undefined, or bool. A 0-d array stands for a column of one
value. Nothing here mutates an input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    out = np.zeros(length, dtype=np.bool_)
    if length < 2:
        return out
    above = _spread(np.greater(left, right), length)
    below = _spread(np.less(left, right), length)
    np.logical_and(above[1:], below[:-1], out=out[1:])
    if strict:
        return out
    tied = _spread(np.equal(left, right), length)
    if tied.any():
        _add_crosses_after_ties(out, above, below, tied)
    return out


def _add_crosses_after_ties(
    out: NDArray[np.bool_],
    above: NDArray[np.bool_],
    below: NDArray[np.bool_],
    tied: NDArray[np.bool_],
) -> None:
    """Set where the two were equal on the bar before and below on the last bar they differed."""
    after_tie = np.flatnonzero(above[1:] & tied[:-1]) + 1
    if not len(after_tie):
        return
    differed = np.flatnonzero(~tied)
    # The last bar before `after_tie` that is not a tie; -1 where there is none.
    place = np.searchsorted(differed, after_tie) - 1
    known = place >= 0
    out[after_tie[known]] = below[differed[place[known]]]


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


def _spread(flags: Any, length: int) -> NDArray[np.bool_]:
    """Return a comparison's result as `length` values."""
    found = np.asarray(flags)
    return found if found.ndim else np.full(length, found)
