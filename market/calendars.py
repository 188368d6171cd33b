"""Sessions: which day a bar belongs to, when a day begins and ends, how many bars a year has.

A session is a day in the exchange's time zone. Daily and longer bars carry their session's date as
00:00 UTC. Currencies (``"24/5"``) open on Sunday evening: what trades on a weekend belongs to the
session of Monday.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import InvalidInput
from core.sessions.sessions import (
    FURTHEST_DAY,
    MONDAY_BASED,
    SATURDAY,
    Sessions,
    segments_find,
    session_places,
    sessions_always_open,
)
from core.sessions.zone import local_to_utc
from market.exchanges import ROUND_THE_CLOCK, WEEKDAYS_OPEN, exchange_get, exchange_since
from market.intervals import DAY_S, Interval, interval_get

NS_PER_S: Final = 1_000_000_000
NS_PER_DAY: Final = DAY_S * NS_PER_S
MAX_NS: Final = 2**63 - 1
# Of which days and moments can be asked; what int64 nanoseconds can say ends in 1677 and 2262.
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
        Of the exchange. What is traded within a day then belongs to the session that
        `sessions_for` says: futures of Sunday evening to Monday's, as currencies do. Without it the
        session is the local date.

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
    if intraday and calendar and calendar not in ROUND_THE_CLOCK:
        sessions = _sessions_between(calendar, timezone, int(ts[0]), int(ts[-1]))
        return segments_find(ts, sessions).spread(np.repeat(sessions.dates, 3))
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


def sessions_for(tradable: Tradable | str, *, first_ts: int, last_ts: int) -> Sessions:
    """Return the sessions of an instrument around a range of bars.

    Parameters
    ----------
    tradable : Tradable or str
        An instrument, or the name of a calendar, which then has its own time zone.
    first_ts, last_ts : int
        When the first and the last bar open, UTC nanoseconds.

    Returns
    -------
    Sessions
        From a year before the bars or more to a year after them or more, so that weeks, months and
        years at the ends are known to be whole; the same object for the same years. Holidays and
        half days are those of exchange_calendars, back to 1970 where it has them and up to a year
        from today. Beyond, every weekday on which the exchange opens has its regular hours:
        holidays are not known there. Breaks at noon are part of a session. What is open around the
        clock has a session a day from midnight to midnight; currencies none at weekends.
    """
    if isinstance(tradable, str):
        around = tradable in ROUND_THE_CLOCK
        timezone = "UTC" if around else str(exchange_get(tradable).tz)
        return _sessions_between(tradable, timezone, first_ts, last_ts)
    return _sessions_between(tradable.calendar, tradable.timezone, first_ts, last_ts)


def _sessions_between(calendar: str, timezone: str, first_ts: int, last_ts: int) -> Sessions:
    return _sessions(calendar, timezone, _year(first_ts) - 2, _year(last_ts) + 2)


@lru_cache(maxsize=128)
def _sessions(calendar: str, timezone: str, first_year: int, last_year: int) -> Sessions:
    start, stop = (
        min(max(_day_number(date(year, 1, 1)), -FURTHEST_DAY), FURTHEST_DAY)
        for year in (first_year, last_year + 1)
    )
    if calendar in ROUND_THE_CLOCK:
        found = sessions_always_open(
            first_ts=start * NS_PER_DAY,
            last_ts=stop * NS_PER_DAY,
            timezone=timezone,
            weekdays=calendar == WEEKDAYS_OPEN,
        )
    else:
        found = _exchange_sessions(calendar, timezone, start, stop)
    for column in (found.dates, found.opens, found.closes):
        column.flags.writeable = False
    return found


def _exchange_sessions(calendar: str, timezone: str, start: int, stop: int) -> Sessions:
    """Return the sessions from a day up to before another: as known, else by regular hours."""
    exchange = exchange_since(calendar, start * NS_PER_DAY)
    dates = exchange.sessions.as_unit("ns").asi8 // NS_PER_DAY
    first, last = np.searchsorted(dates, [start, stop])
    known = [dates[first:last], _moments(exchange.opens)[first:last]]
    known.append(_moments(exchange.closes)[first:last])
    earlier = _regular(exchange, start, min(stop, int(dates[0])), place=0)
    later = _regular(exchange, max(start, int(dates[-1]) + 1), stop, place=-1)
    dates, opens, closes = (
        np.concatenate(part) for part in zip(earlier, known, later, strict=True)
    )
    return Sessions(dates, opens, closes, timezone)


def breaks_for(calendar: str, *, first_ts: int, last_ts: int) -> NDArray[np.int64]:
    """Return when an exchange pauses within its sessions, at noon for most that do.

    Returns
    -------
    ndarray of int64, shape (n, 2)
        Beginnings and ends, nanoseconds UTC, in order, as far as exchange_calendars knows them;
        empty for most exchanges.
    """
    if calendar in ROUND_THE_CLOCK:
        return np.empty((0, 2), dtype=np.int64)
    exchange = exchange_since(calendar, first_ts)
    paused = exchange.schedule[["break_start", "break_end"]].dropna()
    pauses = np.column_stack([_moments(paused[name]) for name in paused])
    return pauses[(pauses[:, 1] > first_ts) & (pauses[:, 0] <= last_ts)]


def _regular(
    exchange: exchange_calendars.ExchangeCalendar, start: int, stop: int, *, place: int
) -> list[NDArray[np.int64]]:
    """Return dates, opens and closes of every weekday of a range, by the first or last hours."""
    days = np.arange(start, max(start, stop), dtype=np.int64)
    open_on = np.array([flag == "1" for flag in exchange.weekmask])
    days = days[open_on[(days + MONDAY_BASED) % 7]]
    hours = (
        (exchange.open_times, exchange.open_offset),
        (exchange.close_times, exchange.close_offset),
    )
    moments = [
        local_to_utc(
            (days + offset) * NS_PER_DAY + _since_midnight(times[place][1]), str(exchange.tz)
        )
        for times, offset in hours
    ]
    return [days, *moments]


def _since_midnight(clock: time) -> int:
    return (clock.hour * 3_600 + clock.minute * 60 + clock.second) * NS_PER_S


def _moments(moments: pd.Series) -> NDArray[np.int64]:
    return pd.DatetimeIndex(moments).as_unit("ns").asi8


def _year(ts: int) -> int:
    return datetime.fromtimestamp(ts // NS_PER_S, tz=UTC).year


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
        When the range ends before it starts, or when none of its days has a session.
    """
    first = None if start is None else _bound(start, instrument, interval, last=False)
    last = None if end is None else _bound(end, instrument, interval, last=True)
    if first is not None and last is not None and last < first:
        message = f"The range ends ({end}) before it starts ({start}): swap them."
        if type(start) is date and type(end) is date and start <= end:
            message = f"No session is from {start} to {end}: ask for more days."
        raise InvalidInput(message, code="empty_range")
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
    midnight = _ns(datetime(day.year, day.month, day.day, tzinfo=zone))
    if interval.intraday and instrument.calendar not in ROUND_THE_CLOCK:
        midnight = min(midnight, _evening_before(day, midnight, instrument))
    return midnight - (1 if last else 0)


