"""When bars are over, and which of them make up the bars of a coarser time frame.

Everything goes by the clock and the calendar, nothing by counting bars: an hour is over when it
has passed, whether or not all of its bars are there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.sessions.sessions import MONDAY_BASED, Sessions, segments_find, session_places
from core.sessions.timeframe import NS_PER_DAY, Timeframe
from core.sessions.zone import local_midnights

_DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """Bars put together, one bucket after the other; buckets without bars are left out.

    Attributes
    ----------
    firsts : ndarray of int64, shape (k,)
        Place of the first bar of each.
    starts : ndarray of int64, shape (k,)
        When each begins, UTC nanoseconds; of a day or longer its date as 00:00 UTC.
    ends : ndarray of int64, shape (k,)
        When each is over and does not change any more, UTC nanoseconds.
    whole : bool
        Whether the first of them is: false where the bars begin in the middle of it.
    """

    firsts: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    whole: bool


def bar_ends(ts: NDArray[np.int64], sessions: Sessions, interval: Timeframe) -> NDArray[np.int64]:
    """Return when bars are over.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        When they open, UTC nanoseconds in order; bars of a day or longer carry a date as 00:00
        UTC.
    sessions : Sessions
        That cover the bars.
    interval : Timeframe
        Length of the bars.

    Returns
    -------
    ndarray of int64, shape (n,)
        UTC nanoseconds, never decreasing: the nominal end, or the session's close if that is
        earlier; the last session's close of a day, week or month. A day that the calendar does
        not know is over at midnight.
    """
    if not interval.intraday:
        begins = ts // NS_PER_DAY
        return np.maximum.accumulate(_calendar_ends(begins, _later(begins, interval), sessions))
    stretches = segments_find(ts, sessions)
    limits = np.full((len(sessions), 3), np.iinfo(np.int64).max)
    limits[:, :2] = sessions.closes[:, None]
    return np.minimum(ts + interval.ns, stretches.spread(limits.ravel()))


def buckets_find(
    ts: NDArray[np.int64], sessions: Sessions, interval: Timeframe, coarse: Timeframe
) -> tuple[Buckets, NDArray[np.bool_] | None]:
    """Return the buckets of a coarser time frame.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        As for `bar_ends`; at least one bar.
    sessions : Sessions
    interval, coarse : Timeframe
        Of the bars and of the buckets; `interval.divides(coarse)`.

    Returns
    -------
    Buckets
        Places are those among the bars that are kept.
    ndarray of bool, shape (n,), or None
        Which bars are kept; None if all are. Days and longer leave out what trades before the open
        and after the close of a session on its own date, as official daily bars do.
    """
    kept = None
    if coarse.intraday:
        found = _buckets_of_time(ts, sessions, coarse)
    elif interval.intraday:
        found, kept = _buckets_of_sessions(ts, sessions, interval, coarse)
    else:
        dates = _session_dates(ts // NS_PER_DAY, sessions)
        firsts = np.arange(ts.size)
        found = _buckets_of_dates(firsts, dates, sessions, coarse, begun=int(dates[0]))
    moments = ts if kept is None else ts[kept]
    lasts = np.append(found.firsts[1:], moments.size)[: found.firsts.size] - 1
    # A bar that opens before the bucket's end belongs to it, though it may be over later.
    ends = np.maximum(found.ends, bar_ends(moments[lasts], sessions, interval))
    return replace(found, ends=ends), kept


def _buckets_of_time(ts: NDArray[np.int64], sessions: Sessions, coarse: Timeframe) -> Buckets:
    """Return buckets of equal length from each session's open, and after hours from its close."""
    stretches = segments_find(ts, sessions)
    origins = stretches.starts[:-1].copy()
    origins[0::3] = sessions.opens
    numbers = (ts - stretches.spread(origins)) // coarse.ns
    begins = np.empty(ts.size, dtype=np.bool_)
    begins[0] = True
    np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
    begins[stretches.firsts[stretches.firsts < ts.size]] = True
    firsts = np.flatnonzero(begins)
    places = np.searchsorted(stretches.firsts, firsts, side="right") - 1
    nominal = origins[places] + numbers[firsts] * coarse.ns
    starts = np.maximum(nominal, stretches.starts[places])
    ends = np.minimum(nominal + coarse.ns, stretches.starts[places + 1])
    return Buckets(firsts, starts, ends, whole=bool(ts[0] <= starts[0]))


