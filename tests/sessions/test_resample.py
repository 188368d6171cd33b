"""Bars of longer time frames, by the hours of real exchanges."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InvalidInput
from core.sessions.sessions import Sessions
from core.sessions.timeframe import timeframe_parse
from market.calendars import sessions_for
from tests.sessions.conftest import (
    MINUTE,
    NEW_YORK,
    calendar,
    ns,
    resample,
    said,
    spaced,
    trading,
)


def new_york(first: str, last: str, minutes: int = 5) -> tuple[np.ndarray, Sessions]:
    sessions = sessions_for("XNYS", first_ts=ns(first), last_ts=ns(last))
    return trading(sessions, first, last, minutes), sessions


def test_an_hour_starts_with_the_session_and_the_last_one_is_short():
    ts, sessions = new_york("2024-07-01", "2024-07-01")
    hours = resample(ts, sessions, "5m", "1h")
    assert said(hours.ts, NEW_YORK) == [f"2024-07-01 {hour:02}:30" for hour in range(9, 16)]
    ends = [f"2024-07-01 {hour:02}:30" for hour in range(10, 16)]
    assert said(hours.ends, NEW_YORK) == [*ends, "2024-07-01 16:00"]
    assert hours.volume.tolist() == [12] * 6 + [6]
    # The second hour: bars 12 to 23, whose opens are half above and extremes two beyond.
    second = [column[1] for column in (hours.open, hours.high, hours.low, hours.close)]
    assert second == [12.5, 25, 10, 23]


def test_an_indian_session_has_seven_hours_of_which_the_last_is_a_quarter():
    ts = spaced("2024-07-01T09:15", "2024-07-01T15:15", 15, "Asia/Kolkata")
    hours = resample(ts, calendar("XBOM", ts), "15m", "1h")
    assert said(hours.ts, "Asia/Kolkata")[::6] == ["2024-07-01 09:15", "2024-07-01 15:15"]
    assert said(hours.ends, "Asia/Kolkata")[-2:] == ["2024-07-01 15:15", "2024-07-01 15:30"]
    assert hours.volume.tolist() == [4] * 6 + [1]


@pytest.mark.parametrize(
    ("first", "last", "utc"),
    [
        # Clocks go forward on Sunday, 10 March 2024, and back on Sunday, 3 November.
        ("2024-03-08", "2024-03-11", ["2024-03-08 14:30", "2024-03-11 13:30"]),
        ("2024-11-01", "2024-11-04", ["2024-11-01 13:30", "2024-11-04 14:30"]),
    ],
)
def test_sessions_keep_their_local_hours_when_clocks_change(first, last, utc):
    ts, sessions = new_york(first, last)
    hours = resample(ts, sessions, "5m", "1h")
    assert len(hours) == 14
    assert said(hours.ts[::7]) == utc
    assert said(hours.ts[::7], NEW_YORK) == [f"{first} 09:30", f"{last} 09:30"]
    days = resample(ts, sessions, "5m", "1d")
    assert said(days.ts) == [f"{first} 00:00", f"{last} 00:00"]
    assert said(days.ends, NEW_YORK) == [f"{first} 16:00", f"{last} 16:00"]
    assert days.close.tolist() == [77, 155]


def test_a_market_that_never_closes_does_not_know_of_clocks_that_change():
    ts = spaced("2024-03-09T00:00", "2024-03-11T23:45", 15)
    hours = resample(ts, calendar("24/7", ts), "15m", "1h")
    assert len(hours) == 72
    assert set(np.diff(hours.ts)) == {60 * MINUTE}
    assert resample(ts, calendar("24/7", ts), "15m", "1d").volume.tolist() == [96] * 3


def test_days_of_a_zone_whose_clocks_change_have_23_and_25_hours():
    class Berlin:
        calendar = "24/7"
        timezone = "Europe/Berlin"
        periods_per_year = 365.0

    for first, last, bars, fours in (
        ("2024-03-31T00:00", "2024-03-31T23:30", 46, [8, 8, 8, 8, 8, 6]),
        ("2024-10-27T00:00", "2024-10-27T23:30", 50, [8, 8, 8, 8, 8, 8, 2]),
    ):
        ts = spaced(first, last, 30, "Europe/Berlin")
        sessions = sessions_for(Berlin(), first_ts=int(ts[0]), last_ts=int(ts[-1]))
        assert resample(ts, sessions, "30m", "1d").volume.tolist() == [bars]
        assert resample(ts, sessions, "30m", "4h").volume.tolist() == fours


def test_a_half_day_ends_at_one():
    # The day after Thanksgiving.
    ts, sessions = new_york("2023-11-22", "2023-11-24", 30)
    days = resample(ts, sessions, "30m", "1d")
    assert said(days.ends, NEW_YORK) == ["2023-11-22 16:00", "2023-11-24 13:00"]
    assert days.volume.tolist() == [13, 7]
    fours = resample(ts, sessions, "30m", "2h")
    assert said(fours.ends, NEW_YORK)[-2:] == ["2023-11-24 11:30", "2023-11-24 13:00"]
    assert said(fours.ts, NEW_YORK)[-1] == "2023-11-24 11:30"


def test_a_bucket_is_over_by_the_clock_though_bars_are_missing():
    ts, sessions = new_york("2024-07-01", "2024-07-01")
    # 10:25 to 10:40 are missing: the end of one hour, the beginning of the next.
    gap = (ts >= ns("2024-07-01T10:25", NEW_YORK)) & (ts < ns("2024-07-01T10:40", NEW_YORK))
    hours = resample(ts[~gap], sessions, "5m", "1h")
    assert said(hours.ts, NEW_YORK)[:2] == ["2024-07-01 09:30", "2024-07-01 10:30"]
    assert said(hours.ends, NEW_YORK)[:2] == ["2024-07-01 10:30", "2024-07-01 11:30"]
    assert hours.volume[:2].tolist() == [11, 10]


def test_a_bucket_without_bars_is_missing():
    ts, sessions = new_york("2024-07-01", "2024-07-01")
    kept = (ts < ns("2024-07-01T10:30", NEW_YORK)) | (ts >= ns("2024-07-01T11:30", NEW_YORK))
    hours = resample(ts[kept], sessions, "5m", "1h")
    assert said(hours.ts, NEW_YORK)[:2] == ["2024-07-01 09:30", "2024-07-01 11:30"]


def test_a_bar_that_is_not_over_is_not_shown():
    ts, sessions = new_york("2024-07-01", "2024-07-01")
    until_ten_thirty = ts[: 12 + 11]
    assert said(resample(until_ten_thirty, sessions, "5m", "1h").ts, NEW_YORK) == [
        "2024-07-01 09:30"
    ]
    assert len(resample(ts[: 12 + 12], sessions, "5m", "1h")) == 2
    assert len(resample(ts[:-1], sessions, "5m", "1d")) == 0
    # By the clock, the hour is over though its last bar has not come.
    until = ns("2024-07-01T11:30", NEW_YORK)
    assert len(resample(until_ten_thirty, sessions, "5m", "1h", until=until)) == 2


def test_a_bar_that_the_data_begin_in_the_middle_of_is_not_shown():
    ts, sessions = new_york("2024-07-01", "2024-07-02")
    assert said(resample(ts[1:], sessions, "5m", "1h").ts, NEW_YORK)[0] == "2024-07-01 10:30"
    assert said(resample(ts[1:], sessions, "5m", "1d").ts) == ["2024-07-02 00:00"]
    assert len(resample(ts[12:], sessions, "5m", "1h")) == 6 + 7


def test_a_week_of_holidays_is_as_short_as_it_is():
    # Good Friday and Easter: the week ends on Thursday, 28 March 2024.
    ts, sessions = new_york("2024-03-25", "2024-04-05", 30)
    weeks = resample(ts, sessions, "30m", "1w")
    assert said(weeks.ts) == ["2024-03-25 00:00", "2024-04-01 00:00"]
    assert said(weeks.ends, NEW_YORK) == ["2024-03-28 16:00", "2024-04-05 16:00"]
    assert weeks.volume.tolist() == [4 * 13, 5 * 13]
    # On Thursday's close the week is over, one bar before it is not.
    thursday = ts[: 4 * 13]
    assert len(resample(thursday, sessions, "30m", "1w")) == 1
    assert len(resample(thursday[:-1], sessions, "30m", "1w")) == 0


def test_a_week_that_begins_with_a_holiday_begins_on_tuesday():
    # Martin Luther King Day is Monday, 15 January 2024.
    ts, sessions = new_york("2024-01-16", "2024-01-19", 30)
    weeks = resample(ts, sessions, "30m", "1w")
    assert said(weeks.ts) == ["2024-01-15 00:00"]
    assert len(resample(ts[13:], sessions, "30m", "1w")) == 0


def test_months_end_with_their_last_session():
    # March 2024 ends on Good Friday's weekend, June on a Sunday.
    days = np.array(
        [ns(f"2024-{day}T00:00") for day in ("03-01", "03-28", "04-01", "04-30", "05-01")]
    )
    sessions = calendar("XNYS", days)
    months = resample(days, sessions, "1d", "1mo")
    assert said(months.ts) == ["2024-03-01 00:00", "2024-04-01 00:00"]
    assert said(months.ends, NEW_YORK) == ["2024-03-28 16:00", "2024-04-30 16:00"]
    ts, sessions = new_york("2024-06-03", "2024-07-01", 30)
    june = resample(ts, sessions, "30m", "1mo")
    assert said(june.ends, NEW_YORK) == ["2024-06-28 16:00"]
    assert june.volume.tolist() == [19 * 13]


def test_months_and_weeks_of_a_market_that_never_closes_are_those_of_the_calendar():
    days = spaced("2024-01-29T00:00", "2024-03-03T00:00", 1_440)
    sessions = calendar("24/7", days)
    weeks = resample(days, sessions, "1d", "1w")
    assert said(weeks.ts)[0] == "2024-01-29 00:00"
    assert said(weeks.ends)[-1] == "2024-03-04 00:00"
    assert weeks.volume.tolist() == [7] * 5
    months = resample(days, sessions, "1d", "1mo")
    assert (said(months.ts), months.volume.tolist()) == (["2024-02-01 00:00"], [29])
    assert resample(days, sessions, "1d", "2w").volume.tolist() == [14, 14]


def test_what_currencies_trade_on_sunday_evening_is_mondays():
    ts = np.concatenate(
        [
            spaced("2024-01-05T00:00", "2024-01-05T21:30", 30),
            spaced("2024-01-07T22:00", "2024-01-09T23:30", 30),
        ]
    )
    sessions = calendar("24/5", ts)
    days = resample(ts, sessions, "30m", "1d")
    assert said(days.ts) == ["2024-01-05 00:00", "2024-01-08 00:00", "2024-01-09 00:00"]
    assert days.volume.tolist() == [44, 4 + 48, 48]
    # By the clock Friday ends at midnight, though nothing trades after ten.
    assert said(days.ends)[0] == "2024-01-06 00:00"
    weeks = resample(ts, sessions, "30m", "1w")
    assert len(weeks) == 0
    hours = resample(ts, sessions, "30m", "4h")
    assert {text[-5:] for text in said(hours.ts)} == {
        "00:00", "04:00", "08:00", "12:00", "16:00", "20:00",
    }  # fmt: skip


def test_futures_open_on_the_evening_before():
    # Chicago: Monday's session is open from Sunday 17:00 to Monday 17:00.
    ts = spaced("2024-01-07T17:00", "2024-01-09T16:30", 30, "America/Chicago")
    sessions = calendar("CMES", ts)
    days = resample(ts, sessions, "30m", "1d")
    assert said(days.ts) == ["2024-01-08 00:00", "2024-01-09 00:00"]
    assert said(days.ends, "America/Chicago") == ["2024-01-08 17:00", "2024-01-09 17:00"]
    fours = resample(ts, sessions, "30m", "4h")
    assert said(fours.ts, "America/Chicago")[:2] == ["2024-01-07 17:00", "2024-01-07 21:00"]


def test_what_trades_before_the_open_and_after_the_close_is_kept_apart():
    ts = spaced("2024-07-01T04:00", "2024-07-01T19:30", 30, NEW_YORK)
    sessions = calendar("XNYS", ts)
    days = resample(ts, sessions, "30m", "1d", until=ns("2024-07-02T12:00"))
    # 09:30 to 16:00, which are the bars 11 to 23.
    assert (days.open.tolist(), days.close.tolist(), days.volume.tolist()) == ([11.5], [23], [13])
    assert said(days.ends, NEW_YORK) == ["2024-07-01 16:00"]
    hours = resample(ts, sessions, "30m", "1h")
    shown = said(hours.ts, NEW_YORK)
    # Before the open hours are counted back from it, and those of the close from the close.
    assert shown[:2] == ["2024-07-01 04:30", "2024-07-01 05:30"]
    assert shown[5:7] == ["2024-07-01 09:30", "2024-07-01 10:30"]
    assert [text[-5:] for text in shown[11:]] == ["15:30", "16:00", "17:00", "18:00", "19:00"]


def test_bars_of_whole_hours_are_not_over_before_their_hour_is():
    # Some sources give 09:00, 10:00, … for a session that opens at 09:30.
    ts = spaced("2024-07-01T09:00", "2024-07-01T15:00", 60, NEW_YORK)
    sessions = calendar("XNYS", ts)
    twos = resample(ts, sessions, "1h", "2h")
    assert said(twos.ends, NEW_YORK) == [
        "2024-07-01 12:00", "2024-07-01 14:00", "2024-07-01 16:00",
    ]  # fmt: skip
    day = resample(ts, sessions, "1h", "1d")
    assert (day.open.tolist(), day.volume.tolist()) == ([0.5], [7])


def test_only_what_is_a_multiple_can_be_made():
    def divides(fine: str, coarse: str) -> bool:
        return timeframe_parse(fine).divides(timeframe_parse(coarse))

    assert all(divides("5m", to) for to in ("5m", "15m", "1h", "24h", "1d", "1w", "1mo"))
    assert not divides("5m", "7m")
    assert not divides("1h", "90m")
    assert divides("1d", "3d")
    assert divides("1d", "1mo")
    assert not divides("1d", "24h")
    assert not divides("2d", "1w")
    assert not divides("1w", "1mo")
    assert divides("1mo", "12mo")
    ts, sessions = new_york("2024-07-01", "2024-07-01")
    with pytest.raises(InvalidInput, match="cannot be put together"):
        resample(ts, sessions, "5m", "7m")


def test_no_bars_and_bars_outside_of_all_sessions():
    ts, sessions = new_york("2024-07-01", "2024-07-01")
    assert len(resample(ts[:0], sessions, "5m", "1h")) == 0
    with pytest.raises(ValueError, match="do not cover"):
        resample(ts + 5 * 366 * 86_400 * 10**9, sessions, "5m", "1h")
    evening = spaced("2024-07-01T17:00", "2024-07-01T19:00", 30, NEW_YORK)
    assert len(resample(evening, sessions, "30m", "1d")) == 0


def test_sessions_that_end_with_the_bars_do_not_make_a_week_whole_too_early():
    ts, sessions = new_york("2024-07-08", "2024-07-10", 30)
    kept = slice(0, int(np.searchsorted(sessions.opens, ts[-1])))
    short = Sessions(sessions.dates[kept], sessions.opens[kept], sessions.closes[kept], NEW_YORK)
    assert said(short.closes[-1:], NEW_YORK) == ["2024-07-10 16:00"]
    assert len(resample(ts, short, "30m", "1w")) == 0
    assert len(resample(ts, short, "30m", "1d")) == 3


def test_a_session_may_last_beyond_midnight():
    # From nine in the morning to two at night.
    dates = np.arange(19_000, 19_010)
    opens = dates * 1_440 * MINUTE + 9 * 60 * MINUTE
    sessions = Sessions(dates, opens, opens + 17 * 60 * MINUTE)
    ts = np.arange(int(opens[2]), int(sessions.closes[4]), 60 * MINUTE)
    days = resample(ts, sessions, "1h", "1d")
    assert (days.ts / MINUTE / 1_440).tolist() == [19_002, 19_003, 19_004]
    assert days.volume.tolist() == [17, 17, 17]
    assert days.ends.tolist() == sessions.closes[2:5].tolist()
