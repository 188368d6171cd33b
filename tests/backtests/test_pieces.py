"""The small parts: thinning, periods, columns, cells, batch files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.backtests.batches import batch_read, content_key
from core.backtests.columns import columns_pack, columns_unpack
from core.backtests.exports import csv_bytes, csv_cell
from core.backtests.periods import bars_per_year, sessions_per_year_guess
from core.backtests.thin import thin
from core.backtests.times import iso_times
from core.errors import InvalidInput

DAY = 86_400_000_000_000
MONDAY = int(np.datetime64("2020-01-06", "ns").astype(np.int64))


def test_a_spike_of_one_bar_survives_thinning():
    values = np.ones(10_000)
    values[4321], values[8765] = 50, -50
    rows = thin([values], 100)
    assert len(rows) <= 100
    assert {0, 4321, 8765, 9999} <= set(rows.tolist())


def test_few_points_are_all_kept():
    assert thin([np.arange(5.0)], 10).tolist() == [0, 1, 2, 3, 4]


@given(
    hnp.arrays(np.float64, st.integers(0, 400), elements=st.floats(-1e6, 1e6) | st.just(np.nan)),
    st.integers(10, 100),
)
def test_thinning_keeps_order_ends_and_extremes(values, points):
    rows = thin([values], points)
    assert len(rows) <= points
    assert (np.diff(rows) > 0).all()
    if len(values):
        assert (rows[0], rows[-1]) == (0, len(values) - 1)
    if not np.isnan(values).all():
        assert np.nanmax(values[rows]) == np.nanmax(values)
        assert np.nanmin(values[rows]) == np.nanmin(values)


def weekdays(weeks):
    days = [week * 7 + day for week in range(weeks) for day in range(5)]
    return MONDAY + np.array(days) * DAY


@pytest.mark.parametrize(
    ("ts", "sessions", "expected"),
    [
        (weekdays(10), 252, 252),
        (MONDAY + np.arange(50) * DAY, 365, 365),
        ((weekdays(10)[:, None] + np.arange(7) * DAY // 24).ravel(), 252, 252 * 7),
        (MONDAY + np.arange(48 * 20) * DAY // 48, 365, 365 * 48),
        (MONDAY + np.arange(30) * 7 * DAY, 252, 365.25 / 7),
        (np.array([MONDAY]), 252, 252),
    ],
)
def test_a_year_has_as_many_bars_as_its_sessions_hold(ts, sessions, expected):
    assert bars_per_year(ts, sessions_per_year=sessions) == pytest.approx(expected)


def test_bars_on_saturdays_mean_a_market_that_never_closes():
    assert sessions_per_year_guess(weekdays(3)) == 252
    assert sessions_per_year_guess(MONDAY + np.arange(7) * DAY) == 365


def test_columns_come_back_bit_by_bit():
    columns = {
        "ts": np.array([1, 2, 3]),
        "line": np.array([np.nan, -0.0, 1e-310]),
        "side": np.array([1, -1, 1], dtype=np.int8),
    }
    back = columns_unpack(columns_pack(columns))
    assert list(back) == list(columns)
    for name, values in columns.items():
        assert back[name].dtype == values.dtype
        assert back[name].tobytes() == values.tobytes()
    assert columns_pack(columns) == columns_pack(columns)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@cmd", "\tx", "\rx"])
def test_a_text_that_a_spreadsheet_would_run_gets_a_quote(text):
    assert csv_cell(text) == f"'{text}"


def test_numbers_stay_numbers_and_nothing_is_an_empty_cell():
    assert (csv_cell(-1.5), csv_cell(float("nan")), csv_cell("long")) == ("-1.5", "", "long")
    rows = csv_bytes({"a": np.array([0.1, -2.0]), "b": ["=x", "y"]}).decode().splitlines()
    assert rows == ["a,b", "0.1,'=x", "-2.0,y"]


def test_times_are_written_in_utc_with_microseconds():
    assert iso_times(np.array([MONDAY + 1_500_000])) == ["2020-01-06T00:00:00.001500Z"]


def test_a_batch_file_shares_its_defaults_and_drops_repetitions(tmp_path):
    path = tmp_path / "batch.yaml"
    path.write_text(
        "defaults: {capital: 1000, start: 2020-01-01}\n"
        "runs:\n- {ticker: A}\n- {ticker: B, capital: 5}\n- {ticker: A}\n"
    )
    entries = batch_read(path)
    assert [entry.form for entry in entries] == [
        {"capital": 1000, "start": "2020-01-01", "ticker": "A"},
        {"capital": 5, "start": "2020-01-01", "ticker": "B"},
    ]
    assert [entry.number for entry in entries] == [1, 2]


def test_a_csv_batch_goes_down_at_dots_and_reads_json_there(tmp_path):
    path = tmp_path / "batch.csv"
    path.write_text(
        "ticker,strategy,parameters.fast,config.commission.percent,name\nA,sma_cross,5,0.001,\n"
    )
    assert batch_read(path)[0].form == {
        "ticker": "A",
        "strategy": "sma_cross",
        "parameters": {"fast": 5},
        "config": {"commission": {"percent": 0.001}},
    }


@pytest.mark.parametrize("text", ["{", "just text", "runs: 5", "- 1", "runs:\n- x"])
def test_a_file_that_is_no_batch_is_refused(tmp_path, text):
    path = tmp_path / "batch.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"batch\.yaml"):
        batch_read(path)


def test_the_name_of_an_entry_does_not_depend_on_the_order_of_its_keys():
    form = {"a": 1, "b": {"c": 2, "d": 3}}
    assert content_key(form) == content_key(json.loads('{"b": {"d": 3, "c": 2}, "a": 1}'))
    assert content_key(form) != content_key({"a": 1})
