"""How far and how long an equity curve stood below its own high."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.metrics.scans import curve_scan
from core.metrics.value import Undefined, Value

NS_PER_SECOND: Final = 1e9

_NO_DRAWDOWN: Final = Undefined("there was no drawdown")


def drawdown(equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fraction by which equity is below its highest value so far.

    Parameters
    ----------
    equity : array, shape (n,)

    Returns
    -------
    array, shape (n,)
        ``equity / running maximum - 1``: 0 at a new high, -0.2 one fifth below it, below -1
        for a debt. NaN while no value has been above zero.
    """
    peak = np.maximum.accumulate(equity)
    if len(peak) and peak[0] <= 0.0:
        peak = np.where(peak > 0.0, peak, np.nan)
    below: NDArray[np.float64] = equity / peak
    below -= 1.0
    return below


@dataclass(frozen=True, slots=True)
class Curve:
    """What a curve was like, bar by bar.

    Attributes
    ----------
    peak, mean : Value
        Its highest and its mean value.
    depth : Value
        The deepest drawdown, a fraction <= 0; 0.0 for a curve that never fell.
    recovered : Value
        1 if the high before the deepest drawdown was reached again, else 0.
    longest_s : Value
        The longest time in seconds from a high to its recovery, or to the last bar where there was
        none; 0 for a curve that never fell.
    longest_recovered : Value
        1 if the longest drawdown ended, 0 if it lasted to the last bar.
    count : Value
        Number of drawdowns, one that was not recovered included.
    average_depth, average_s : Value
        The mean of their depths and of their durations in seconds, undefined without any.
    ulcer : Value
        Root mean square of the drawdown over all bars, a fraction (Martin and McCann 1989).
        quantstats divides by n - 1.
    """

    peak: Value
    mean: Value
    depth: Value
    recovered: Value
    longest_s: Value
    longest_recovered: Value
    count: Value
    average_depth: Value
    average_s: Value
    ulcer: Value


def curve_measure(ts: NDArray[np.int64], equity: NDArray[np.float64]) -> Curve:
    """Measure the highs and drawdowns of a curve.

    Parameters
    ----------
    ts : array of int64, shape (n,)
        Times of the bars, nanoseconds.
    equity : array of float64, shape (n,)
        At least one value. Where one is not finite, nothing is defined.

    Notes
    -----
    A drawdown starts at the last bar on the high and ends at the first bar back on it.
    backtesting.py, which this follows, calls the longest one "Max. Drawdown Duration"; it is
    not always the deepest.
    """
    if not equity[0] > 0.0:
        return _curve_without_high(equity)
    peak, depth, recovered, longest, ended, count, depths, durations, squares, total = curve_scan(
        np.ascontiguousarray(ts, dtype=np.int64), np.ascontiguousarray(equity, dtype=np.float64)
    )
    if not isfinite(total):
        return _curve_without_high(equity)
    return Curve(
        peak=peak,
        mean=total / len(equity),
        depth=depth,
        recovered=int(recovered) if count else _NO_DRAWDOWN,
        longest_s=longest / NS_PER_SECOND,
        longest_recovered=int(ended) if count else _NO_DRAWDOWN,
        count=count,
        average_depth=depths / count if count else _NO_DRAWDOWN,
        average_s=durations / NS_PER_SECOND / count if count else _NO_DRAWDOWN,
        ulcer=sqrt(squares / len(equity)),
    )


def _curve_without_high(equity: NDArray[np.float64]) -> Curve:
    """Return what is left of a curve with no high to fall from."""
    if np.isfinite(equity).all():
        missing = Undefined("equity started at zero or below")
        return Curve(float(equity.max()), float(equity.mean()), *[missing] * 8)
    return Curve(*[Undefined("equity is not a finite number at every bar")] * 10)


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall from a high.

    Attributes
    ----------
    start, trough, end : int
        Bars: the last one on the high, the lowest one, and the first one back on the high, or the
        last of the run.
    start_ts, trough_ts, end_ts : int
        When they open, UTC nanoseconds.
    depth : float
        At the trough, a fraction < 0.
    recovered : bool
        Whether the high was reached again.
    duration_s, recovery_s : float
        From start to end and from trough to end, in seconds.
    """

    start: int
    trough: int
    end: int
    start_ts: int
    trough_ts: int
    end_ts: int
    depth: float
    recovered: bool
    duration_s: float
    recovery_s: float


def worst_drawdowns(
    ts: NDArray[np.int64], equity: NDArray[np.float64], *, count: int = 10
) -> tuple[Drawdown, ...]:
    """Return the deepest drawdowns of a curve, deepest first, the earlier of equals first.

    Parameters
    ----------
    ts, equity : array, shape (n,)
        Times of the bars in nanoseconds, and the curve.
    count : int
        How many at most.

    Returns
    -------
    tuple of Drawdown
        Empty for a curve that never fell, starts at zero or below, or is not finite everywhere.
    """
    if len(equity) == 0 or not equity[0] > 0.0 or not np.isfinite(equity).all():
        return ()
    on_high = np.flatnonzero(equity >= np.maximum.accumulate(equity))
    ends = np.append(on_high[1:], len(equity))
    fell = ends > on_high + 1
    starts, ends = on_high[fell], ends[fell]
    if len(starts) == 0:
        return ()
    depths = np.minimum.reduceat(equity, np.column_stack((starts + 1, ends)).ravel()[:-1])[::2]
    depths = depths / equity[starts] - 1.0
    deepest = np.argsort(depths, kind="stable")[:count]
    return tuple(_drawdown_build(ts, equity, int(starts[i]), int(ends[i])) for i in deepest)


def _drawdown_build(
    ts: NDArray[np.int64], equity: NDArray[np.float64], start: int, border: int
) -> Drawdown:
    """Describe the fall from `start` to the bar before `border`, the first one back on the high."""
    end = min(border, len(equity) - 1)
    trough = start + 1 + int(np.argmin(equity[start + 1 : border]))
    start_ts, trough_ts, end_ts = (int(ts[bar]) for bar in (start, trough, end))
    return Drawdown(
        start=start,
        trough=trough,
        end=end,
        start_ts=start_ts,
        trough_ts=trough_ts,
        end_ts=end_ts,
        depth=float(equity[trough] / equity[start]) - 1.0,
        recovered=border < len(equity),
        duration_s=(end_ts - start_ts) / NS_PER_SECOND,
        recovery_s=(end_ts - trough_ts) / NS_PER_SECOND,
    )