def _evening_before(day: date, midnight: int, instrument: Tradable) -> int:
    """Return when the session of a day, or the next one, begins if that is on an evening before.

    Futures of Monday open on Sunday evening, and what is traded on Saturday belongs to them too.
    """
    if not exchange_get(instrument.calendar).open_offset:
        return midnight
    sessions = sessions_for(instrument, first_ts=midnight, last_ts=midnight)
    place = int(session_places(np.array([_day_number(day)]), sessions)[0])
    return int(segments_find(np.empty(0, dtype=np.int64), sessions).starts[3 * place])


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _ns(moment: datetime) -> int:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * DAY_S + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def is_open(tradable: Tradable, at: datetime) -> bool:
    """Tell whether the exchange trades at a moment.

    Raises
    ------
    InvalidInput
        When no session is known of that year.
    """
    moment, sessions = _sessions_at(tradable, at)
    place = int(np.searchsorted(sessions.opens, moment, side="right")) - 1
    return place >= 0 and moment < int(sessions.closes[place])


def opens_at(tradable: Tradable, at: datetime) -> datetime:
    """Return when the exchange opens next; while it is open, when it has opened.

    Raises
    ------
    InvalidInput
        When no session is known of that year.
    """
    moment, sessions = _sessions_at(tradable, at)
    place = int(np.searchsorted(sessions.closes, moment, side="right"))
    return datetime.fromtimestamp(int(sessions.opens[place]) // NS_PER_S, tz=UTC)


def session_ends_at(tradable: Tradable, at: datetime) -> datetime:
    """Return when the session is over that trades at a moment; outside of one, the next one.

    Raises
    ------
    InvalidInput
        When no session is known of that year.
    """
    moment, sessions = _sessions_at(tradable, at)
    place = int(np.searchsorted(sessions.closes, moment, side="right"))
    return datetime.fromtimestamp(int(sessions.closes[place]) // NS_PER_S, tz=UTC)


def _sessions_at(tradable: Tradable, at: datetime) -> tuple[int, Sessions]:
    """Return a moment in nanoseconds, and the sessions around it."""
    moment = _ns(at)
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise InvalidInput(
            f"No session is known of {at.year}: ask for one from {FIRST_YEAR} to {LAST_YEAR}.",
            code="unknown_session",
        )
    return moment, sessions_for(tradable, first_ts=moment, last_ts=moment)


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
    exchange = exchange_get(instrument.calendar)
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
    exchange = exchange_get(calendar)
    opens, closes = exchange.open_times[-1][1], exchange.close_times[-1][1]
    day = date(2000, 1, 1)
    length = datetime.combine(day, closes) - datetime.combine(day, opens)
    return length.seconds
