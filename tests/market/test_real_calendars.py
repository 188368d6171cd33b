"""Bars of real exchanges through the weeks in which calendars go wrong, from the store outwards.

The minutes on which an exchange trades are those of exchange_calendars itself, asked another way
than the product asks: the product knows sessions, this asks for single minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import exchange_calendars
import numpy as np
import pandas as pd
import pytest

from core.engine.bars import Bars
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.models import BarSeries, Instrument
from market.reports import report_ensure
from market.store import bars_read

MINUTE = 60 * 10**9
STEP = 5


@dataclass(frozen=True)
class Exchange:
    """A calendar, its zone, a week that breaks things, and what is special in it.

    `days` are the sessions of the week with the first and last five minutes of each, UTC.
    """

    name: str
    zone: str
    days: dict[str, tuple[str, str]]


NEW_YORK = "America/New_York"
WEEKS = {
    "New York puts its clocks forward": Exchange(
        "XNYS",
        NEW_YORK,
        {"2024-03-08": ("14:30", "20:55"), "2024-03-11": ("13:30", "19:55")},
    ),
    "New York puts them back": Exchange(
        "XNYS",
        NEW_YORK,
        {"2024-11-01": ("13:30", "19:55"), "2024-11-04": ("14:30", "20:55")},
    ),
    "New York gives thanks": Exchange(
        "XNYS",
        NEW_YORK,
        {"2024-11-27": ("14:30", "20:55"), "2024-11-29": ("14:30", "17:55")},
    ),
    "a leap day in New York": Exchange(
        "XNYS",
        NEW_YORK,
        {
            "2024-02-28": ("14:30", "20:55"),
            "2024-02-29": ("14:30", "20:55"),
            "2024-03-01": ("14:30", "20:55"),
        },
    ),
    "London puts its clocks forward at Easter": Exchange(
        "XLON",
        "Europe/London",
        # Good Friday and Easter Monday; the clocks change on the Sunday between.
        {"2024-03-28": ("08:00", "16:25"), "2024-04-02": ("07:00", "15:25")},
    ),
    "Christmas in London": Exchange(
        "XLON",
        "Europe/London",
        {
            "2024-12-23": ("08:00", "16:25"),
            "2024-12-24": ("08:00", "12:25"),
            "2024-12-27": ("08:00", "16:25"),
        },
    ),
    "Frankfurt puts its clocks back": Exchange(
        "XETR",
        "Europe/Berlin",
        {"2024-10-25": ("07:00", "15:25"), "2024-10-28": ("08:00", "16:25")},
    ),
    "Labour Day in Frankfurt": Exchange(
        "XETR",
        "Europe/Berlin",
        {"2024-04-30": ("07:00", "15:25"), "2024-05-02": ("07:00", "15:25")},
    ),
    "Tokyo trades half an hour longer after a holiday": Exchange(
        "XTKS",
        "Asia/Tokyo",
        # Culture Day on Monday the 4th; until 15:30 from the 5th on; lunch from 11:30 to 12:30.
        {"2024-11-01": ("00:00", "05:55"), "2024-11-05": ("00:00", "06:25")},
    ),
    "coins while others change their clocks": Exchange(
        "24/7",
        "UTC",
        dict.fromkeys(("2024-03-09", "2024-03-10", "2024-03-11"), ("00:00", "23:55")),
    ),
    "coins on a leap day": Exchange(
        "24/7", "UTC", dict.fromkeys(("2024-02-28", "2024-02-29"), ("00:00", "23:55"))
    ),
}


def opens(exchange: Exchange) -> np.ndarray:
    """When bars of five minutes open, minute by minute as the exchange trades."""
    first, last = min(exchange.days), max(exchange.days)
    calendar = exchange_calendars.get_calendar(exchange.name, side="left")
    minutes = calendar.minutes_in_range(f"{first} 00:00", f"{last} 23:59")
    ts = pd.DatetimeIndex(minutes).tz_localize(None).as_unit("ns").asi8
    return ts[ts % (STEP * MINUTE) == 0]


@pytest.fixture(params=list(WEEKS))
def week(request, db) -> Exchange:
    exchange = WEEKS[request.param]
    instrument = Instrument.objects.create(
        symbol="ANY", calendar=exchange.name, timezone=exchange.zone
    )
    ts = opens(exchange)
    count = np.arange(len(ts))
    close = 100 + count % 7 / 10
    bars = Bars.from_arrays(
        ts=ts, open=close, high=close + 1, low=close - 1, close=close, volume=np.ones(len(ts))
    )
    history_store(
        instrument=instrument,
        interval=interval_get("5m"),
        provider="sample",
        history=History.from_bars(bars),
    )
    return exchange


def shown(ts: np.ndarray) -> list[str]:
    return ts.view("datetime64[ns]").astype("datetime64[m]").astype(str).tolist()


def test_the_bars_of_the_week_are_those_of_its_sessions(week):
    at = shown(bars_read(symbol="ANY", interval="5m").bars.ts)
    days = sorted({moment[:10] for moment in at})
    assert {
        day: (min(times)[11:], max(times)[11:])
        for day in days
        for times in [[moment for moment in at if moment[:10] == day]]
    } == week.days


def test_nothing_is_missing_in_the_week_and_nothing_too_much(week):
    report = report_ensure(BarSeries.objects.get())
    assert (report.counts, report.severity) == ({}, "ok")


def test_a_day_is_made_of_each_session_and_has_all_of_its_bars(week):
    fine = bars_read(symbol="ANY", interval="5m").bars
    days = bars_read(symbol="ANY", interval="1d").bars
    assert [moment[:10] for moment in shown(days.ts)] == list(week.days)
    by_day = [moment[:10] for moment in shown(fine.ts)]
    assert days.volume.tolist() == [by_day.count(day) for day in week.days]
    assert days.open.tolist() == [fine.open[by_day.index(day)] for day in week.days]


def test_hours_begin_with_the_session_and_lose_no_bar(week):
    fine = bars_read(symbol="ANY", interval="5m").bars
    hours = bars_read(symbol="ANY", interval="1h").bars
    at = shown(hours.ts)
    assert {day: min(moment for moment in at if moment[:10] == day)[11:] for day in week.days} == {
        day: first for day, (first, _) in week.days.items()
    }
    assert hours.volume.sum() == len(fine)
    assert hours.volume.max() == 12


def test_a_range_of_one_day_is_its_whole_session(week):
    for day, (first, last) in week.days.items():
        bars = bars_read(
            symbol="ANY",
            interval="5m",
            start=pd.Timestamp(day).date(),
            end=pd.Timestamp(day).date(),
        ).bars
        assert (shown(bars.ts)[0], shown(bars.ts)[-1]) == (f"{day}T{first}", f"{day}T{last}")


def test_an_hour_that_is_missing_after_lunch_in_tokyo_is_a_hole_and_lunch_is_none(db):
    exchange = WEEKS["Tokyo trades half an hour longer after a holiday"]
    instrument = Instrument.objects.create(symbol="ANY", calendar="XTKS", timezone=exchange.zone)
    ts = opens(exchange)
    # 12:30 to 13:30 of the 1st: lunch and the hour after it are one gap of two hours.
    gone = (ts >= pd.Timestamp("2024-11-01 03:30").value) & (
        ts < pd.Timestamp("2024-11-01 04:30").value
    )
    ones = np.full(int((~gone).sum()), 100.0) + np.arange((~gone).sum()) % 5
    series = history_store(
        instrument=instrument,
        interval=interval_get("5m"),
        provider="sample",
        history=History.from_bars(
            Bars.from_arrays(
                ts=ts[~gone], open=ones, high=ones + 1, low=ones - 1, close=ones, volume=ones
            )
        ),
    )
    report = report_ensure(series)
    assert report.counts == {"hole": 1}
    assert report.findings[0]["bars"] == 12