def _buckets_of_sessions(
    ts: NDArray[np.int64], sessions: Sessions, interval: Timeframe, coarse: Timeframe
) -> tuple[Buckets, NDArray[np.bool_] | None]:
    """Return buckets of whole sessions from bars of less than a day."""
    reaches = segments_find(ts, sessions).firsts[0::3]
    own_day = local_midnights(sessions.dates, sessions.timezone)
    # What opens on a date without a session counts; so does a bar that is open when the session
    # opens, as bars of whole hours are.
    pauses = np.searchsorted(ts, np.minimum(own_day, sessions.opens))
    pauses = np.maximum(pauses, reaches[:-1])
    begins = np.maximum(np.searchsorted(ts, sessions.opens - interval.ns, side="right"), pauses)
    stops = np.searchsorted(ts, sessions.closes)
    left_out = np.zeros(ts.size + 1, dtype=np.int64)
    np.add.at(left_out, pauses, 1)
    np.add.at(left_out, begins, -1)
    np.add.at(left_out, stops, 1)
    np.add.at(left_out, reaches[1:], -1)
    kept = None
    firsts, stops = reaches[:-1], reaches[1:]
    if left_out.any():
        kept = np.cumsum(left_out[:-1]) == 0
        before = np.concatenate([[0], np.cumsum(kept)])
        firsts, stops = before[firsts], before[stops]
    traded = firsts < stops
    firsts, dates = firsts[traded], sessions.dates[traded]
    if not dates.size:
        empty = np.empty(0, dtype=np.int64)
        return Buckets(empty, empty, empty, whole=True), kept
    first = int(traded.argmax())
    begun = int(dates[0]) if ts[0] <= sessions.opens[first] else int(dates[0]) + 1
    return _buckets_of_dates(firsts, dates, sessions, coarse, begun=begun), kept


def _buckets_of_dates(
    firsts: NDArray[np.int64],
    dates: NDArray[np.int64],
    sessions: Sessions,
    coarse: Timeframe,
    *,
    begun: int,
) -> Buckets:
    """Return buckets of sessions or daily bars.

    Parameters
    ----------
    firsts, dates : ndarray of int64
        Place and session's date of each.
    begun : int
        The date from whose open on there are bars.
    """
    numbers = _numbers(dates, coarse)
    new = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    begins = _first_days(numbers[new], coarse)
    ends = _calendar_ends(begins, _first_days(numbers[new] + 1, coarse), sessions)
    opening = int(session_places(begins[:1], sessions)[0])
    # Where the sessions do not reach back to before the bucket, its first one is not known.
    first = int(sessions.dates[opening]) if 0 < opening < len(sessions) else int(begins[0])
    return Buckets(firsts[new], begins * NS_PER_DAY, ends, whole=begun <= first)


def _numbers(days: NDArray[np.int64], coarse: Timeframe) -> NDArray[np.int64]:
    """Return the number of the bucket of each date; weeks are those of ISO, from Monday on."""
    if coarse.unit == "d":
        return days // coarse.count
    if coarse.unit == "w":
        return (days + MONDAY_BASED) // _DAYS_PER_WEEK // coarse.count
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months // coarse.count


def _first_days(numbers: NDArray[np.int64], coarse: Timeframe) -> NDArray[np.int64]:
    """Return the first date of buckets, a session's or not."""
    units = numbers * coarse.count
    if coarse.unit == "d":
        return units
    if coarse.unit == "w":
        return units * _DAYS_PER_WEEK - MONDAY_BASED
    return units.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _later(days: NDArray[np.int64], interval: Timeframe) -> NDArray[np.int64]:
    """Return the date on which the next bar begins."""
    if interval.unit == "mo":
        months = days.astype("datetime64[D]").astype("datetime64[M]") + interval.count
        return months.astype("datetime64[D]").astype(np.int64)
    return days + interval.count * (_DAYS_PER_WEEK if interval.unit == "w" else 1)


def _session_dates(days: NDArray[np.int64], sessions: Sessions) -> NDArray[np.int64]:
    """Return the date of the session of each day; the day itself where the sessions have ended."""
    places = session_places(days, sessions)
    known = places < len(sessions)
    found = days.copy()
    found[known] = sessions.dates[places[known]]
    return found


def _calendar_ends(
    begins: NDArray[np.int64], stops: NDArray[np.int64], sessions: Sessions
) -> NDArray[np.int64]:
    """Return the close of the last session from one date to before another.

    Midnight at their end where there is no session in between, or where the sessions end too
    early to know which is the last.
    """
    midnights = local_midnights(stops, sessions.timezone)
    if not len(sessions):
        return midnights
    lasts = session_places(stops, sessions) - 1
    dates = sessions.dates[np.maximum(lasts, 0)]
    known = (lasts >= 0) & (dates >= begins)
    known &= (lasts < len(sessions) - 1) | (dates == stops - 1)
    return np.where(known, sessions.closes[lasts], midnights)
