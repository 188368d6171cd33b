"""Sessions of an exchange: their dates, when each opens and closes, which bars belong to it.

A session reaches further than its hours. What trades after its close, on the same local date,
still belongs to it; what trades on a date without a session (currencies on Sunday evening)
belongs to the next one, as what trades before its open does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.sessions.timeframe import NS_PER_DAY
from core.sessions.zone import local_midnights

# 1970-01-01 was a Thursday; with this added, day modulo 7 is 0 on Mondays.
MONDAY_BASED: Final = 3
SATURDAY: Final = 5
# What int64 nanoseconds can say on either side of 1970 (October 1677 to March 2262), with room for
# the break before the first session and for the offsets of zones.
FURTHEST_DAY: Final = 2**63 // NS_PER_DAY - 40
_LONGEST_BREAK_NS: Final = 30 * NS_PER_DAY


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """Sessions of one exchange, in order, without overlap.

    They must cover the bars that they are used with; where they reach further (a year on either
    side is plenty), weeks and months at the ends are known to be whole.

    Attributes
    ----------
    dates : ndarray of int64, shape (n,)
        Days from 1970-01-01 to each session's date, strictly increasing.
    opens, closes : ndarray of int64, shape (n,)
        UTC nanoseconds; each session opens at or after the close of the one before.
    timezone : str
        The exchange's, such as ``"America/New_York"``.
    """

    dates: NDArray[np.int64]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    timezone: str = "UTC"

    def __len__(self) -> int:
        return self.dates.size


def sessions_always_open(
    *, first_ts: int, last_ts: int, timezone: str = "UTC", weekdays: bool = False
) -> Sessions:
    """Return one session a local day, from midnight to midnight.

    Parameters
    ----------
    first_ts, last_ts : int
        UTC nanoseconds of the first and the last bar.
    timezone : str
        Whose midnight; a day on which clocks change has 23 or 25 hours.
    weekdays : bool
        Without Saturdays and Sundays, as currencies trade: what trades on them belongs to Monday.

    Returns
    -------
    Sessions
        From 400 days before the first bar to 400 days after the last one, as far as nanoseconds
        can say it.
    """
    first = max(first_ts // NS_PER_DAY - 400, -FURTHEST_DAY)
    last = min(last_ts // NS_PER_DAY + 400, FURTHEST_DAY)
    days = np.arange(first, last + 1, dtype=np.int64)
    midnights = local_midnights(np.append(days, last + 1), timezone)
    opens, closes = midnights[:-1], midnights[1:]
    if weekdays:
        kept = (days + MONDAY_BASED) % 7 < SATURDAY
        days, opens, closes = days[kept], opens[kept], closes[kept]
    return Sessions(days, opens, closes, timezone)


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """The time line cut at every session's reach, open and close: three stretches a session.

    Attributes
    ----------
    starts : ndarray of int64, shape (3 n + 1,)
        UTC nanoseconds from which a stretch lasts: before a session's open, its hours, after its
        close, and so on; at last the end of the last stretch.
    firsts : ndarray of int64, shape (3 n + 1,)
        The first bar that opens in it or later; the number of bars at the end.
    """

    starts: NDArray[np.int64]
    firsts: NDArray[np.int64]

    def spread(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a value for each bar from one for each stretch."""
        return np.repeat(values, np.diff(self.firsts))


def segments_find(ts: NDArray[np.int64], sessions: Sessions) -> Segments:
    """Return the stretches of the sessions with the bars in them.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        When bars of less than a day open, UTC nanoseconds in order.
    sessions : Sessions

    Raises
    ------
    ValueError
        If the sessions do not cover the bars.
    """
    reaches = _reaches(sessions)
    if ts.size and not reaches[0] <= ts[0] <= ts[-1] < reaches[-1]:
        raise ValueError("the sessions do not cover the bars")
    starts = np.column_stack([reaches[:-1], sessions.opens, sessions.closes]).ravel()
    starts = np.append(starts, reaches[-1])
    return Segments(starts, np.searchsorted(ts, starts))


def _reaches(sessions: Sessions) -> NDArray[np.int64]:
    """Return from when on bars belong to each session, and up to when to the last one."""
    if not len(sessions):
        return np.zeros(2, dtype=np.int64)
    found = np.empty(len(sessions) + 1, dtype=np.int64)
    midnights = local_midnights(sessions.dates + 1, sessions.timezone)
    found[0] = sessions.opens[0] - _LONGEST_BREAK_NS
    found[1:-1] = np.clip(midnights[:-1], sessions.closes[:-1], sessions.opens[1:])
    found[-1] = max(midnights[-1], sessions.closes[-1])
    return found


def session_places(days: NDArray[np.int64], sessions: Sessions) -> NDArray[np.int64]:
    """Return the session of each date: of that date, else the next one; `len(sessions)` if none."""
    return np.searchsorted(sessions.dates, days)
