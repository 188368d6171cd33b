"""Values checked by hand, or against TA-Lib called directly."""

from __future__ import annotations

import numpy as np
import pytest
import talib
import talib.abstract

from core.indicators.registry import (
    compute,
    indicator_get,
    indicator_list,
    lookback,
    params_bind,
)


def run(name, inputs, **params):
    spec = indicator_get(name)
    return compute(spec, inputs, params_bind(spec, params))


def test_sma_is_the_mean_of_the_last_bars():
    (value,) = run("sma", {"source": np.array([1.0, 2.0, 6.0, 9.0])}, period=3).values()
    assert np.isnan(value[:2]).all()
    assert value[2:].tolist() == pytest.approx([3.0, 17.0 / 3.0])


def test_ema_is_seeded_by_the_first_simple_average():
    value = run("ema", {"source": np.array([2.0, 4.0, 6.0, 10.0])}, period=3)["value"]
    assert value[2:].tolist() == [4.0, 7.0]  # 4, then 4 + (10 - 4) * 2 / 4


def test_rsi_weighs_gains_against_losses_as_wilder_does():
    value = run("rsi", {"source": np.array([10.0, 12.0, 11.0, 15.0])}, period=2)["value"]
    # mean gain 1, mean loss 0.5 -> 66.67; then (1 + 4) / 2 = 2.5 and 0.25 -> 90.91
    assert value[2:].tolist() == pytest.approx([100 * 1 / 1.5, 100 * 2.5 / 2.75])


def test_bollinger_bands_stand_population_deviations_from_the_middle():
    bands = run("bollinger_bands", {"source": np.array([1.0, 3.0, 5.0])}, period=2, deviations=3)
    assert list(bands) == ["upper", "middle", "lower"]
    assert [band[2] for band in bands.values()] == pytest.approx([7.0, 4.0, 1.0])


def test_a_lower_band_of_its_own_leaves_the_upper_one_alone():
    source = {"source": np.array([1.0, 3.0, 5.0])}
    bands = run("bbands", source, period=2, deviations=3, deviations_down=1)
    assert [band[2] for band in bands.values()] == pytest.approx([7.0, 4.0, 3.0])


def test_macd_names_its_outputs_and_the_histogram_is_their_difference(bars):
    lines = run("macd", bars, fast=5, slow=9, signal=4)
    assert list(lines) == ["macd", "signal", "histogram"]
    np.testing.assert_allclose(lines["histogram"], lines["macd"] - lines["signal"], atol=1e-12)


def test_a_candle_pattern_is_a_float_and_zero_where_there_is_none():
    down, up = (10.0, 10.2, 8.8, 9.0), (8.5, 11.2, 8.4, 11.0)
    rows = [down] * 30 + [up]  # the last body engulfs the one before
    inputs = dict(zip(("open", "high", "low", "close"), np.array(rows).T, strict=True))
    value = run("engulfing", inputs)["value"]
    assert value.dtype == np.float64
    assert value[-1] == 100.0
    assert (value[2:-1] == 0.0).all()
    assert np.isnan(value[:2]).all()


def test_zscore_counts_population_deviations_and_is_nan_in_a_flat_window():
    value = run("zscore", {"source": np.array([1.0, 3.0, 3.0, 3.0])}, period=2)["value"]
    assert np.isnan(value[[0, 2, 3]]).all()
    assert value[1] == pytest.approx(1.0)


def test_ichimoku_shows_the_cloud_of_earlier_bars_and_nothing_later():
    high = np.arange(10.0, 20.0)
    lines = run("ichimoku", {"high": high, "low": high - 2}, fast=1, slow=2, span=3, displacement=3)
    # at bar 9: conversion 18, base (19 + 16) / 2; spans of bar 7: (16 + 15.5) / 2, (17 + 13) / 2
    assert [line[9] for line in lines.values()] == [18.0, 17.5, 15.75, 15.0]
    assert [int(np.isnan(line).sum()) for line in lines.values()] == [4] * 4


def test_two_sided_indicators_tell_up_from_down_by_name():
    close = np.arange(50.0, 110.0)
    rising = {"high": close + 1, "low": close - 1, "close": close}
    aroon = run("aroon", rising, period=5)
    assert (aroon["up"][-1], aroon["down"][-1]) == (100.0, 0.0)
    vortex = run("vortex", rising, period=5)
    assert vortex["plus"][-1] > vortex["minus"][-1]
    rays = run("eri", rising, period=5)
    assert rays["bull"][-1] - rays["bear"][-1] == pytest.approx(2.0)
    assert run("supertrend", rising)["trend"][-1] == 1.0
    peak = {"high": np.array([1.0, 2.0, 5.0, 2.0, 1.0]), "low": np.array([0.0] * 5)}
    swings = run("fractal", peak)
    assert (swings["swing_high"][4], swings["swing_low"][4]) == (100.0, 0.0)
    stochastic = run("stoch", rising, k_period=5, k_smoothing=1, d_period=3)
    np.testing.assert_allclose(stochastic["d"][8:], stochastic["k"][8:])
    bars_of_extremes = run("minmaxindex", {"source": close}, period=4)
    assert [int(v[-1]) for v in bars_of_extremes.values()] == [56, 59]
    assert list(bars_of_extremes) == ["min_index", "max_index"]


def test_every_function_of_talib_is_registered_and_gives_its_values(bars):
    """Parameters are bound under TA-Lib's names, so a swapped one shows."""
    names = {spec.name for spec in indicator_list()}
    functions = talib.get_functions()
    assert len(functions) == 201
    assert {function.lower() for function in functions} <= names
    for function in functions:
        info = talib.abstract.Function(function).info
        spec = indicator_get(function)
        raw = {key: _other(key, value) for key, value in info["parameters"].items()}
        bound = params_bind(spec, {k: "ema" if k.endswith("matype") else v for k, v in raw.items()})
        ours = compute(spec, bars, bound)
        theirs = getattr(talib, function)(*[bars[name] for name in spec.inputs], *raw.values())
        theirs = theirs if isinstance(theirs, tuple) else (theirs,)
        for mine, their in zip(ours.values(), theirs, strict=True):
            start = lookback(spec, bound) if their.dtype != np.float64 else 0
            np.testing.assert_array_equal(mine[start:], their[start:], err_msg=function)


def _other(key, default):
    """Return a value that differs from the default and from those of other parameters."""
    if key.endswith("matype"):
        return 1
    if isinstance(default, int):
        return default + 1
    return {"fastlimit": 0.4, "slowlimit": 0.1, "percentile": 40.0}.get(key, default * 0.9)
