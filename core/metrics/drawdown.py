"""How far and how long an equity curve stood below its own high."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.metrics.scans import curve_scan
from core.metrics.value import Undefined, Value

NS_PER_SECOND: Final = 1e9


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
    peak, mean : float
        Its highest and its mean value.
    depth : Value
        The deepest drawdown, a fraction <= 0; 0.0 for a curve that never fell.
    longest_s : Value
        The longest time in seconds from a high to its recovery, or to the last bar where there was
        none; 0 for a curve that never fell.
    recovered : Value
        1 if the high before the deepest drawdown was reached again, else 0.
    ulcer : Value
        Root mean square of the drawdown over all bars, a fraction (Martin and McCann 1989).
        quantstats divides by n - 1.
    """

    peak: float
    mean: float
    depth: Value
    longest_s: Value
    recovered: Value
    ulcer: Value


def curve_measure(ts: NDArray[np.int64], equity: NDArray[np.float64]) -> Curve:
    """Measure the highs and drawdowns of a curve.

    Parameters
    ----------
    ts : array of int64, shape (n,)
        Times of the bars, nanoseconds.
    equity : array of float64, shape (n,)
        At least one value.

    Notes
    -----
    A drawdown starts at the last bar on the high and ends at the first bar back on it.
    backtesting.py, which this follows, calls the longest one "Max. Drawdown Duration"; it is
    not always the deepest.
    """
    if equity[0] <= 0.0:
        missing = Undefined("equity started at zero or below")
        mean = float(equity.sum()) / len(equity)
        return Curve(float(equity.max()), mean, missing, missing, missing, missing)
    peak, depth, longest, recovered, squares, total = curve_scan(
        np.ascontiguousarray(ts, dtype=np.int64), np.ascontiguousarray(equity, dtype=np.float64)
    )
    return Curve(
        peak=peak,
        mean=total / len(equity),
        depth=depth,
        longest_s=longest / NS_PER_SECOND,
        recovered=int(recovered) if depth < 0.0 else Undefined("there was no drawdown"),
        ulcer=sqrt(squares / len(equity)),
    )
