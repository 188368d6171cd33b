"""Momentum oscillators of our own against pandas and numbers made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.indicators.registry import compute, indicator_get, params_bind


def run(name, inputs, **params):
    spec = indicator_get(name)
    return compute(spec, inputs, params_bind(spec, params))


def ema(series, period):
    """The exponential average seeded by the first simple one."""
    first = series.first_valid_index() + period - 1
    seeded = series.copy()
    seeded[:first] = np.nan
    seeded[first] = series[first - period + 1 : first + 1].mean()
    return seeded.ewm(alpha=2 / (period + 1), adjust=False).mean()


def rsi(series, period):
    step = series.diff()

    def wilder(side):
        seeded = side.copy()
        seeded[:period] = np.nan
        seeded[period] = side[1 : period + 1].mean()
        return seeded.ewm(alpha=1 / period, adjust=False).mean()

    up, down = wilder(step.clip(lower=0)), wilder((-step).clip(lower=0))
    return 100 * up / (up + down)


def place(series, period):
    low, high = series.rolling(period).min(), series.rolling(period).max()
    return (series - low) / (high - low)


def equal(actual, expected):
    filled = ~np.isnan(actual)
    assert filled.sum() > 200
    np.testing.assert_allclose(actual[filled], np.asarray(expected)[filled], rtol=1e-8, atol=1e-8)


@pytest.fixture(scope="module")
def frame(bars):
    return pd.DataFrame(bars)


def test_kst_adds_four_smoothed_changes_with_growing_weights(bars, frame):
    close = frame["close"]
    pairs = ((10, 10), (15, 10), (20, 10), (30, 15))
    line = sum(
        weight * (100 * close.pct_change(change)).rolling(smoothing).mean()
        for weight, (change, smoothing) in enumerate(pairs, 1)
    )
    lines = run("kst", bars)
    equal(lines["kst"], line)
    equal(lines["signal"], line.rolling(9).mean())


def test_the_derivative_oscillator_is_a_smoothed_rsi_less_its_average(bars, frame):
    smoothed = ema(ema(rsi(frame["close"], 14), 5), 3)
    equal(run("derivative_oscillator", bars)["value"], smoothed - smoothed.rolling(9).mean())


def test_connors_rsi_is_the_mean_of_its_three_parts(bars, frame):
    close = frame["close"]
    streak = [0.0]
    for step in np.sign(close.diff()[1:]):
        streak.append(0.0 if step == 0 else (streak[-1] if streak[-1] * step > 0 else 0.0) + step)
    change = close.pct_change()
    rank = 100 * change.rolling(51).apply(lambda w: (w[:-1] < w[-1]).mean(), raw=True)
    expected = (rsi(close, 3) + rsi(pd.Series(streak), 2) + rank) / 3
    equal(run("connors_rsi", bars, rank_period=50)["value"], expected)


def test_the_smoothed_stochastic_of_rsi_is_tradingviews_and_unsmoothed_it_is_talibs(bars, frame):
    k = 100 * place(rsi(frame["close"], 14), 14).rolling(3).mean()
    lines = run("stochrsi_smoothed", bars)
    equal(lines["k"], k)
    equal(lines["d"], k.rolling(3).mean())
    plain = run("stochrsi_smoothed", bars, period=14, k_period=5, k_smoothing=1, d_period=3)
    theirs = run("stochrsi", bars, period=14, k_period=5, d_period=3)
    np.testing.assert_allclose(plain["k"], theirs["k"], atol=1e-9)


def test_the_schaff_cycle_keeps_its_place_where_the_range_is_empty(bars, frame):
    close = frame["close"]
    line = ema(close, 5) - ema(close, 12)
    for _ in range(2):
        stochastic = (100 * place(line, 6)).ffill()
        line = stochastic.ewm(alpha=0.5, adjust=False).mean()
    equal(run("stc", bars, fast=5, slow=12, period=6)["value"], line)
    swapped = run("stc", bars, fast=12, slow=5, period=6)["value"]
    np.testing.assert_array_equal(swapped, run("stc", bars, fast=5, slow=12, period=6)["value"])
    flat = run("schaff", {"source": np.full(90, 7.7)}, fast=5, slow=12, period=6)["value"]
    assert (flat[21:] == 50.0).all()


def test_demarker_weighs_rising_highs_against_falling_lows():
    inputs = {"high": np.array([5.0, 7.0, 6.0, 6.5]), "low": np.array([3.0, 4.0, 2.0, 2.0])}
    value = run("demarker", inputs, period=2)["value"]
    # rises 2, 0, 0.5; falls 0, 2, 0
    assert np.isnan(value[:2]).all()
    assert value[2:].tolist() == pytest.approx([2 / 4, 0.5 / 2.5])


def test_internal_bar_strength_is_half_in_a_bar_without_range():
    inputs = {"high": [4.0, 5.0], "low": [2.0, 5.0], "close": [3.5, 5.0]}
    value = run("ibs", {name: np.array(column) for name, column in inputs.items()})["value"]
    assert value.tolist() == [0.75, 0.5]


def test_the_premier_stochastic_bends_a_smoothed_stochastic(bars, frame):
    low, high = frame["low"].rolling(8).min(), frame["high"].rolling(8).max()
    smooth = ema(ema(0.1 * (100 * (frame["close"] - low) / (high - low) - 50), 5), 5)
    equal(run("pso", bars)["value"], (np.exp(smooth) - 1) / (np.exp(smooth) + 1))


def test_relative_vigor_is_bodies_over_ranges(bars, frame):
    def weighted(series):
        return (series + 2 * series.shift(1) + 2 * series.shift(2) + series.shift(3)) / 6

    bodies = weighted(frame["close"] - frame["open"]).rolling(10).sum()
    line = bodies / weighted(frame["high"] - frame["low"]).rolling(10).sum()
    lines = run("relative_vigor_index", bars)
    equal(lines["rvgi"], line)
    equal(lines["signal"], weighted(line))


def test_wave_trend_measures_in_average_distances(bars, frame):
    price = (frame["high"] + frame["low"] + frame["close"]) / 3
    distance = price - ema(price, 10)
    line = ema(distance / (0.015 * ema(distance.abs(), 10)), 21)
    lines = run("wave_trend", bars)
    equal(lines["wave_trend"], line)
    equal(lines["signal"], line.rolling(4).mean())


@pytest.mark.parametrize("price", [0.1, 33.3, 123.45])
def test_a_halted_market_gives_no_wave_from_rounding(bars, price):
    halted = {k: np.concatenate([bars[k][:60], np.full(600, price)]) for k in bars}
    assert abs(run("wave_trend", halted)["wave_trend"][-1]) < 1e-6
    assert run("rvgi", halted)["rvgi"][-1] == 0.0
    assert run("demarker", halted)["value"][-1] == 0.5
    assert run("stochrsi_smoothed", halted)["k"][-1] == pytest.approx(50.0)
