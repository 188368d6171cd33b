"""Expiries: which there are, and which one a rule means.

Contracts expire on Fridays, the monthly ones on the third Friday of a month. Where the sessions
are known and that Friday is none of them, they expire at the last session before it.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.engine.option_rules import Cycle, Expiry, Policy, Right

WEEK: Final = 7
# 1970-01-01 was a Thursday, so that Fridays are the days that leave 1.
_FRIDAY: Final = 1
_THIRD_FRIDAYS: Final = range(15, 22)
_LONGEST_BREAK: Final = 4
_AROUND: Final = 12  # days: whatever day it is, a Friday is nearer than this, moved or not
_AROUND_MONTHLY: Final = 40  # and so is a third Friday

NONE: Final = -1

_NO_STRIKES: Final = np.zeros(0)


class ExpiryCalendar:
    """The expiries of one underlying.

    Parameters
    ----------
    sessions : ndarray of int64
        Days from 1970-01-01 on which the exchange trades, in order. Outside of their range every
        weekday is taken for a session.
    listed : "weekly" or "monthly"
    """

    def __init__(
        self, sessions: NDArray[np.int64], *, listed: Literal["weekly", "monthly"] = "weekly"
    ) -> None:
        self._sessions: list[int] = sessions.tolist()
        self._monthly_only = listed == "monthly"
        self._strikes: dict[tuple[int, Right], NDArray[np.float64]] | None = None
        self._listed_days: list[int] | None = None
        self._found: dict[tuple[Expiry, int, int], int] = {}

    def find(self, wanted: Expiry, *, day: int, earliest: int) -> int:
        """Return the day of the expiry that a rule means, or -1 where there is none.

        Parameters
        ----------
        wanted : Expiry
        day : int
            Session of the decision, from which calendar days are counted.
        earliest : int
            First day that still can be traded.
        """
        key = (wanted, day, earliest)
        if key not in self._found:
            self._found[key] = self._find(wanted, day, earliest)
        return self._found[key]

    def rolled(self, day: int) -> int:
        """Return the day itself, or the last session before it where it is known to be none."""
        sessions = self._sessions
        if not sessions or not sessions[0] <= day <= sessions[-1]:
            return day
        before = sessions[bisect_right(sessions, day) - 1]
        return before if day - before <= _LONGEST_BREAK else day

    def strikes(self, expiry: int, right: Right) -> NDArray[np.float64] | None:
        """Return the strikes there are, in order; None: the multiples of a step."""
        return None if self._strikes is None else self._strikes.get((expiry, right), _NO_STRIKES)

    def _dated(self, date: int) -> int:
        """Return the expiry that is meant by a date, or -1."""
        if self._listed_days is None:
            return self.rolled(date)
        there = [one for one in (date, self.rolled(date)) if one in self._listed_days]
        return there[0] if there else NONE

    def _around(self, wanted: Expiry, target: int, earliest: int) -> list[int]:
        """Return the expiries of a cycle in order: those near a day, or all that were listed."""
        monthly = self._monthly_only or wanted.cycle == Cycle.MONTHLY
        there_are = self._listed_days
        if there_are is None:
            reach = _AROUND_MONTHLY if monthly else _AROUND
            first, last = max(earliest, target - reach), max(earliest, target) + reach
            return [self.rolled(day) for day in fridays(first, last, monthly=monthly)]
        if wanted.cycle == Cycle.ANY or not there_are:
            return there_are
        cycle = set(map(self.rolled, fridays(there_are[0], there_are[-1] + WEEK, monthly=monthly)))
        return [one for one in there_are if one in cycle]

    def _find(self, wanted: Expiry, day: int, earliest: int) -> int:
        if wanted.date >= 0:
            there = self._dated(wanted.date)
            return there if there >= earliest else NONE
        target = day + wanted.days
        there_are = [one for one in self._around(wanted, target, earliest) if one >= earliest]
        if wanted.policy == Policy.AT_LEAST:
            return next((one for one in there_are if one >= target), NONE)
        if wanted.policy == Policy.AT_MOST:
            return max((one for one in there_are if one <= target), default=NONE)
        return min(there_are, key=lambda one: (abs(one - target), one), default=NONE)


def fridays(first: int, last: int, *, monthly: bool) -> list[int]:
    """Return the Fridays from `first` to `last`, or only the third ones of their months."""
    start = first + (_FRIDAY - first) % WEEK
    return [day for day in range(start, last + 1, WEEK) if not monthly or third_friday(day)]


@lru_cache(maxsize=4096)
def third_friday(day: int) -> bool:
    """Return whether a Friday is the third one of its month."""
    date = np.datetime64(day, "D")
    of_month = int((date - date.astype("datetime64[M]").astype("datetime64[D]")).astype(int)) + 1
    return of_month in _THIRD_FRIDAYS
