from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pytest

from core.errors import InvalidInput
from core.sessions.clock import clock_read
from core.sessions.sessions import segments_find
from core.sessions.timeframe import timeframe_parse
from market.calendars import (
    bar_closes_at,
    is_open,
    periods_per_year,
    range_bounds,
    session_ends_at,
    session_ids,
    sessions_for,
)
from market.exchanges import calendar_check
from market.intervals import interval_get


@dataclass(frozen=True)
class Listed:
    calendar: str = "XNYS"
    timezone: str = "America/New_York"
    periods_per_year: float = 252.0


EURUSD = Listed("24/5", "UTC", 260.0)
BTC = Listed("24/7", "UTC", 365.0)


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def session_of(*times: str, **kwargs) -> list[str]:
    ids = session_ids(np.array([ns(time) for time in times]), **kwargs)
    return [str(day.astype("datetime64[D]")) for day in ids]


def test_an_evening_bar_belongs_to_the_exchanges_day_not_to_the_next_utc_day():
    assert session_of(
        "2024-01-02T14:30", "2024-01-03T00:30", "2024-01-03T14:30", timezone="America/New_York"
    ) == ["2024-01-02", "2024-01-02", "2024-01-03"]


def test_sessions_follow_the_clocks_of_the_exchange_through_a_change_to_summer_time():
    # New York: UTC-5 until 2024-03-10, UTC-4 after.
    assert session_of("2024-03-08T04:30", "2024-03-11T04:30", timezone="America/New_York") == [
        "2024-03-07",
        "2024-03-11",
    ]


def test_daily_bars_are_named_by_their_date_whatever_the_time_zone():
    times = ("2024-01-02T00:00", "2024-01-03T00:00")
    expected = ["2024-01-02", "2024-01-03"]
    assert session_of(*times, timezone="America/New_York") == expected
    assert session_of(*times, timezone="America/New_York", interval="1d") == expected
    # Bars of four hours in Tokyo open at 00:00 UTC too, and are not daily ones.
    assert session_of("2024-01-02T20:00", timezone="Asia/Tokyo", interval="4h") == ["2024-01-03"]


def test_what_currencies_trade_on_sunday_evening_belongs_to_monday():
    times = ("2024-01-05T20:00", "2024-01-06T12:00", "2024-01-07T22:00", "2024-01-08T08:00")
    assert session_of(*times, timezone="UTC", interval="1h", calendar="24/5") == [
        "2024-01-05",
        "2024-01-08",
        "2024-01-08",
        "2024-01-08",
    ]
    assert session_of(*times, timezone="UTC", interval="1h", calendar="24/7")[1] == "2024-01-06"


CME = Listed("CMES", "America/Chicago")
# Chicago is six hours behind: Thursday's session ends at 23:00 UTC, and Friday's begins.
CME_TIMES = {
    "2024-01-04T22:00": "2024-01-04",
    "2024-01-04T23:00": "2024-01-05",
    "2024-01-05T14:30": "2024-01-05",
    "2024-01-07T23:00": "2024-01-08",
    "2024-01-08T05:00": "2024-01-08",
    "2024-01-08T22:00": "2024-01-08",
    "2024-01-08T23:00": "2024-01-09",
}


def test_futures_of_sunday_evening_belong_to_monday_and_those_of_an_evening_to_the_next_day():
    expected = list(CME_TIMES.values())
    assert (
        session_of(*CME_TIMES, timezone="America/Chicago", interval="1h", calendar="CMES")
        == expected
    )


