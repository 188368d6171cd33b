"""Coarser bars from finer ones, by the sessions of real exchanges."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from core.engine.bars import Bars
from core.errors import InvalidInput
from market.archive import history_store
from market.calendars import sessions_for
from market.history import History
from market.intervals import interval_get
from market.models import Instrument
from market.resampling import finer_names
from market.store import bars_read

MINUTE = 60 * 10**9


def store(instrument, ts, interval, *, factor=None, provider="sample", **kwargs):
    close = 100.0 + np.arange(len(ts)) % 50
    bars = Bars.from_arrays(
        ts=ts, open=close, high=close + 1, low=close - 1, close=close + 0.5, volume=np.ones(len(ts))
    )
    return history_store(
        instrument=instrument,
        interval=interval_get(interval),
        provider=provider,
        history=History.from_bars(bars, factor=factor),
        **kwargs,
    )


def half_hours(first: str, last: str) -> np.ndarray:
    bounds = [int(np.datetime64(day, "ns").astype(np.int64)) for day in (first, last)]
    sessions = sessions_for("XNYS", first_ts=bounds[0], last_ts=bounds[1])
    at = np.flatnonzero((sessions.opens >= bounds[0]) & (sessions.opens <= bounds[1]))
    return np.concatenate(
        [np.arange(sessions.opens[n], sessions.closes[n], 30 * MINUTE) for n in at]
    )


def times(bars: Bars) -> list[str]:
    return bars.ts.view("datetime64[ns]").astype("datetime64[m]").astype(str).tolist()


def test_an_interval_can_be_made_of_those_that_go_into_it():
    assert finer_names("1h") == ("1m", "2m", "3m", "5m", "15m", "30m")
    assert finer_names("5m") == ("1m",)
    assert finer_names("1m") == ()
    assert finer_names("1w")[-1] == "1d"
    assert "1w" not in finer_names("1mo")


def test_hours_begin_at_the_open_on_both_sides_of_a_clock_change_and_end_with_the_session(goog):
    # Clocks change on 2024-03-10: half past nine is 14:30 UTC before and 13:30 after.
    store(goog, half_hours("2024-03-08", "2024-03-12"), "30m")
    read = bars_read(symbol="GOOG", interval="1h")
    friday, monday = times(read.bars)[:7], times(read.bars)[7:14]
    assert friday[0] == "2024-03-08T14:30"
    assert friday[-1] == "2024-03-08T20:30"
    assert monday[0] == "2024-03-11T13:30"
    # Of the last half hour there is only one bar in its hour.
    assert read.bars.volume[:7].tolist() == [2, 2, 2, 2, 2, 2, 1]
    assert (read.interval, read.stored_interval) == ("1h", "30m")


def test_days_of_minutes_are_sessions_half_days_included(goog):
    store(goog, half_hours("2024-11-27", "2024-12-03"), "30m")
    bars = bars_read(symbol="GOOG", interval="1d").bars
    assert [moment[:10] for moment in times(bars)] == ["2024-11-27", "2024-11-29", "2024-12-02"]
    # Thirteen half hours, seven on the day after Thanksgiving.
    assert bars.volume.tolist() == [13, 7, 13]


def test_a_week_or_month_that_is_not_over_is_left_out(goog):
    days = np.arange("2024-01-02", "2024-02-15", dtype="datetime64[D]").astype(np.int64)
    sessions = sessions_for("XNYS", first_ts=0, last_ts=1_708_000_000 * 10**9)
    store(goog, days[np.isin(days, sessions.dates)] * 86_400 * 10**9, "1d")
    weeks = bars_read(symbol="GOOG", interval="1w").bars
    assert times(weeks)[0] == "2024-01-01T00:00"
    assert times(weeks)[-1] == "2024-02-05T00:00"
    # January has 21 sessions; Martin Luther King's day is none.
    assert weeks.volume.tolist() == [4, 5, 4, 5, 5, 5]
    months = bars_read(symbol="GOOG", interval="1mo").bars
    assert (times(months), months.volume.tolist()) == (["2024-01-01T00:00"], [21])


def test_coins_have_a_day_from_midnight_to_midnight_utc(db):
    bitcoin = Instrument.objects.create(symbol="BTC/USDT", calendar="24/7", timezone="UTC")
    first = int(datetime(2024, 2, 28, tzinfo=UTC).timestamp()) * 10**9
    store(bitcoin, first + np.arange(60, dtype=np.int64) * 60 * MINUTE, "1h")
    bars = bars_read(symbol="BTC/USDT", interval="1d").bars
    assert times(bars) == ["2024-02-28T00:00", "2024-02-29T00:00"]
    assert bars.volume.tolist() == [24, 24]


def test_prices_are_adjusted_before_they_are_put_together(goog):
    ts = half_hours("2024-01-02", "2024-01-05")
    store(goog, ts, "30m", factor=np.where(np.arange(len(ts)) < 13, 0.5, 1.0))
    raw = bars_read(symbol="GOOG", interval="1d", adjusted=False).bars
    adjusted = bars_read(symbol="GOOG", interval="1d").bars
    assert adjusted.close[0] == raw.close[0] * 0.5
    assert adjusted.close[1] == raw.close[1]


def test_a_bar_has_the_same_value_whatever_range_was_asked_for(goog):
    store(goog, half_hours("2024-01-02", "2024-01-20"), "30m")
    whole = bars_read(symbol="GOOG", interval="1d").bars
    part = bars_read(
        symbol="GOOG", interval="1d", start=date(2024, 1, 5), end=date(2024, 1, 10)
    ).bars
    at = int(np.searchsorted(whole.ts, part.ts[0]))
    assert len(part) == 4
    for name in ("ts", "open", "high", "low", "close", "volume"):
        assert getattr(part, name).tolist() == getattr(whole, name)[at : at + 4].tolist()


def test_stored_bars_of_the_interval_come_before_made_ones_and_coarse_ones_before_fine(goog):
    store(goog, half_hours("2024-01-02", "2024-02-20"), "30m")
    store(goog, half_hours("2024-01-02", "2024-02-20")[::2], "15m", provider="csv")
    assert bars_read(symbol="GOOG", interval="1h").stored_interval == "30m"
    day = int(datetime(2024, 1, 2, tzinfo=UTC).timestamp()) * 10**9
    store(goog, np.array([day]), "1d")
    only = bars_read(symbol="GOOG", interval="1d")
    assert (len(only.bars), only.stored_interval) == (1, None)
    # Where the stored ones have nothing in the range, made ones do.
    later = bars_read(symbol="GOOG", interval="1d", start=date(2024, 2, 1), end=date(2024, 2, 2))
    assert (len(later.bars), later.stored_interval) == (2, "30m")


def test_a_run_reads_made_bars_again_by_the_hash_of_the_stored_ones(goog):
    store(goog, half_hours("2024-01-02", "2024-01-10"), "30m")
    before = bars_read(symbol="GOOG", interval="1h")
    store(goog, half_hours("2024-01-02", "2024-01-20"), "30m")
    again = bars_read(symbol="GOOG", interval="1h", snapshot=before.snapshot)
    assert again.bars.ts.tolist() == before.bars.ts.tolist()
    assert len(bars_read(symbol="GOOG", interval="1h").bars) > len(before.bars)


def test_finer_bars_than_stored_are_not_made_up(goog):
    store(goog, half_hours("2024-01-02", "2024-01-10"), "30m")
    with pytest.raises(InvalidInput, match="no 5m bars, only 30m"):
        bars_read(symbol="GOOG", interval="5m")
    store(goog, half_hours("2024-01-02", "2024-01-03"), "30m", replace=True)
    with pytest.raises(InvalidInput, match="single whole 1mo bar"):
        bars_read(symbol="GOOG", interval="1mo")
