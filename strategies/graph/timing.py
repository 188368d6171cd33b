"""Timing: how long the bars are and which sessions they belong to, told or found out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import Detail, InvalidInput
from core.sessions.buckets import bar_ends
from core.sessions.clock import Clock, clock_read
from core.sessions.sessions import Sessions, sessions_always_open
from core.sessions.timeframe import NS_PER_DAY, NS_PER_S, Timeframe, timeframe_parse
from strategies.graph.timeframes import timeframe_canonical

if TYPE_CHECKING:
    from core.engine.bars import Bars

_DAY_S: Final = 86_400
# Days of local time last 23 hours once a year.
_TOLERANCE: Final = 0.9
_BY_DAYS: Final = {1: "1d", 7: "1w", 28: "1mo", 29: "1mo", 30: "1mo", 31: "1mo"}


@dataclass(frozen=True, eq=False)
class Timing:
    """When bars open and are over.

    Attributes
    ----------
    ts : ndarray of int64
        When they open, UTC nanoseconds.
    interval : Timeframe
        How long they are.
    sessions : Sessions
        That cover them.
    over : ndarray of int64, optional
        When they are over, where that is known already.
    """

    ts: NDArray[np.int64]
    interval: Timeframe
    sessions: Sessions
    over: NDArray[np.int64] | None = None

    @cached_property
    def clock(self) -> Clock:
        """What the exchange's clock says when they open."""
        return clock_read(self.ts, self.sessions, self.interval)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """When they are over, UTC nanoseconds."""
        if self.over is not None:
            return self.over
        return bar_ends(self.ts, self.sessions, self.interval)


def interval_find(bars: Bars, named: str | None) -> str:
    """Return the interval of bars in its one spelling: the one named, else what they show.

    Raises
    ------
    InvalidInput
        If the bars are closer together than the named one, or show none.
    """
    spacing = float(np.diff(bars.ts).min()) / NS_PER_S if len(bars) > 1 else None
    if named is None:
        return _shown(spacing)
    found = timeframe_canonical(named)
    if found is None:
        raise _unknown(f"{named!r} is no interval of bars: give one such as 5m, 1h or 1d.", named)
    if spacing is not None and spacing < _TOLERANCE * timeframe_parse(found).seconds:
        message = f"The bars are to be of {found!r}, but some are {spacing:g} seconds apart."
        raise _unknown(message, f"{spacing:g} s")
    return found


def _shown(spacing: float | None) -> str:
    if spacing is None:
        return "1d"
    if spacing < _TOLERANCE * _DAY_S:
        found = _of_time(round(spacing))
    else:
        found = _BY_DAYS.get(round(spacing / _DAY_S))
    if found is None:
        message = f"The bars are {spacing:g} seconds apart, which is no interval: name it."
        raise _unknown(message, f"{spacing:g} s")
    return found


def _of_time(seconds: int) -> str | None:
    """Return a length of time in the greatest unit that counts it."""
    for unit, length in (("h", 3_600), ("m", 60), ("s", 1)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return None


def _unknown(message: str, received: str) -> InvalidInput:
    detail = Detail("interval", "not_supported", message, received=received)
    return InvalidInput(message, details=[detail])


def days_of_utc(series: Iterable[Bars]) -> Sessions:
    """Return sessions around the clock that cover several series of bars."""
    moments = [int(ts) for bars in series if len(bars) for ts in (bars.ts[0], bars.ts[-1])]
    if not moments:
        moments = [0]
    first, last = min(moments), max(moments)
    # The last bar may be a month or a year.
    return sessions_always_open(first_ts=first, last_ts=last + 366 * NS_PER_DAY)
