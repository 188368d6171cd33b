"""Sessions: which day a bar belongs to, when a day begins and ends, how many bars a year has.

A session is a day in the exchange's time zone. Daily and longer bars carry their session's date as
00:00 UTC. Currencies (``"24/5"``) open on Sunday evening: what trades on a weekend belongs to the
session of Monday.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import InvalidInput
from market.intervals import DAY_S, Interval, interval_get

ALWAYS_OPEN: Final = "24/7"
WEEKDAYS_OPEN: Final = "24/5"
ROUND_THE_CLOCK: Final = frozenset({ALWAYS_OPEN, WEEKDAYS_OPEN})
NS_PER_S: Final = 1_000_000_000
NS_PER_DAY: Final = DAY_S * NS_PER_S
# 1970-01-01 was a Thursday; with this added, day modulo 7 is 0 on Mondays.
MONDAY_BASED: Final = 3
SATURDAY: Final = 5
# What int64 nanoseconds can say ends in 1677 and 2262.
MAX_NS: Final = 2**63 - 1
FIRST_YEAR: Final = 1700
LAST_YEAR: Final = 2260
MONTHS_PER_YEAR: Final = 12
WEEKS_PER_YEAR: Final = 52


class Tradable(Protocol):
    """What of an instrument matters here."""

    @property
    def calendar(self) -> str:
        """A name of exchange_calendars, ``"24/7"`` or ``"24/5"``."""

    @property
    def timezone(self) -> str:
        """The exchange's, such as ``"America/New_York"``."""

    @property
    def periods_per_year(self) -> float:
        """Sessions a year."""


def session_ids(
    ts: NDArray[np.int64],
    *,
    timezone: str,
    interval: str | None = None,
    calendar: str = "",
) -> NDArray[np.int64]:
    """Return the session of each bar.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        Bar-open times, UTC nanoseconds.
    timezone : str
        The exchange's, such as ``"America/New_York"``.
    interval : str, optional
        Of the bars. Without it, bars that all open at 00:00 UTC are taken for daily ones.
    calendar : str, optional
        ``"24/5"`` moves weekend bars into Monday's session.

    Returns
    -------
    ndarray of int64, shape (n,)
        Days from 1970-01-01 to the session's date; never decreasing where `ts` increases.
    """
    if not len(ts):
        return np.empty(0, dtype=np.int64)
    if interval is None:
        intraday = bool((ts % NS_PER_DAY != 0).any())
    else:
        intraday = interval_get(interval).intraday
    if not intraday or timezone == "UTC":
        days = ts // NS_PER_DAY
    else:
        utc = pd.DatetimeIndex(ts.view("datetime64[ns]")).tz_localize("UTC")
        local = utc.tz_convert(timezone).tz_localize(None).as_unit("ns")
        days = local.asi8 // NS_PER_DAY
    if calendar == WEEKDAYS_OPEN:
        weekday = (days + MONDAY_BASED) % 7
        days = np.where(weekday >= SATURDAY, days + 7 - weekday, days)
    return days.astype(np.int64, copy=False)


def range_bounds(
    *,
    start: date | datetime | None,
    end: date | datetime | None,
    instrument: Tradable,
    interval: Interval,
) -> tuple[int | None, int | None]:
    """Return the first and the last nanosecond (both included) that a bar may open in.

    A day means its whole session in the exchange's time zone. A time means itself (UTC where it
    names no zone), both ends included.

    Raises
    ------
    InvalidInput
        When the range ends before it starts.
    """
    first = None if start is None else _bound(start, instrument, interval, last=False)
    last = None if end is None else _bound(end, instrument, interval, last=True)
    if first is not None and last is not None and last < first:
        raise InvalidInput(
            f"The range ends ({end}) before it starts ({start}): swap them.", code="empty_range"
        )
    return first, last


def _bound(when: date | datetime, instrument: Tradable, interval: Interval, *, last: bool) -> int:
    if when.year < FIRST_YEAR:
        return -MAX_NS
    if when.year > LAST_YEAR:
        return MAX_NS
    if isinstance(when, datetime):
        moment = when if when.tzinfo else when.replace(tzinfo=UTC)
        return _ns(moment)
    day = when
    if interval.intraday and instrument.calendar == WEEKDAYS_OPEN:
        # Monday's session begins with the weekend; a weekend day as an end ends on Friday.
        if not last and day.weekday() == 0:
            day -= timedelta(days=2)
        elif last and day.weekday() >= SATURDAY:
            day -= timedelta(days=day.weekday() - SATURDAY + 1)
    zone = ZoneInfo(instrument.timezone) if interval.intraday else UTC
    if last:
        day += timedelta(days=1)
    return _ns(datetime(day.year, day.month, day.day, tzinfo=zone)) - (1 if last else 0)


def _ns(moment: datetime) -> int:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * DAY_S + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def bar_closes_at(ts: int, *, instrument: Tradable, interval: Interval) -> datetime:
    """Return when the bar that opened at `ts` (ns) is over and will not change any more."""
    opened = datetime.fromtimestamp(ts // NS_PER_S, tz=UTC)
    if interval.intraday:
        return opened + timedelta(seconds=interval.seconds)
    if interval == "1mo":
        last_day = (opened.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    else:
        last_day = opened + timedelta(days=interval.seconds // DAY_S - 1)
    return _session_close(last_day.date(), instrument)


def _session_close(day: date, instrument: Tradable) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(instrument.timezone))
    end_of_day = (midnight + timedelta(days=1)).astimezone(UTC)
    if instrument.calendar in ROUND_THE_CLOCK:
        return end_of_day
    exchange = _exchange(instrument.calendar)
    # The calendar knows twenty years back and one ahead.
    known = exchange.first_session.date() <= day <= exchange.last_session.date()
    if not known or not exchange.is_session(day):
        return end_of_day
    close: datetime = exchange.session_close(day).to_pydatetime()
    return close


def periods_per_year(instrument: Tradable, interval: Interval | str) -> float:
    """Return how many bars a year has: what annualises statistics of single bars.

    Intraday, a session counts its last, shorter bar as well: XNYS has 7 hourly bars in 6.5 hours.
    """
    interval = interval_get(interval)
    if interval == "1mo":
        return float(MONTHS_PER_YEAR)
    if interval == "1w":
        return float(WEEKS_PER_YEAR)
    if not interval.intraday:
        return float(instrument.periods_per_year)
    bars = -(-_session_seconds(instrument.calendar) // interval.seconds)
    return float(instrument.periods_per_year) * bars


def _session_seconds(calendar: str) -> int:
    if calendar in ROUND_THE_CLOCK:
        return DAY_S
    exchange = _exchange(calendar)
    opens, closes = exchange.open_times[-1][1], exchange.close_times[-1][1]
    day = date(2000, 1, 1)
    length = datetime.combine(day, closes) - datetime.combine(day, opens)
    return length.seconds


@lru_cache(maxsize=16)
def _exchange(calendar: str) -> exchange_calendars.ExchangeCalendar:
    try:
        return exchange_calendars.get_calendar(calendar)
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise InvalidInput(
            f"{calendar!r} is not a calendar: use a name of exchange_calendars such as XNYS, "
            "24/7, or 24/5.",
            code="unknown_calendar",
        ) from error


def calendar_check(calendar: str) -> str:
    """Return the name of a calendar that exists, else raise InvalidInput."""
    if calendar not in ROUND_THE_CLOCK:
        _exchange(calendar)
    return calendar
