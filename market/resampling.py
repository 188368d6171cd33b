"""Bars of a coarser interval made of the stored ones when they are read."""

from __future__ import annotations

from functools import cache

from core.engine.bars import Bars
from core.errors import InvalidInput
from core.sessions.resample import bars_resample
from core.sessions.timeframe import timeframe_parse
from market.calendars import Tradable, sessions_for
from market.intervals import INTERVALS, Interval, interval_get


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
    sessions = sessions_for(instrument, first_ts=int(bars.ts[0]), last_ts=int(bars.ts[-1]))
    made = bars_resample(
        ts=bars.ts,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=bars.volume,
        sessions=sessions,
        interval=timeframe_parse(interval.name),
        to=timeframe_parse(to.name),
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
