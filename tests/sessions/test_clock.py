"""The exchange's clock, zones, and what is known when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sessions.align import bars_closed, values_carry
from core.sessions.buckets import bar_ends
from core.sessions.clock import clock_read
from core.sessions.timeframe import timeframe_parse
from core.sessions.zone import local_midnights, local_to_utc, utc_offsets
from tests.sessions.conftest import NEW_YORK, calendar, ns, said, spaced

ZONES = [
    "UTC",
    "America/New_York",
    "Europe/London",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Pacific/Apia",
]
DAY = 86_400 * 10**9


def test_the_clock_of_minutes():
    # Friday before and Monday after clocks go forward, and the half day after Thanksgiving 2023.
    ts = np.array(
        [
            ns("2023-11-24T12:55", NEW_YORK),
            ns("2024-03-08T09:30", NEW_YORK),
            ns("2024-03-08T15:55", NEW_YORK),
            ns("2024-03-08T17:00", NEW_YORK),
            ns("2024-03-11T09:00", NEW_YORK),
            ns("2024-03-11T13:37", NEW_YORK),
        ]
    )
    clock = clock_read(ts, calendar("XNYS", ts), timeframe_parse("1m"))
    days = np.array(["2023-11-24", *["2024-03-08"] * 3, *["2024-03-11"] * 2], "datetime64[D]")
    assert clock.session.tolist() == days.astype(np.int64).tolist()
    assert clock.since_open.tolist() == [205, 0, 385, 450, -30, 247]
    assert clock.to_close.tolist() == [5, 390, 5, -60, 420, 143]
    assert clock.hour.tolist() == [12, 9, 15, 17, 9, 13]
    assert clock.minute.tolist() == [55, 30, 55, 0, 0, 37]
    assert clock.weekday.tolist() == [4, 4, 4, 4, 0, 0]
    assert clock.day_of_month.tolist() == [24, 8, 8, 8, 11, 11]
    assert clock.month.tolist() == [11, 3, 3, 3, 3, 3]
    assert clock.year.tolist() == [2023, 2024, 2024, 2024, 2024, 2024]


def test_a_daily_bar_opens_with_its_session_on_the_date_it_is_named_by():
    ts = np.array([ns("2023-11-24T00:00"), ns("2024-03-11T00:00")])
    clock = clock_read(ts, calendar("XNYS", ts), timeframe_parse("1d"))
    assert (clock.hour.tolist(), clock.minute.tolist()) == ([9, 9], [30, 30])
    assert clock.since_open.tolist() == [0, 0]
    assert clock.to_close.tolist() == [210, 390]
    assert clock.weekday.tolist() == [4, 0]
    assert clock.day_of_month.tolist() == [24, 11]


def test_the_clock_around_the_clock():
    ts = spaced("2024-01-06T23:00", "2024-01-08T01:00", 60)
    clock = clock_read(ts, calendar("24/7", ts), timeframe_parse("1h"))
    assert clock.since_open[:3].tolist() == [23 * 60, 0, 60]
    assert clock.weekday[:2].tolist() == [5, 6]
    evening = clock_read(ts, calendar("24/5", ts), timeframe_parse("1h"))
    # Sunday at 22:00 belongs to Monday, which opens two hours later.
    assert evening.since_open[23] == -120
    assert evening.session[23] == np.datetime64("2024-01-08").astype(np.int64)


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(ns("1950-01-01") // 10**9, ns("2060-01-01") // 10**9),
    steps=st.lists(st.integers(1, 40 * 86_400), max_size=30),
)
def test_offsets_are_those_of_the_zone(zone, start, steps):
    moments = [datetime.fromtimestamp(start, UTC)]
    for step in steps:
        moments.append(moments[-1] + timedelta(seconds=step))
    ts = np.array([(int(one.timestamp()) * 10**9) for one in moments])
    expected = [one.astimezone(ZoneInfo(zone)).utcoffset().total_seconds() for one in moments]
    assert (utc_offsets(ts, zone) / 10**9).tolist() == expected


@pytest.mark.parametrize("zone", ZONES)
def test_local_times_are_those_of_the_zone_also_where_there_are_two_or_none(zone):
    # Every hour of two years: gaps, repetitions and a day that Samoa left out are among them.
    hours = np.arange(ns("2011-01-01T00:00"), ns("2013-01-01T00:00"), 3_600 * 10**9)
    found = local_to_utc(hours, zone)
    naive = [datetime.fromtimestamp(int(one) // 10**9, UTC) for one in hours]
    expected = [int(one.replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9 for one in naive]
    assert found.tolist() == expected


def test_days_begin_at_local_midnight():
    days = np.array(["2024-03-10", "2024-03-11"], "datetime64[D]").astype(np.int64)
    assert said(local_midnights(days, NEW_YORK)) == ["2024-03-10 05:00", "2024-03-11 04:00"]


def test_bars_are_over_at_their_end_or_the_sessions_close():
    ts = np.array(
        [ns(f"2023-11-24T{clock}", NEW_YORK) for clock in ("09:00", "12:00", "12:30", "14:00")]
    )
    ends = bar_ends(ts, calendar("XNYS", ts), timeframe_parse("1h"))
    assert [text[-5:] for text in said(ends, NEW_YORK)] == ["10:00", "13:00", "13:00", "15:00"]
    days = np.array([ns(f"2023-11-{day}T00:00") for day in (22, 23, 24)])
    ends = bar_ends(days, calendar("XNYS", days), timeframe_parse("1d"))
    # The 23rd is Thanksgiving, which the calendar knows as no session.
    assert said(ends, NEW_YORK) == ["2023-11-22 16:00", "2023-11-24 00:00", "2023-11-24 13:00"]
    weeks = np.array([ns("2023-11-20T00:00")])
    assert said(bar_ends(weeks, calendar("XNYS", weeks), timeframe_parse("1w")), NEW_YORK) == [
        "2023-11-24 13:00"
    ]


def test_what_ends_at_the_same_moment_is_known():
    closed = bars_closed(np.array([10, 20, 20, 40]), np.array([5, 10, 15, 20, 39, 40, 99]))
    assert closed.tolist() == [-1, 0, 0, 2, 2, 3, 3]
    carried = values_carry(np.array([1.0, 2.0, 3.0, 4.0]), closed)
    np.testing.assert_array_equal(carried, [np.nan, 1, 1, 3, 3, 4, 4])
    assert values_carry(np.array([True] * 4), closed).tolist() == [False] + [True] * 6
    assert values_carry(np.asarray(7.0), closed).ndim == 0
    assert bars_closed(np.array([], dtype=np.int64), np.array([1, 2])).tolist() == [-1, -1]
