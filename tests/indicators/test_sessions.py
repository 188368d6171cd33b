"""Session VWAP, ranges and levels by hand, and against pandas grouped by day."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from core.indicators.registry import compute, indicator_get, params_bind

NAN = np.nan


def run(name, inputs, **params):
    spec = indicator_get(name)
    given = {key: np.asarray(column, dtype=float) for key, column in inputs.items()}
    return compute(spec, given, params_bind(spec, params))


def days(*dates):
    return (np.array(dates, dtype="datetime64[D]") - np.datetime64("1970-01-01")).astype(float)


@pytest.fixture
def two_days():
    """Three bars of ten minutes each on two days."""
    return {
        "high": [12.0, 15.0, 14.0, 20.0, 19.0, 23.0],
        "low": [9.0, 11.0, 8.0, 17.0, 16.0, 20.0],
        "close": [9.0, 13.0, 11.0, 17.0, 19.0, 23.0],
        "volume": [2.0, 6.0, 0.0, 0.0, 5.0, 15.0],
        "session": [100.0] * 3 + [101.0] * 3,
        "minute": [0.0, 10.0, 20.0] * 2,
    }


@pytest.fixture(scope="module")
def frame(bars):
    return pd.DataFrame(bars)


def test_session_vwap_begins_anew_with_each_session(two_days):
    lines = run("session_vwap", two_days, deviations=2)
    # typical prices 10, 13, 11 | 18, 18, 22; without volume so far: the price itself
    assert lines["value"].tolist() == pytest.approx([10, 12.25, 12.25, 18, 18, 21])
    # weights 1/4 and 3/4 of 10 and 13: variance 9 * 3/16; of 18 and 22: 16 * 3/16
    reach = [0, np.sqrt(27 / 16), np.sqrt(27 / 16), 0, 0, np.sqrt(3)]
    assert (lines["upper"] - lines["value"]).tolist() == pytest.approx([2 * r for r in reach])
    assert (lines["value"] - lines["lower"]).tolist() == pytest.approx([2 * r for r in reach])


def test_a_session_without_any_volume_has_the_plain_mean(two_days):
    idle = run("session_vwap", two_days | {"volume": [0.0] * 6})
    assert idle["value"].tolist() == pytest.approx([10, 11.5, 34 / 3, 18, 18, 58 / 3])
    assert idle["upper"][1] - idle["value"][1] == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("anchor", "key"),
    [
        ("session", lambda date: date),
        ("week", lambda date: (date.isocalendar().year, date.isocalendar().week)),
        ("month", lambda date: (date.year, date.month)),
        ("quarter", lambda date: (date.year, (date.month - 1) // 3)),
        ("year", lambda date: date.year),
    ],
)
def test_anchored_vwap_is_that_of_each_period_that_begins_in_the_data(bars, frame, anchor, key):
    # Every fifth day from Thursday 2022-11-10 on, four bars each: years, quarters, weeks change
    session = 19_306.0 + 5 * (np.arange(420) // 4)
    inputs = bars | {"session": session, "minute": np.arange(420) % 4 * 60.0}
    dates = pd.to_datetime(session, unit="D").date
    period = pd.Series([key(date) for date in dates])
    price = (frame["high"] + frame["low"] + frame["close"]) / 3
    volume = frame["volume"].groupby(period).cumsum()
    mean = (price * frame["volume"]).groupby(period).cumsum() / volume
    variance = (price**2 * frame["volume"]).groupby(period).cumsum() / volume - mean**2
    whole = (period != period[0]) | (anchor == "session")
    lines = run("anchored_vwap", inputs, anchor=anchor)
    np.testing.assert_allclose(lines["value"], mean.where(whole), rtol=1e-12)
    width = np.sqrt(variance.clip(lower=0)).where(whole)
    np.testing.assert_allclose(lines["upper"] - mean, width, atol=1e-5)
    assert period.nunique() > 2


def test_from_the_start_it_is_the_running_vwap_of_talib(bars):
    theirs = talib.VWAP(*(bars[name] for name in ("high", "low", "close", "volume")))
    value = run("session_vwap", bars, anchor="start")["value"]
    np.testing.assert_allclose(value, theirs, rtol=1e-12)


def test_a_date_anchors_it_at_the_first_session_from_then_on(bars):
    # Saturday 2024-02-03 is the sixth session's eve: bar 150 is the first of Monday
    value = run("session_vwap", bars, anchor="date", since=20240203)["value"]
    assert np.isnan(value[:150]).all()
    later = {name: column[150:] for name, column in bars.items()}
    np.testing.assert_array_equal(value[150:], run("avwap", later, anchor="start")["value"])
    assert np.isnan(run("session_vwap", bars, anchor="date", since=20990101)["value"]).all()
    # the last days of months, of a leap year, and the first of a year are told apart
    edges = days("2023-12-31", "2024-01-01", "2024-02-28", "2024-02-29", "2024-03-01")
    for at, since in enumerate((20231231, 20240101, 20240228, 20240229, 20240301)):
        few = {name: column[:5] for name, column in bars.items()} | {"session": edges}
        found = run("session_vwap", few, anchor="date", since=since)["value"]
        assert np.isnan(found).tolist() == [True] * at + [False] * (5 - at)


def test_the_session_range_grows_with_its_bars(two_days):
    lines = run("session_range", two_days)
    assert lines["high"].tolist() == [12, 15, 15, 20, 20, 23]
    assert lines["low"].tolist() == [9, 9, 8, 17, 16, 16]
    assert lines["range"].tolist() == [3, 6, 7, 3, 4, 7]


def test_the_previous_session_is_known_once_it_is_over(two_days):
    lines = run("previous_session", two_days)
    for name, level in (("high", 15.0), ("low", 8.0), ("close", 11.0)):
        np.testing.assert_array_equal(lines[name], [NAN] * 3 + [level] * 3)


def test_sessions_of_a_bar_have_the_bar_before_as_previous_session(bars):
    daily = bars | {"session": np.arange(420.0), "minute": np.zeros(420)}
    for name, line in run("previous_day", daily).items():
        np.testing.assert_array_equal(line[1:], bars[name][:-1])


def test_the_opening_range_is_there_once_its_minutes_are_over(two_days):
    lines = run("opening_range", two_days, minutes=20)
    np.testing.assert_array_equal(lines["high"], [NAN, NAN, 15, NAN, NAN, 20])
    np.testing.assert_array_equal(lines["low"], [NAN, NAN, 9, NAN, NAN, 16])
    np.testing.assert_array_equal(lines["range"], [NAN, NAN, 6, NAN, NAN, 4])
    # a bar counts if it opens within the minutes; after that, later bars change nothing
    lines = run("orb", two_days, minutes=5)
    np.testing.assert_array_equal(lines["high"], [NAN, 12, 12, NAN, 20, 20])


def test_bars_before_the_open_are_no_part_of_the_opening_range(two_days):
    early = two_days | {"minute": [-10.0, 0.0, 10.0, -20.0, -10.0, 30.0]}
    lines = run("opening_range", early, minutes=10)
    np.testing.assert_array_equal(lines["high"], [NAN, NAN, 15, NAN, NAN, NAN])
    # but they are part of the session
    assert run("session_range", early)["low"].tolist() == [9, 9, 8, 17, 16, 16]


def test_a_first_session_that_is_not_there_from_its_open_is_unknown(two_days):
    cut = {name: column[1:] for name, column in two_days.items()}
    for name in ("session_vwap", "session_range", "opening_range", "previous_session"):
        whole, late = run(name, two_days), run(name, cut)
        for output, line in late.items():
            assert np.isnan(line[:2]).all(), name
            expected = whole[output][3:] if name != "previous_session" else [NAN] * 3
            np.testing.assert_array_equal(line[2:], expected, err_msg=name)


def test_where_the_data_starts_changes_no_value_of_a_later_session(bars):
    late = {name: column[47:] for name, column in bars.items()}
    for name, first in (("session_vwap", 60), ("session_range", 60), ("opening_range", 60)):
        for output, line in run(name, bars).items():
            np.testing.assert_array_equal(run(name, late)[output][first - 47 :], line[first:])


def test_vwap_bands_keep_their_digits_at_high_prices(two_days):
    lifted = {
        name: np.array(column) + (1e9 if name in {"high", "low", "close"} else 0.0)
        for name, column in two_days.items()
    }
    lines = run("session_vwap", lifted)
    assert lines["upper"][5] - lines["value"][5] == pytest.approx(np.sqrt(3), rel=1e-6)
