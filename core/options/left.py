"""How much of its session is left at each bar, by the exchange's clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.options.chain import Left
from core.sessions.buckets import bar_ends
from core.sessions.clock import clock_read
from core.sessions.sessions import Sessions
from core.sessions.timeframe import NS_PER_MINUTE, Timeframe


def left_by_clock(ts: NDArray[np.int64], sessions: Sessions, interval: Timeframe) -> Left:
    """Return how much of its session is left at the open and at the close of each bar.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        Bar-open times, UTC nanoseconds.
    sessions : Sessions
        That cover them.
    interval : Timeframe
        Of the bars. A bar of a day or longer has all of its session before it and none after.
    """
    if not interval.intraday:
        return np.ones(len(ts)), np.zeros(len(ts))
    clock = clock_read(ts, sessions, interval)
    minutes = clock.since_open + clock.to_close
    at_close = clock.to_close - (bar_ends(ts, sessions, interval) - ts) / NS_PER_MINUTE
    return np.clip(clock.to_close / minutes, 0.0, 1.0), np.clip(at_close / minutes, 0.0, 1.0)