@pytest.mark.parametrize(
    "listed",
    [
        CME,
        Listed(),
        EURUSD,
        BTC,
        Listed("XBOM", "Asia/Kolkata"),
        Listed("XHKG", "Asia/Hong_Kong"),
        Listed("24/5", "America/New_York"),
    ],
    ids=lambda listed: f"{listed.calendar} in {listed.timezone}",
)
def test_both_ways_to_ask_for_sessions_agree_through_weekends_holidays_and_clock_changes(listed):
    # Every half hour of five weeks around a change of clocks, Good Friday among them.
    ts = np.arange(ns("2024-03-05T00:00"), ns("2024-04-09T00:00"), 1_800 * 10**9)
    sessions = sessions_for(listed, first_ts=int(ts[0]), last_ts=int(ts[-1]))
    ids = session_ids(ts, timezone=listed.timezone, interval="30m", calendar=listed.calendar)
    clock = clock_read(ts, sessions, timeframe_parse("30m"))
    assert (ids == clock.session).all()


def test_a_day_of_futures_begins_on_the_evening_before():
    first, last = bounds(date(2024, 1, 8), date(2024, 1, 8), CME, "1h")
    # Saturday 00:00 in Chicago, when nothing trades, up to 17:00 on Monday.
    assert (first, last) == (ns("2024-01-06T06:00"), ns("2024-01-08T23:00") - 1)
    _, friday = bounds(None, date(2024, 1, 7), CME, "1h")
    assert friday == ns("2024-01-06T06:00") - 1


def test_no_bars_have_no_sessions():
    assert session_ids(np.empty(0, dtype=np.int64), timezone="UTC").size == 0


def bounds(start, end, instrument, interval):
    return range_bounds(
        start=start, end=end, instrument=instrument, interval=interval_get(interval)
    )


def test_a_day_as_end_includes_its_whole_session_in_the_exchanges_time_zone():
    first, last = bounds(date(2024, 1, 2), date(2024, 1, 2), Listed(), "1h")
    assert first == ns("2024-01-02T05:00")
    assert last == ns("2024-01-03T05:00") - 1
    first, last = bounds(date(2024, 1, 2), date(2024, 1, 2), Listed(), "1d")
    assert (first, last) == (ns("2024-01-02T00:00"), ns("2024-01-03T00:00") - 1)


def test_monday_as_a_start_includes_sunday_evening_for_currencies():
    first, _ = bounds(date(2024, 1, 8), None, EURUSD, "1h")
    assert first == ns("2024-01-06T00:00")
    _, last = bounds(None, date(2024, 1, 7), EURUSD, "1h")
    assert last == ns("2024-01-06T00:00") - 1


def test_a_time_means_itself_and_utc_where_it_names_no_zone():
    moment = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    assert bounds(moment, moment.replace(tzinfo=None), Listed(), "1h") == (
        ns("2024-01-02T14:30"),
        ns("2024-01-02T14:30"),
    )


@pytest.mark.parametrize("year", [1, 1500, 2300, 9999])
def test_years_that_nanoseconds_cannot_say_are_before_or_after_everything(year):
    first, last = bounds(date(year, 12, 31), date(9999, 12, 31), BTC, "1d")
    assert -(2**63) < first <= last < 2**63
    assert (first < 0) == (year < 1900)


def test_a_range_that_ends_before_it_starts_is_refused():
    with pytest.raises(InvalidInput, match="swap them"):
        bounds(date(2024, 1, 3), date(2024, 1, 2), Listed(), "1d")


@pytest.mark.parametrize(
    ("listed", "day"),
    [(EURUSD, date(2024, 1, 7)), (CME, date(2024, 3, 29))],
    ids=["sunday", "friday"],
)
def test_days_without_a_session_are_not_taken_for_a_range_that_is_turned_round(listed, day):
    # A Sunday of currencies, whose trades are Monday's; a Good Friday of futures.
    with pytest.raises(InvalidInput, match=f"No session is from {day} to {day}") as refused:
        bounds(day, day, listed, "1h")
    assert refused.value.code == "empty_range"


def closes(text: str, instrument, interval: str) -> datetime:
    return bar_closes_at(ns(text), instrument=instrument, interval=interval_get(interval))


