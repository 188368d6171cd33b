"""Loops that carry sums along against the same windows summed one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.indicators.registry import compute, indicator_get, params_bind

STEPS = st.lists(st.sampled_from([-2.0, -0.1, 0.0, 0.0, 0.3, 5.0]), min_size=12, max_size=60)


def run(name, inputs, **params):
    spec = indicator_get(name)
    return next(iter(compute(spec, inputs, params_bind(spec, params)).values()))


def compare(found, expected, first):
    assert np.isnan(found[:first]).all()
    np.testing.assert_allclose(found[first:], expected[first:], rtol=1e-7, atol=1e-9)


def windows(column, period):
    """Return a row for each bar: the window that ends there, NaN where it is not whole."""
    lines = np.full((len(column), period), np.nan)
    for bar in range(period - 1, len(column)):
        lines[bar] = column[bar - period + 1 : bar + 1]
    return lines


def over(above, below, flat):
    return np.divide(above, below, out=np.full(len(above), flat), where=np.abs(below) > 1e-12)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, period=st.integers(1, 7), volumes=st.lists(st.sampled_from([0.0, 1.0, 7e6])))
def test_running_sums_are_those_of_their_windows(steps, period, volumes):
    close = 1000.0 + np.cumsum(steps)
    high, low = close + np.abs(steps), close - 0.5 * np.abs(steps)
    volume = np.resize([*volumes, 0.0], len(close))
    bars = {"open": close - np.array(steps) / 3, "high": high, "low": low, "close": close}
    rise = np.maximum(np.diff(high, prepend=np.nan), 0.0)
    fall = np.maximum(-np.diff(low, prepend=np.nan), 0.0)
    rises, falls = (windows(side, period).sum(axis=1) for side in (rise, fall))
    compare(run("demarker", bars, period=period), over(rises, rises + falls, 0.5), period)

    price = windows((high + low + close) / 3.0, period)
    weight = windows(volume, period)
    mean = over((price * weight).sum(axis=1), weight.sum(axis=1), np.nan)
    expected = np.where(np.isnan(mean), price.mean(axis=1), mean)
    found = run("rolling_vwap", bars | {"volume": volume}, period=period)
    compare(found, expected, period - 1)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, period=st.integers(2, 7))
def test_ratios_are_those_of_the_returns_of_their_windows(steps, period):
    source = 1000.0 + np.cumsum(steps)
    returns = windows(source[1:] / source[:-1] - 1.0, period)
    mean, deviation = returns.mean(axis=1), returns.std(axis=1, ddof=1)
    sharpe = np.where(deviation > 1e-12, over(mean, deviation, np.nan), np.nan)
    found = run("rolling_sharpe", {"source": source}, period=period, periods_per_year=1)
    steady = deviation[period - 1 :] <= 1e-12  # but for rounding
    np.testing.assert_allclose(
        found[period:][~steady], sharpe[period - 1 :][~steady], rtol=1e-6, atol=1e-9
    )
    downside = np.sqrt((np.minimum(returns, 0.0) ** 2).mean(axis=1))
    found = run("rolling_sortino", {"source": source}, period=period, periods_per_year=1)
    np.testing.assert_allclose(
        found[period:], over(mean, downside, np.nan)[period - 1 :], rtol=1e-6, atol=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), period=st.integers(20, 40))
def test_the_hurst_exponent_of_any_window_is_half_the_slope(seed, period):
    source = np.cumsum(np.random.default_rng(seed).normal(size=120))
    found = run("hurst", {"source": source}, period=period)
    lags = np.array([1, 2, 4, 8, 16])
    for bar in (period - 1, period, 2 * period, 119):
        window = source[bar - period + 1 : bar + 1]
        spread = [np.mean((window[lag:] - window[:-lag]) ** 2) for lag in lags]
        assert found[bar] == pytest.approx(np.polyfit(np.log(lags), np.log(spread), 1)[0] / 2)
