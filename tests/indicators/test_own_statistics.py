"""Volatility and performance over a window against pandas and numbers made by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from core.indicators.registry import compute, indicator_get, lookback, params_bind
from core.indicators.rolling import rolling_sum, rolling_variance


def run(name, inputs, **params):
    spec = indicator_get(name)
    return compute(spec, inputs, params_bind(spec, params))["value"]


def equal(actual, expected):
    filled = ~np.isnan(actual)
    assert filled.sum() > 200
    np.testing.assert_allclose(actual[filled], np.asarray(expected)[filled], rtol=1e-8, atol=1e-10)


@pytest.fixture(scope="module")
def frame(bars):
    return pd.DataFrame(bars)


def estimates(frame, n):
    """The variance of a bar by each estimator."""
    o, h, lo, c = (np.log(frame[name]) for name in ("open", "high", "low", "close"))
    rs = ((h - c) * (h - o) + (lo - c) * (lo - o)).rolling(n).mean()
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    return {
        "close": c.diff().rolling(n).var(),
        "parkinson": ((h - lo) ** 2).rolling(n).mean() / (4 * math.log(2)),
        "garman_klass": ((h - lo) ** 2 / 2 - (2 * math.log(2) - 1) * (c - o) ** 2)
        .rolling(n)
        .mean(),
        "rogers_satchell": rs,
        "yang_zhang": (o - c.shift()).rolling(n).var()
        + k * (c - o).rolling(n).var()
        + (1 - k) * rs,
    }


@pytest.mark.parametrize(
    "estimator", ["close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang"]
)
def test_realised_volatility_is_the_published_estimator(bars, frame, estimator):
    value = run("realized_volatility", bars, estimator=estimator, period=15)
    equal(value, np.sqrt(estimates(frame, 15)[estimator] * 252))
    first = 15 if estimator in {"close", "yang_zhang"} else 14
    assert np.isnan(value[:first]).all()
    assert not np.isnan(value[first])


def test_estimators_agree_on_a_random_walk_and_are_fractions_a_year():
    steps = np.random.default_rng(3).normal(0, 0.01 / math.sqrt(200), (2_000, 200))
    paths = 100 * np.exp(np.cumsum(steps.ravel())).reshape(steps.shape)
    opened = np.concatenate([[100.0], paths[:-1, -1]])
    inputs = {
        "open": opened,
        "high": np.maximum(paths.max(axis=1), opened),
        "low": np.minimum(paths.min(axis=1), opened),
        "close": paths[:, -1],
    }
    for estimator in estimates(pd.DataFrame(inputs), 5):
        value = run("realized_volatility", inputs, estimator=estimator, period=1_900)[-1]
        assert value == pytest.approx(0.01 * math.sqrt(252), rel=0.12), estimator


def test_a_window_with_a_price_below_zero_has_no_volatility(bars):
    broken = {name: bars[name].copy() for name in ("open", "high", "low", "close")}
    broken["low"][100] = -1.0
    value = run("realized_volatility", broken, estimator="parkinson", period=5)
    assert np.flatnonzero(np.isnan(value[4:])).tolist() == [96, 97, 98, 99, 100]
    value = run("realized_volatility", broken, estimator="yang_zhang", period=5)
    assert np.flatnonzero(np.isnan(value[5:])).tolist() == [95, 96, 97, 98, 99, 100]


def test_the_rolling_sharpe_ratio_is_that_of_the_returns(bars, frame):
    returns = frame["close"].pct_change()
    expected = returns.rolling(30).mean() / returns.rolling(30).std() * math.sqrt(252)
    equal(run("rolling_sharpe", bars, period=30), expected)
    by_hand = run("sharpe", {"source": np.array([100.0, 110.0, 99.0, 118.8])}, period=3)
    # returns 0.1, -0.1, 0.2: mean 1/15, sample deviation sqrt(7/300)
    assert by_hand[3] == pytest.approx(1 / 15 / math.sqrt(7 / 300) * math.sqrt(252))


def test_the_rolling_sortino_ratio_counts_losses_over_all_bars():
    source = np.array([100.0, 110.0, 99.0, 118.8, 130.0, 140.0])
    value = run("rolling_sortino", {"source": source}, period=3, periods_per_year=1)
    assert value[3] == pytest.approx(1 / 15 / math.sqrt(0.01 / 3))
    assert np.isnan(value[5])  # three bars without a loss


def test_rolling_value_at_risk_is_a_return_of_the_window(bars, frame):
    value = run("value_at_risk", bars, period=50, level=0.1)
    windows = frame["close"].pct_change().rolling(50)
    equal(value, windows.apply(lambda window: np.sort(window)[4], raw=True))  # 5th of 50


def test_the_hurst_exponent_tells_trend_from_noise():
    rng = np.random.default_rng(5)
    walk = np.cumsum(rng.normal(size=5_000))
    assert run("hurst", {"source": walk}, period=4_000)[-1] == pytest.approx(0.5, abs=0.06)
    line = run("hurst", {"source": np.arange(300.0)})
    np.testing.assert_allclose(line[99:], 1.0, atol=1e-9)
    noise = rng.normal(size=5_000)
    assert run("hurst", {"source": noise}, period=4_000)[-1] == pytest.approx(0.0, abs=0.03)


def test_the_hurst_exponent_is_half_the_slope_over_lags(bars):
    window = bars["source"][300:400]
    lags = np.array([1, 2, 4, 8, 16])
    spread = [np.mean((window[lag:] - window[:-lag]) ** 2) for lag in lags]
    expected = np.polyfit(np.log(lags), np.log(spread), 1)[0] / 2
    assert run("hurst", bars)[399] == pytest.approx(expected)


def test_rolling_sums_and_variances_forget_a_giant_and_know_a_flat_window():
    source = np.concatenate([[1e15, 0.3], np.random.default_rng(1).normal(size=60), [0.1] * 9])
    series = pd.Series(source)
    total, variance = rolling_sum(source, 7), rolling_variance(source, 7)
    np.testing.assert_allclose(total[14:], series[8:].rolling(7).sum()[6:], atol=1e-12)
    np.testing.assert_allclose(variance[14:], series[8:].rolling(7).var()[6:], atol=1e-12)
    assert variance[-1] == 0.0
    assert total[-1] == 7 * 0.1
    gaps = np.concatenate([[np.nan] * 3, np.arange(5.0)])
    assert rolling_sum(gaps, 2)[3:].tolist()[1:] == [1.0, 3.0, 5.0, 7.0]
    assert np.isnan(rolling_sum(gaps, 2)[:4]).all()


@pytest.mark.parametrize("price", [0.1, 33.3, 1e9])
def test_a_halted_market_has_no_ratio_made_of_rounding(bars, price):
    halted = {"source": np.concatenate([bars["source"], np.full(300, price)])}
    for name in ("rolling_sharpe", "rolling_sortino", "hurst"):
        assert np.isnan(run(name, halted)[-150:]).all(), name
    still = run("vidya", halted)[-280:]
    assert (still == still[0]).all()


def test_ratios_over_windows_forget_a_giant(bars):
    wild = {"source": bars["source"].copy()}
    wild["source"][100] = 1e12
    for name in ("rolling_sharpe", "rolling_sortino", "hurst"):
        np.testing.assert_allclose(run(name, wild)[310:], run(name, bars)[310:], rtol=1e-9)


def test_lookback_follows_the_estimator_and_the_slower_of_two_averages():
    volatility, klinger = indicator_get("hv"), indicator_get("kvo")
    periods = [
        lookback(volatility, params_bind(volatility, {"estimator": name}))
        for name in ("close", "parkinson")
    ]
    assert periods == [20, 19]
    assert lookback(klinger, params_bind(klinger, {"fast": 60})) == 60 + 13 - 1
