"""Variants that platforms show under one name, against pandas and numbers made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from core.indicators.registry import compute, indicator_get, params_bind


def run(name, inputs, **params):
    spec = indicator_get(name)
    return compute(spec, inputs, params_bind(spec, params))


def equal(actual, expected, rtol=1e-9):
    filled = ~np.isnan(actual)
    assert filled.sum() > 200
    np.testing.assert_allclose(actual[filled], np.asarray(expected)[filled], rtol=rtol, atol=1e-9)


@pytest.fixture(scope="module")
def frame(bars):
    return pd.DataFrame(bars)


def ema(series, period):
    """The exponential average seeded by the first simple one."""
    first = series.first_valid_index() + period - 1
    seeded = series.copy()
    seeded[:first] = np.nan
    seeded[first] = series[first - period + 1 : first + 1].mean()
    return seeded.ewm(alpha=2 / (period + 1), adjust=False).mean()


def true_range(frame):
    before = frame["close"].shift(1)
    sides = [frame["high"] - frame["low"], frame["high"] - before, frame["low"] - before]
    return pd.concat([side.abs() for side in sides], axis=1).max(axis=1).where(before.notna())


def test_rsi_of_simple_averages_is_cutlers(bars, frame):
    source = {"source": np.array([10.0, 12.0, 11.0, 15.0, 15.0, 15.0])}
    value = run("rsi", source, period=2, average="simple")["value"]
    # gains 2, 0, 4, 0, 0 and losses 0, 1, 0, 0, 0 in windows of two; 0 where nothing moved
    assert value[2:].tolist() == pytest.approx([200 / 3, 80, 100, 0])
    step = frame["close"].diff()
    gain, loss = (side.rolling(14).mean() for side in (step.clip(lower=0), -step.clip(upper=0)))
    equal(run("rsi", bars, average="simple")["value"], 100 * gain / (gain + loss))


def test_rsi_of_exponential_averages_weighs_the_newest_bar_by_two(bars, frame):
    step = frame["close"].diff()
    gain, loss = ema(step.clip(lower=0), 14), ema(-step.clip(upper=0), 14)
    equal(run("rsi", bars, average="exponential")["value"], 100 * gain / (gain + loss))


def test_the_true_range_is_averaged_as_asked(bars, frame):
    simple, exponential = true_range(frame).rolling(14).mean(), ema(true_range(frame), 14)
    equal(run("atr", bars, average="simple")["value"], simple)
    equal(run("atr", bars, average="exponential")["value"], exponential)
    equal(run("natr", bars, average="simple")["value"], 100 * simple / frame["close"])
    one = run("atr", bars, average="exponential", period=1)["value"]
    np.testing.assert_array_equal(one, talib.TRANGE(bars["high"], bars["low"], bars["close"]))


CENTRES = {
    "ema_typical": lambda f: ema((f["high"] + f["low"] + f["close"]) / 3, 20),
    "ema_close": lambda f: ema(f["close"], 20),
    "sma_typical": lambda f: ((f["high"] + f["low"] + f["close"]) / 3).rolling(20).mean(),
    "sma_close": lambda f: f["close"].rolling(20).mean(),
}


@pytest.mark.parametrize("centre", CENTRES)
def test_keltners_channel_has_the_centre_asked_for(bars, frame, centre):
    equal(run("kc", bars, centre=centre)["middle"], CENTRES[centre](frame))


def test_keltners_channel_has_the_width_asked_for(bars, frame):
    span = frame["high"] - frame["low"]
    wilder = span.copy()
    wilder[:20] = np.nan
    wilder[19] = span[:20].mean()
    for width, expected in {
        "atr": pd.Series(talib.ATR(bars["high"], bars["low"], bars["close"], 10)),
        "range": span.rolling(10).mean(),
        "range_wilder": wilder.ewm(alpha=1 / 20, adjust=False).mean(),
        "true_range": true_range(frame),
    }.items():
        bands = run("keltner", bars, centre="ema_close", width=width, multiplier=1.5)
        equal(bands["upper"] - bands["middle"], 1.5 * expected)
        equal(bands["middle"] - bands["lower"], 1.5 * expected)


def test_bollinger_bands_of_a_sample_are_those_of_pandas(bars, frame):
    mean, deviation = frame["close"].rolling(20).mean(), frame["close"].rolling(20).std()
    bands = run("bbands", bars, ddof=1, deviations=2, deviations_down=1)
    equal(bands["upper"], mean + 2 * deviation)
    equal(bands["middle"], mean)
    equal(bands["lower"], mean - deviation)
    by_hand = run("bbands", {"source": np.array([1.0, 3.0])}, period=2, ddof=1)
    assert by_hand["upper"][1] == pytest.approx(2 + 2 * np.sqrt(2))


def test_deviation_variance_and_score_of_a_sample_are_those_of_pandas(bars, frame):
    window = frame["close"].rolling(9)
    equal(run("stddev", bars, period=9, ddof=1)["value"], window.std())
    equal(run("var", bars, period=9, ddof=1)["value"], window.var(), rtol=1e-7)
    score = (frame["close"] - window.mean()) / window.std()
    equal(run("zscore", bars, period=9, ddof=1)["value"], score, rtol=1e-7)
    assert (run("var", bars, period=1, ddof=1)["value"] == 0).all()


def test_correlation_is_of_values_or_of_changes(bars, frame):
    left, right = frame["left"], frame["right"]
    equal(run("correl", bars)["value"], left.rolling(30).corr(right))
    changes = left.pct_change().rolling(30).corr(right.pct_change())
    equal(run("correl", bars, of="changes")["value"], changes)


def test_beta_is_the_slope_of_right_on_left(bars, frame):
    left, right = frame["left"], frame["right"]
    x, y = left.pct_change(), right.pct_change()
    slope = x.rolling(20).cov(y) / x.rolling(20).var()
    equal(run("beta", bars, period=20)["value"], slope, rtol=1e-7)
    hedge = left.rolling(20).cov(right) / left.rolling(20).var()
    equal(run("beta", bars, period=20, of="values")["value"], hedge, rtol=1e-7)
    doubled = {"left": bars["left"], "right": 2 * bars["left"] + 7}
    assert run("beta", doubled, of="values")["value"][4:] == pytest.approx(2.0)
    still = run("beta", {"left": np.full(9, 0.1), "right": bars["right"][:9]}, of="values")
    assert (still["value"][4:] == 0).all()


@pytest.mark.parametrize("name", ["rsi", "atr", "natr", "kc", "bbands", "stddev", "var", "beta"])
def test_the_default_is_talibs_to_the_last_bit_however_it_is_given(bars, name):
    spec = indicator_get(name)
    given = {p.name: p.default for p in spec.parameters if p.kind == "choice" or p.name == "ddof"}
    theirs = getattr(talib, name.upper())(*(bars[field] for field in spec.inputs))
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    for mine, their in zip(run(name, bars, **given).values(), theirs, strict=True):
        np.testing.assert_array_equal(mine, their)
