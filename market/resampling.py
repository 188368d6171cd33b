"""Bars of a coarser interval made of the stored ones when they are read."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.errors import InvalidInput
from core.sessions.resample import Resampled, bars_resample
from core.sessions.timeframe import timeframe_parse
from market.calendars import Tradable, sessions_for
from market.intervals import INTERVALS, Interval, interval_get

Column = NDArray[np.float64]


@cache
def finer_names(interval: str) -> tuple[str, ...]:
    """Return the names of the intervals that bars of this one can be made of."""
    coarse = timeframe_parse(interval)
    seconds = interval_get(interval).seconds
    return tuple(
        fine.name
        for fine in INTERVALS.values()
        if fine.seconds < seconds and timeframe_parse(fine.name).divides(coarse)
    )


def bars_coarser(bars: Bars, *, instrument: Tradable, interval: Interval, to: Interval) -> Bars:
    """Return bars put together by the instrument's sessions; the last one is whole or left out.

    Raises
    ------
    InvalidInput
        When there are too few for a single whole one.
    """
    made = _resampled(
        bars.ts,
        (bars.open, bars.high, bars.low, bars.close, bars.volume),
        instrument=instrument,
        interval=interval,
        to=to,
    )
    if not len(made):
        raise InvalidInput(
            f"The stored {interval} bars do not make up a single whole {to} bar: download more.",
            code="no_bars",
        )
    return Bars.from_arrays(
        ts=made.ts,
        open=made.open,
        high=made.high,
        low=made.low,
        close=made.close,
        volume=made.volume,
    )


def values_coarser(
    values: NDArray[np.float64],
    ts: NDArray[np.int64],
    *,
    instrument: Tradable,
    interval: Interval,
    to: Interval,
) -> NDArray[np.float64]:
    """Return what a value of each bar is at the last one in each of the coarser bars."""
    columns = (values,) * 5
    return _resampled(ts, columns, instrument=instrument, interval=interval, to=to).close


def _resampled(
    ts: NDArray[np.int64],
    columns: tuple[Column, Column, Column, Column, Column],
    *,
    instrument: Tradable,
    interval: Interval,
    to: Interval,
) -> Resampled:
    opens, highs, lows, closes, volumes = columns
    return bars_resample(
        ts=ts,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=volumes,
        sessions=sessions_for(instrument, first_ts=int(ts[0]), last_ts=int(ts[-1])),
        interval=timeframe_parse(interval.name),
        to=timeframe_parse(to.name),
    )
