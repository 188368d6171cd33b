"""Bars of a coarser time frame made of finer ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInput
from core.sessions.buckets import Buckets, bar_ends, buckets_find
from core.sessions.sessions import Sessions
from core.sessions.timeframe import Timeframe

Prices = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Bars of a coarser time frame, oldest first, each of them whole.

    Attributes
    ----------
    ts : ndarray of int64, shape (k,)
        When each begins, UTC nanoseconds: the bucket's own beginning, also where its first bars
        are missing. A day or longer carries its date as 00:00 UTC: a week that of its Monday, a
        month that of its first, a session or not.
    open, high, low, close, volume : ndarray of float64, shape (k,)
        The first, highest, lowest and last price, and the sum of volumes.
    ends : ndarray of int64, shape (k,)
        When each is over, UTC nanoseconds, never decreasing.
    """

    ts: NDArray[np.int64]
    open: Prices
    high: Prices
    low: Prices
    close: Prices
    volume: Prices
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return self.ts.size


def bars_resample(
    *,
    ts: NDArray[np.int64],
    open: Prices,  # noqa: A002 - the name of the field
    high: Prices,
    low: Prices,
    close: Prices,
    volume: Prices,
    sessions: Sessions,
    interval: Timeframe,
    to: Timeframe,
    until: int | None = None,
) -> Resampled:
    """Put bars together to bars of a coarser time frame.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        When the bars open, UTC nanoseconds in order; bars of a day or longer carry a date as
        00:00 UTC.
    open, high, low, close, volume : ndarray of float64, shape (n,)
    sessions : Sessions
        That cover the bars.
    interval, to : Timeframe
        Of the bars, and the coarser one.
    until : int, optional
        What is not over by then (UTC nanoseconds) is left out; the end of the last bar if None.

    Returns
    -------
    Resampled
        Minutes and hours are counted from each session's open, the last bar of a session being as
        short as it must; what trades before the open and after the close makes bars of its own.
        Days are sessions, weeks those of ISO weeks, months those of calendar months, several of
        them counted from 1970; of sessions with hours they hold what trades in these hours, and
        what trades on dates without a session goes to the next one. Never a part of a bar: the
        first one is left out where the bars begin in the middle of it, the last one unless it is
        over by the clock. In between, bars may be missing from a bucket, and buckets without bars
        are missing.

    Raises
    ------
    InvalidInput
        If bars of that interval cannot make up the coarser ones.
    ValueError
        If the sessions do not cover the bars.
    """
    if not interval.divides(to):
        message = f"Bars of {interval} cannot be put together to bars of {to}."
        raise InvalidInput(message, code="invalid_timeframe")
    if not ts.size:
        nothing = np.empty(0)
        none = np.empty(0, dtype=np.int64)
        return Resampled(none, nothing, nothing, nothing, nothing, nothing, none)
    buckets, kept = buckets_find(ts, sessions, interval, to)
    if kept is not None:
        open, high, low, close, volume = (  # noqa: A001 - the name of the field
            column[kept] for column in (open, high, low, close, volume)
        )
    if until is None:
        until = int(bar_ends(ts[-1:], sessions, interval)[0])
    shown = slice(
        0 if buckets.whole else 1, int(np.searchsorted(buckets.ends, until, side="right"))
    )
    firsts, lasts = buckets.firsts, _lasts(buckets, close.size)
    if not firsts.size:
        firsts = lasts = np.empty(0, dtype=np.int64)
    return Resampled(
        ts=buckets.starts[shown],
        open=open[firsts[shown]],
        high=_reduced(np.maximum, high, firsts)[shown],
        low=_reduced(np.minimum, low, firsts)[shown],
        close=close[lasts[shown]],
        volume=_reduced(np.add, volume, firsts)[shown],
        ends=buckets.ends[shown],
    )


def _lasts(buckets: Buckets, count: int) -> NDArray[np.int64]:
    return np.append(buckets.firsts[1:], count)[: buckets.firsts.size] - 1


def _reduced(work: np.ufunc, column: Prices, firsts: NDArray[np.int64]) -> Prices:
    """Return one value a bucket; the sum of a bucket is the same whatever comes after it."""
    if not firsts.size:
        return np.empty(0)
    found: Prices = work.reduceat(column, firsts)
    return found
