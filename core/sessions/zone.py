"""Local time, vectorised: the offset of a zone at many moments at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core.sessions.timeframe import NS_PER_DAY, NS_PER_S

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(days=3)
_SECOND: Final = timedelta(seconds=1)
_YEARS: Final = 4_096
_MOST_NS: Final = 2**63 - 1


def utc_offsets(ts: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """Return what to add to UTC for local time.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        UTC nanoseconds, in order of time.
    timezone : str
        An IANA name.

    Returns
    -------
    ndarray of int64, shape (n,)
        Nanoseconds.
    """
    if not ts.size or timezone == "UTC":
        return np.zeros(ts.size, dtype=np.int64)
    moments, offsets = _changes(timezone, ts[0], ts[-1])
    # Both sides are in order: look up the few changes among the many bars, not the other way.
    counts = np.diff(np.searchsorted(ts, moments), append=ts.size)
    return np.repeat(offsets, counts)


def local_midnights(days: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """Return when local days begin, given as days from 1970-01-01 in order; UTC nanoseconds."""
    return local_to_utc(days * NS_PER_DAY, timezone)


def local_to_utc(local: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """Return the moments at which local clocks show something.

    Parameters
    ----------
    local : ndarray of int64, shape (n,)
        What they show, in nanoseconds from 1970-01-01 00:00, in order.
    timezone : str
        An IANA name.

    Returns
    -------
    ndarray of int64, shape (n,)
        UTC nanoseconds. What clocks show twice, when they are put back, is the first time; what
        they never show, when they are put forward, is reckoned with the offset before the change.
    """
    if timezone == "UTC" or not local.size:
        return local
    before = local - utc_offsets(local - NS_PER_DAY, timezone)
    after = local - utc_offsets(local + NS_PER_DAY, timezone)
    # Either is right where its own offset is in force at that moment; in a gap neither is.
    before_holds = _offsets_at(before, timezone) == local - before
    after_holds = _offsets_at(after, timezone) == local - after
    return np.where(before_holds | ~after_holds, before, after)


def _offsets_at(ts: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """Return the offsets of moments in any order."""
    moments, offsets = _changes(timezone, ts.min(), ts.max())
    return offsets[np.searchsorted(moments, ts, side="right") - 1]


def _changes(
    timezone: str, first: np.int64, last: np.int64
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the moments from which an offset is in force, from before `first` to `last`."""
    years = range(_year(first), _year(last) + 1)
    found = [change for year in years for change in _year_changes(timezone, year)]
    moments, offsets = np.array(found, dtype=np.int64).T
    return moments, offsets


def _year(ns: np.int64) -> int:
    return int(np.datetime64(int(ns), "ns").astype("datetime64[Y]").astype(np.int64)) + 1970


@lru_cache(maxsize=_YEARS)
def _year_changes(timezone: str, year: int) -> tuple[tuple[int, int], ...]:
    """Return the offset at the start of a year of UTC and each later one, with its moment."""
    zone = ZoneInfo(timezone)
    start, end = (datetime(one, 1, 1, tzinfo=UTC) for one in (year, year + 1))
    found = [(start, _offset(start, zone))]
    while start < end:
        stop = min(start + _STEP, end - _SECOND)
        if _offset(stop, zone) != found[-1][1]:
            change = _change_find(start, stop, zone)
            found.append((change, _offset(change, zone)))
            start = change
        elif stop == end - _SECOND:
            break
        else:
            start = stop
    return tuple((min(max(_ns(when), -_MOST_NS), _MOST_NS), offset) for when, offset in found)


def _change_find(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second after `before` that has another offset; `after` has one."""
    old = _offset(before, zone)
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if _offset(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset / _SECOND) * NS_PER_S


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // _SECOND * NS_PER_S
