"""When watched series are downloaded, by calendars read off the exchanges' own pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from market.due import due_next, due_since
from market.models import BarSeries, Instrument, Watch


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stored(last: str, *, interval: str, calendar: str = "XNYS", zone: str = "America/New_York"):
    instrument = Instrument(symbol="X", calendar=calendar, timezone=zone)
    return BarSeries(instrument=instrument, interval=interval, last_ts=at(last))


COINS = {"calendar": "24/7", "zone": "UTC"}


@pytest.mark.parametrize(
    ("series", "since"),
    [
        # Good Friday is closed: Monday's day ends at 16:00 in New York, four hours off.
        (stored("2024-03-28", interval="1d"), "2024-04-01T20:01:00"),
        # The day after Thanksgiving ends at 13:00: its last hour has thirty minutes.
        (stored("2024-11-29T16:30", interval="1h"), "2024-11-29T18:00:02"),
        # That was the last: the next hour begins on Monday at 9:30, five hours off.
        (stored("2024-11-29T17:30", interval="1h"), "2024-12-02T15:30:02"),
        (stored("2024-03-09T23:59", interval="1m", **COINS), "2024-03-10T00:01:02"),
        (stored("2024-03-09", interval="1d", **COINS), "2024-03-11T00:00:02"),
    ],
)
def test_a_series_is_due_when_the_bar_after_its_last_is_over(series, since):
    assert due_since(Watch(), series) == at(since)


def test_a_bar_that_is_not_there_is_asked_for_ever_more_seldom():
    watch, series = Watch(), stored("2024-03-09T12:00", interval="1m", **COINS)
    due = at("2024-03-09T12:02:02")
    for overdue, wait in [(0, 5), (8, 5), (20, 10), (600, 300), (7200, 3600), (90_000, 3600)]:
        now = due + timedelta(seconds=overdue)
        assert due_next(watch, series, now=now) == now + timedelta(seconds=wait)
    assert due_next(watch, series, now=due - timedelta(seconds=1)) == due


def test_a_series_that_never_came_is_asked_for_since_it_is_watched():
    watch = Watch(created_at=at("2024-03-09T12:00"))
    now = at("2024-03-09T12:01")
    assert due_next(watch, None, now=now) == now + timedelta(seconds=30)


def test_a_period_goes_by_the_clock_whatever_the_calendar_says():
    now = at("2024-03-30T12:00")
    assert due_next(Watch(every_s=90), stored("2024-03-28", interval="1d"), now=now) == at(
        "2024-03-30T12:01:30"
    )
