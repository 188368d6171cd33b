"""The exchange's clock: for each bar its session and the local time at which it opens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.sessions.sessions import MONDAY_BASED, Sessions, segments_find, session_places
from core.sessions.timeframe import NS_PER_DAY, NS_PER_MINUTE, Timeframe
from core.sessions.zone import utc_offsets

_MINUTES_PER_HOUR = 60
_MINUTES_PER_DAY = 1_440


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """What the exchange's clock and calendar say when each bar opens; one value a bar.

    A bar of a day or longer opens with its (first) session; its date is the one it is named by.

    Attributes
    ----------
    session : ndarray of int64
        Days from 1970-01-01 to the date of the bar's session.
    since_open : ndarray of float64
        Minutes from the session's open; negative before it.
    to_close : ndarray of float64
        Minutes to the session's close; negative after it.
    days : ndarray of int64
        Days from 1970-01-01 to the local date.
    minutes : ndarray of int64
        Minutes from local midnight.
    """

    session: NDArray[np.int64]
    since_open: NDArray[np.float64]
    to_close: NDArray[np.float64]
    days: NDArray[np.int64]
    minutes: NDArray[np.int64]

    @property
    def hour(self) -> NDArray[np.int64]:
        """Hour of the day, 0 to 23."""
        return self.minutes // _MINUTES_PER_HOUR

    @property
    def minute(self) -> NDArray[np.int64]:
        """Minute of the hour, 0 to 59."""
        return self.minutes % _MINUTES_PER_HOUR

    @property
    def weekday(self) -> NDArray[np.int64]:
        """Day of the week, Monday 0 to Sunday 6."""
        return (self.days + MONDAY_BASED) % 7

    @property
    def day_of_month(self) -> NDArray[np.int64]:
        """Day of the month, 1 to 31."""
        dates = self.days.view("datetime64[D]")
        firsts = dates.astype("datetime64[M]").astype("datetime64[D]")
        return self.days - firsts.view(np.int64) + 1

    @property
    def month(self) -> NDArray[np.int64]:
        """Month, 1 to 12."""
        return self._months % 12 + 1

    @property
    def year(self) -> NDArray[np.int64]:
        """Year of the common era."""
        return self._months // 12 + 1970

    @property
    def _months(self) -> NDArray[np.int64]:
        """Months from January 1970."""
        return np.asarray(self.days.view("datetime64[D]").astype("datetime64[M]").view(np.int64))


def clock_read(ts: NDArray[np.int64], sessions: Sessions, interval: Timeframe) -> Clock:
    """Return the clock of bars.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        When they open, UTC nanoseconds in order; bars of a day or longer carry a date as 00:00
        UTC.
    sessions : Sessions
        That cover the bars.
    interval : Timeframe
        Length of the bars.

    Raises
    ------
    ValueError
        If the sessions do not cover the bars.
    """
    if not interval.intraday:
        return _clock_of_days(ts // NS_PER_DAY, sessions)
    stretches = segments_find(ts, sessions)

    def spread(values: NDArray[np.int64]) -> NDArray[np.int64]:
        return stretches.spread(np.repeat(values, 3))

    local_minutes = (ts + utc_offsets(ts, sessions.timezone)) // NS_PER_MINUTE
    days = local_minutes // _MINUTES_PER_DAY
    return Clock(
        session=spread(sessions.dates),
        since_open=(ts - spread(sessions.opens)) / NS_PER_MINUTE,
        to_close=(spread(sessions.closes) - ts) / NS_PER_MINUTE,
        days=days,
        minutes=local_minutes - days * _MINUTES_PER_DAY,
    )


def _clock_of_days(days: NDArray[np.int64], sessions: Sessions) -> Clock:
    """Return the clock of bars of a day or longer."""
    places = session_places(days, sessions)
    if places.size and places[-1] == len(sessions):
        raise ValueError("the sessions do not cover the bars")
    opens, closes = sessions.opens[places], sessions.closes[places]
    local = opens + utc_offsets(opens, sessions.timezone)
    return Clock(
        session=sessions.dates[places],
        since_open=np.zeros(days.size),
        to_close=(closes - opens) / NS_PER_MINUTE,
        days=days,
        minutes=local % NS_PER_DAY // NS_PER_MINUTE,
    )
