"""Indicators of our own on ranges, swings and volume against pandas and numbers made by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from core.indicators.registry import compute, indicator_get, params_bind


def run(name, inputs, **params):
    spec = indicator_get(name)
    given = {key: np.asarray(column, dtype=float) for key, column in inputs.items()}
    return compute(spec, given, params_bind(spec, params))


def equal(actual, expected):
    filled = ~np.isnan(actual)
    assert filled.sum() > 200
    np.testing.assert_allclose(actual[filled], np.asarray(expected)[filled], rtol=1e-8, atol=1e-8)


def true_range(frame):
    before = frame["close"].shift(1)
    sides = [frame["high"] - frame["low"], frame["high"] - before, frame["low"] - before]
    return pd.concat([side.abs() for side in sides], axis=1).max(axis=1).where(before.notna())


@pytest.fixture(scope="module")
def frame(bars):
    return pd.DataFrame(bars)


def test_choppiness_is_low_in_a_line_and_high_in_a_saw():
    line = np.arange(50.0)
    straight = run("choppiness", {"high": line + 0.5, "low": line - 0.5, "close": line})["value"]
    # 14 true ranges of 1.5 over a distance of 14
    assert straight[-1] == pytest.approx(100 * math.log10(21 / 14) / math.log10(14))
    saw = line % 2
    jagged = run("choppiness", {"high": saw + 0.5, "low": saw - 0.5, "close": saw})["value"]
    assert jagged[-1] == pytest.approx(100 * math.log10(21 / 2) / math.log10(14))
    flat = {name: np.full(30, 0.1) for name in ("high", "low", "close")}
    assert run("choppiness", flat)["value"][-1] == pytest.approx(100.0)


def test_the_squeeze_is_on_while_deviations_stay_inside_the_range(bars, frame):
    middle = (frame["high"].rolling(20).max() + frame["low"].rolling(20).min()) / 2
    mean = frame["close"].rolling(20).mean()
    away = frame["close"] - (middle + mean) / 2

    def line_end(window):
        slope, start = np.polyfit(np.arange(20), window, 1)
        return start + slope * 19

    lines = run("squeeze", bars)
    equal(lines["momentum"], away.rolling(20).apply(line_end, raw=True))
    inside = 2 * frame["close"].rolling(20).std(ddof=0) < 1.5 * true_range(frame).rolling(20).mean()
    equal(lines["on"], inside.astype(float))
    assert 0.0 < np.nanmean(lines["on"]) < 1.0


def test_chande_kroll_stops_stand_off_the_extremes():
    close = np.arange(100.0, 130.0)
    stops = run(
        "chande_kroll_stop",
        {"high": close + 1, "low": close - 1, "close": close},
        period=3,
        multiplier=2,
        stop_period=2,
    )
    # true range 2; last bars: high 130, low of three bars 126, of the bar before 129 and 125
    assert stops["short"][-1] == pytest.approx(130 - 4)
    assert stops["long"][-1] == pytest.approx(125 + 4)
    assert [int(np.isnan(stop).sum()) for stop in stops.values()] == [4, 4]


def test_classic_pivots_come_from_the_bar_before():
    inputs = {"high": [12.0, 99.0], "low": [8.0, 1.0], "close": [10.0, 50.0]}
    levels = {name: value[1] for name, value in run("pivots", inputs).items()}
    assert levels == {"pivot": 10, "r1": 12, "r2": 14, "r3": 16, "s1": 8, "s2": 6, "s3": 4}


def test_fibonacci_and_camarilla_pivots_are_shares_of_the_range():
    inputs = {"high": [12.0, 99.0], "low": [8.0, 1.0], "close": [11.5, 50.0]}
    fibonacci = [value[1] for value in run("pivots", inputs, kind="fibonacci").values()]
    pivot = 31.5 / 3
    expected = [0, 4 * 0.382, 4 * 0.618, 4, -4 * 0.382, -4 * 0.618, -4]
    assert fibonacci == pytest.approx([pivot + step for step in expected])
    camarilla = [value[1] for value in run("pivots", inputs, kind="camarilla").values()]
    steps = [4.4 / 12, 4.4 / 6, 4.4 / 4]
    levels = [11.5 + step for step in steps] + [11.5 - step for step in steps]
    assert camarilla == pytest.approx([pivot, *levels])


def test_a_swing_level_appears_once_it_is_confirmed_and_holds():
    inputs = {"high": [1, 2, 5, 3, 2, 4, 3, 9], "low": [0, 1, 2, 1.5, 0.5, 2, 2, 3]}
    levels = run("swing_levels", inputs, left=1, right=1)
    # the high of bar 2 is known at bar 3, that of bar 5 at bar 6; the low of bar 4 at bar 5
    assert levels["high"][2:].tolist() == [5, 5, 5, 5, 4, 4]
    assert levels["low"][2:].tolist() == [0, 0, 0, 0.5, 0.5, 0.5]
    assert np.isnan(levels["high"][:2]).all()


def test_the_swing_index_takes_wilders_three_cases():
    inputs = {
        "open": [10.0, 12.0, 9.0, 10.0],
        "high": [11.0, 14.0, 9.5, 12.0],
        "low": [9.0, 11.5, 8.0, 8.0],
        "close": [10.5, 13.0, 8.5, 9.0],
    }
    value, sign = run("swing_index", inputs, limit=3).values()
    # bar 1: up 3.5 is largest, down 1: R = 3.5 - 0.5 + 0.125; moved 2.5 + 0.5 + 0.125
    first = 50 * 3.125 / 3.125 * 3.5 / 3
    # bar 2: down 5 is largest, up 3.5: R = 5 - 1.75 + 0.25; moved -4.5 - 0.25 + 0.25
    second = 50 * -4.5 / 3.5 * 5 / 3
    # bar 3: range 4 is largest: R = 4 + 0.125; moved 0.5 - 0.5 - 0.125, up 3.5
    third = 50 * -0.125 / 4.125 * 3.5 / 3
    assert value[1:].tolist() == pytest.approx([first, second, third])
    assert sign[1:].tolist() == [1, -1, -1]
    assert run("asi", inputs, limit=3)["value"][1:].tolist() == pytest.approx(
        np.cumsum([first, second, third]).tolist()
    )


def test_klinger_counts_volume_against_a_falling_price(bars, frame):
    price = frame["high"] + frame["low"] + frame["close"]
    force = frame["volume"].where(price.diff() >= 0, -frame["volume"])[1:]

    def ema(series, period):
        seeded = series.iloc[period - 1 :].copy()
        seeded.iloc[0] = series.iloc[:period].mean()
        return seeded.ewm(span=period, adjust=False).mean()

    line = (ema(force, 34) - ema(force, 55)).dropna()
    lines = run("klinger", bars)
    equal(lines["klinger"], line.reindex(frame.index))
    equal(lines["signal"], ema(line, 13).reindex(frame.index))


def test_ease_of_movement_ignores_bars_without_volume():
    inputs = {"high": [3.0, 5.0, 6.0], "low": [1.0, 3.0, 2.0], "volume": [1.0, 4.0, 0.0]}
    value = run("emv", inputs, period=2, divisor=2)["value"]
    assert np.isnan(value[:2]).all()
    assert value[2] == pytest.approx((2 * 2 * 2 / 4 + 0) / 2)
    idle = run("emv", inputs | {"volume": [0.0, 4.0, 0.0]}, period=2, divisor=2)["value"]
    np.testing.assert_array_equal(idle, value)  # the first bar has no move, whatever its volume


def test_rolling_vwap_is_the_plain_mean_without_volume():
    price = np.array([2.0, 4.0, 9.0, 5.0])
    inputs = dict.fromkeys(("high", "low", "close"), price)
    value = run("rolling_vwap", inputs | {"volume": np.array([1.0, 3.0, 0.0, 0.0])}, period=2)
    assert value["value"][1:].tolist() == pytest.approx([14 / 4, 4.0, 7.0])