def test_a_daily_bar_is_over_when_its_session_closes_also_on_a_half_day():
    assert closes("2024-07-02T00:00", Listed(), "1d") == datetime(2024, 7, 2, 20, 0, tzinfo=UTC)
    assert closes("2024-07-03T00:00", Listed(), "1d") == datetime(2024, 7, 3, 17, 0, tzinfo=UTC)
    assert closes("2024-07-02T00:00", BTC, "1d") == datetime(2024, 7, 3, tzinfo=UTC)


@pytest.mark.parametrize("day", ["1999-12-31", "2023-12-25", "2100-01-04"])
def test_a_day_that_the_calendar_does_not_know_is_over_at_midnight(day):
    closed = closes(f"{day}T00:00", Listed(), "1d")
    assert (closed - datetime.fromisoformat(day).replace(tzinfo=UTC)).total_seconds() == 29 * 3600


def test_longer_bars_are_over_with_their_last_day():
    assert closes("2024-02-01T00:00", BTC, "1mo") == datetime(2024, 3, 1, tzinfo=UTC)
    assert closes("2024-01-01T00:00", BTC, "1w") == datetime(2024, 1, 8, tzinfo=UTC)
    assert closes("2024-01-01T10:00", Listed(), "1h") == datetime(2024, 1, 1, 11, tzinfo=UTC)


def test_a_year_has_so_many_bars():
    assert periods_per_year(Listed(), "1d") == 252
    # 9:30 to 16:00: six whole hours and a half one.
    assert periods_per_year(Listed(), "1h") == 252 * 7
    assert periods_per_year(Listed(), "30m") == 252 * 13
    assert periods_per_year(BTC, "1h") == 365 * 24
    assert periods_per_year(EURUSD, "1mo") == 12
    assert periods_per_year(EURUSD, "1w") == 52


def test_an_unknown_calendar_is_told():
    with pytest.raises(InvalidInput, match="not a calendar"):
        periods_per_year(Listed(calendar="XXXX"), "1h")


def sessions_of(tradable, first: str, last: str) -> dict[str, tuple[str, str]]:
    """Opens and closes by date, UTC, of the sessions from one day to another."""
    found = sessions_for(tradable, first_ts=ns(first), last_ts=ns(last))
    rows = zip(found.dates, found.opens, found.closes, strict=True)
    texts = {
        str(np.datetime64(int(day), "D")): tuple(
            f"{datetime.fromtimestamp(int(moment) // 10**9, UTC):%H:%M}" for moment in pair
        )
        for day, *pair in rows
    }
    return {day: pair for day, pair in texts.items() if first <= day <= last}


def test_sessions_have_the_hours_of_the_exchange():
    assert sessions_of("XNYS", "2024-07-02", "2024-07-05") == {
        "2024-07-02": ("13:30", "20:00"),
        "2024-07-03": ("13:30", "17:00"),
        "2024-07-05": ("13:30", "20:00"),
    }
    assert sessions_of("XBOM", "2024-01-25", "2024-01-29") == {
        "2024-01-25": ("03:45", "10:00"),
        "2024-01-29": ("03:45", "10:00"),
    }
    assert sessions_of(EURUSD, "2024-01-05", "2024-01-08") == {
        "2024-01-05": ("00:00", "00:00"),
        "2024-01-08": ("00:00", "00:00"),
    }
    assert len(sessions_of(BTC, "2024-01-05", "2024-01-08")) == 4


def test_sessions_reach_a_year_further_on_both_sides_and_are_kept():
    one, other = (
        sessions_for(Listed(), first_ts=ns(first), last_ts=ns("2024-03-01"))
        for first in ("2024-01-02", "2024-02-05")
    )
    assert one is other
    assert one.opens[0] < ns("2023-01-01")
    assert one.closes[-1] > ns("2025-03-02")
    assert not one.opens.flags.writeable


