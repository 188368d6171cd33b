"""The periods that returns are measured over: sessions, or the bars where they are not shorter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics.returns import simple_returns
from core.metrics.scans import day_ends, session_ends
from core.metrics.value import Undefined


def period_ends(
    ts: NDArray[np.int64], session_ids: NDArray[np.integer] | None = None
) -> NDArray[np.int64]:
    """Return the index of the last bar of each session.

    Parameters
    ----------
    ts : array of int64, shape (n,)
        Bar-open times, UTC nanoseconds, increasing.
    session_ids : array of int, shape (n,), optional
        A number per bar that is the same within a session of the exchange. Without it, days are
        those of UTC.

    Returns
    -------
    array of int64
        Empty for no bars; every index for daily or longer bars.
    """
    if len(ts) == 0:
        return np.empty(0, dtype=np.int64)
    find, places = (day_ends, ts) if session_ids is None else (session_ends, session_ids)
    ends: NDArray[np.int64] = find(np.ascontiguousarray(places, dtype=np.int64))
    return ends


def periods_find(
    ts: NDArray[np.int64], session_ids: NDArray[np.integer] | None, periods_per_year: float
) -> tuple[NDArray[np.int64] | slice, float]:
    """Return which bars end a return period, and how many such periods a year has.

    Parameters
    ----------
    ts, session_ids
        As for `period_ends`; at least one bar.
    periods_per_year : float
        Bars a year.

    Returns
    -------
    tuple
        Places of the bars, and `periods_per_year` divided by the usual (median) number of bars a
        session. The first bar is always among the places: returns start from its close, before
        which nothing can have been traded.
    """
    ends = period_ends(ts, session_ids)
    if len(ends) == len(ts):
        return slice(None), periods_per_year
    counts = ends + 1
    counts[1:] -= counts[:-1].copy()
    bars_a_session = _median(counts)
    if bars_a_session <= 1.0:
        return slice(None), periods_per_year
    if ends[0] > 0:
        ends = np.concatenate(([0], ends))
    return ends, periods_per_year / bars_a_session


def _median(counts: NDArray[np.int64]) -> float:
    """Return the median; numpy's own costs more than the rest of a short run's summary."""
    ordered = np.sort(counts)
    return (int(ordered[(len(ordered) - 1) // 2]) + int(ordered[len(ordered) // 2])) / 2.0


@dataclass(frozen=True, slots=True, eq=False)
class SessionReturns:
    """The returns that ratios and charts of them are computed from.

    Attributes
    ----------
    ts : array of int64, shape (n,)
        Open time of the bar at whose close each return was reached, UTC nanoseconds.
    returns : array of float64, shape (n,), or Undefined
        Fractions; undefined after ruin.
    periods_per_year : float
        Such returns a year, to annualise by.
    """

    ts: NDArray[np.int64]
    returns: NDArray[np.float64] | Undefined
    periods_per_year: float


def session_returns(
    *,
    ts: NDArray[np.int64],
    values: NDArray[np.float64],
    periods_per_year: float,
    session_ids: NDArray[np.integer] | None = None,
) -> SessionReturns:
    """Return the returns of a curve or of prices from session to session.

    Parameters
    ----------
    ts, values : array, shape (n,)
        Bar-open times, UTC nanoseconds; equity, or the prices of a benchmark.
    periods_per_year : float
        Bars a year, as for a summary.
    session_ids : array of int, shape (n,), optional
        Equal for the bars of one session; days of UTC without it.
    """
    if len(ts) == 0:
        return SessionReturns(ts, np.empty(0), periods_per_year)
    places, periods = periods_find(ts, session_ids, periods_per_year)
    return SessionReturns(ts[places][1:], simple_returns(values[places]), periods)
