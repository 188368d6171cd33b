"""When bars are over, and which comes next: by the sessions, never by guessing from the data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from market.calendars import NS_PER_DAY, NS_PER_S, bar_closes_at, opens_at, sessions_for
from market.intervals import Interval
from market.models import Instrument

# Where so many bars are missing, nobody wants to know the number.
MOST_MISSING: Final = 10_000


def moment_of(ts: int) -> datetime:
    """Return a bar's time as rows hold it."""
    return datetime.fromtimestamp(ts // NS_PER_S, UTC) + timedelta(
        microseconds=ts % NS_PER_S // 1000
    )


def ts_of(moment: datetime) -> int:
    """Return a row's time as bars hold it."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def bar_over_at(ts: int, *, instrument: Instrument, interval: Interval) -> datetime:
    """Return when a bar is over; the last of a session ends with it, on half days too."""
    nominal = bar_closes_at(ts, instrument=instrument, interval=interval)
    if not interval.intraday:
        return nominal
    sessions = sessions_for(instrument, first_ts=ts, last_ts=ts)
    number = int(np.searchsorted(sessions.opens, ts, side="right")) - 1
    if number < 0 or ts >= sessions.closes[number]:
        return nominal
    return min(nominal, moment_of(int(sessions.closes[number])))


def bar_after(ts: int, *, instrument: Instrument, interval: Interval) -> int:
    """Return when the bar after one opens."""
    if interval == "1w":
        return ts + 7 * NS_PER_DAY
    if interval == "1mo":
        later = moment_of(ts).replace(day=28) + timedelta(days=4)
        return ts_of(later.replace(day=1))
    sessions = sessions_for(instrument, first_ts=ts, last_ts=ts)
    if not interval.intraday:
        number = int(np.searchsorted(sessions.dates, ts // NS_PER_DAY, side="right"))
        return int(sessions.dates[number]) * NS_PER_DAY
    following = ts + interval.seconds * NS_PER_S
    number = int(np.searchsorted(sessions.opens, ts, side="right")) - 1
    if following < sessions.closes[number]:
        return following
    return max(following, int(sessions.opens[number + 1]))


def opens_in(instrument: Instrument, now: datetime) -> timedelta:
    """Return how long it is until an exchange opens; nothing while it is open."""
    return max(timedelta(0), opens_at(instrument, now) - now)


def bars_missing(before: int, ts: int, *, instrument: Instrument, interval: Interval) -> int:
    """Return how many bars there should have been between two."""
    count = 0
    expected = bar_after(before, instrument=instrument, interval=interval)
    while expected < ts and count < MOST_MISSING:
        count += 1
        expected = bar_after(expected, instrument=instrument, interval=interval)
    return count