def test_what_the_calendar_does_not_reach_has_regular_hours():
    # Christmas of 1987 is known, that of 1968 is not; in 2055 the 25th is a Saturday.
    assert "1987-12-25" not in sessions_of("XNYS", "1987-12-24", "1987-12-28")
    assert sessions_of("XNYS", "1968-12-24", "1968-12-26") == dict.fromkeys(
        ("1968-12-24", "1968-12-25", "1968-12-26"), ("14:30", "21:00")
    )
    assert sessions_of("XNYS", "2055-12-24", "2055-12-27") == {
        "2055-12-24": ("14:30", "21:00"),
        "2055-12-27": ("14:30", "21:00"),
    }


@pytest.mark.parametrize("name", ["XNYS", "XBOM", "XTKS", "XLON", "CMES", "24/5", "24/7"])
def test_sessions_are_in_order_and_do_not_overlap(name):
    found = sessions_for(name, first_ts=ns("1968-01-01"), last_ts=ns("2030-01-01"))
    assert (np.diff(found.dates) > 0).all()
    assert (found.opens < found.closes).all()
    assert (found.closes[:-1] <= found.opens[1:]).all()


def test_a_calendar_that_its_library_cannot_make_is_told():
    with pytest.raises(InvalidInput, match="cannot say when 'XBEL' is open"):
        calendar_check("XBEL")


def test_the_session_that_trades_at_a_moment_or_next_ends():
    friday, close = datetime(2026, 1, 2, 15, tzinfo=UTC), datetime(2026, 1, 2, 21, tzinfo=UTC)
    monday = datetime(2026, 1, 5, 21, tzinfo=UTC)
    assert session_ends_at(Listed(), friday) == close
    assert session_ends_at(Listed(), close) == monday
    assert session_ends_at(BTC, friday) == datetime(2026, 1, 3, tzinfo=UTC)


LATE = datetime(2260, 12, 31, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("listed", "close"),
    [
        # Of 2261 the 1st is a Tuesday, and a holiday that is not known yet.
        (Listed(), datetime(2261, 1, 1, 21, tzinfo=UTC)),
        (CME, datetime(2261, 1, 1, 23, tzinfo=UTC)),
        (Listed("24/5", "America/New_York"), datetime(2261, 1, 1, 5, tzinfo=UTC)),
        (BTC, datetime(2261, 1, 1, tzinfo=UTC)),
    ],
    ids=lambda value: getattr(value, "calendar", ""),
)
def test_the_last_evening_that_is_known_has_a_session_after_it(listed, close):
    assert session_ends_at(listed, LATE) == close
    assert is_open(listed, LATE) == (listed.calendar != "XNYS")


@pytest.mark.parametrize("listed", [Listed(), CME, EURUSD, BTC], ids=lambda one: one.calendar)
@pytest.mark.parametrize("year", [1, 1699, 2261, 9999])
def test_moments_that_no_session_is_known_of_are_refused(listed, year):
    at = datetime(year, 12, 31, 20, tzinfo=UTC)
    for ask in (is_open, session_ends_at):
        with pytest.raises(InvalidInput, match=f"{year}: ask for one from 1700 to 2260") as refused:
            ask(listed, at)
        assert refused.value.code == "unknown_session"


@pytest.mark.parametrize("name", ["XNYS", "CMES", "24/5", "24/7"])
@pytest.mark.parametrize("day", ["1678-01-03", "1690-06-01", "2260-06-04", "2261-12-31"])
def test_all_bars_that_can_be_imported_have_a_session(name, day):
    # 20:00 UTC is within the hours of the exchanges; none of the days is at a weekend.
    ts = np.array([ns(f"{day}T20:00")])
    sessions = sessions_for(name, first_ts=int(ts[0]), last_ts=int(ts[0]))
    found = segments_find(ts, sessions).spread(np.repeat(sessions.dates, 3))
    assert [str(one.astype("datetime64[D]")) for one in found] == [day]


def test_futures_have_a_last_day_that_can_be_asked_for():
    _, last = bounds(None, date(2260, 12, 31), CME, "1h")
    # The session of that Monday ends at 17:00 in Chicago.
    assert last == ns("2260-12-31T23:00") - 1
