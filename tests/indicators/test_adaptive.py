"""Adaptive averages and Ehlers' filters against formulas written down a second time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.indicators.registry import compute, indicator_get, params_bind


def run(name, inputs, **params):
    spec = indicator_get(name)
    return compute(spec, inputs, params_bind(spec, params))


def test_alma_weighs_the_window_by_a_bell_around_its_offset():
    value = run("alma", {"source": np.array([1.0, 2.0, 4.0])}, period=3, offset=0.5, sigma=3)
    side = math.exp(-0.5)  # one bar, which is one deviation, from the peak in the middle
    assert np.isnan(value["value"][:2]).all()
    assert value["value"][2] == pytest.approx((side * 1 + 2 + side * 4) / (1 + 2 * side))
    late = run("alma", {"source": np.array([1.0, 2.0, 4.0])}, period=3, offset=1, sigma=60)
    assert late["value"][2] == pytest.approx(4.0)


def test_vidya_moves_by_the_share_of_the_way_that_led_somewhere():
    source = np.array([10.0, 12.0, 11.0, 14.0, 14.0, 14.0, 20.0])
    value = run("vidya", {"source": source}, period=3, momentum_period=2)["value"]
    assert np.isnan(value[:2]).all()
    # momentum of the last two steps: 1/3, 2/4, 3/3, none at all, 6/6; half of it counts
    first = 12 + 0.5 / 3 * (11 - 12)
    second = first + 0.25 * (14 - first)
    third = second + 0.5 * (14 - second)
    expected = [first, second, third, third, third + 0.5 * (20 - third)]
    assert value[2:].tolist() == pytest.approx(expected)


def test_mcginley_hurries_after_a_falling_price_but_never_past_it():
    source = np.array([10.0, 12.0, 11.0, 8.8, 1.0, 1.1])
    value = run("mcginley", {"source": source}, period=2, factor=0.6)["value"]
    second = 11 + 0.0 / 1.2
    third = second + (8.8 - second) / max(1.2 * 0.8**4, 1)  # 0.49: would step past the price
    assert value[1:4].tolist() == pytest.approx([11.0, second, third])
    assert third == 8.8
    assert value[4] == 1.0
    assert value[5] == pytest.approx(1.0 + 0.1 / (1.2 * 1.1**4))


def test_frama_follows_a_straight_line_at_once_and_a_jagged_one_slowly():
    line = np.arange(100.0, 140.0)
    straight = run("frama", {"high": line + 1e-9, "low": line - 1e-9}, period=8)["value"]
    assert np.isnan(straight[:8]).all()
    # halves of 3 over 4 bars, the whole 7 over 8: dimension log2(1.5 / 0.875) < 1, alpha 1
    np.testing.assert_allclose(straight[8:], line[8:], atol=1e-6)
    jagged = 100.0 + np.arange(40) % 2
    slow = run("frama", {"high": jagged, "low": jagged}, period=8)["value"]
    # both halves and the whole have range 1: dimension log2(2 / 4 * 8 / 1) = 2, alpha 0.01
    assert slow[8] == pytest.approx(101 + 0.010051835744633586 * (100 - 101))


def test_an_odd_window_of_frama_counts_as_the_even_one_below(bars):
    even, odd = run("frama", bars, period=10), run("frama", bars, period=11)
    np.testing.assert_array_equal(even["value"], odd["value"])


def test_the_super_smoother_is_the_published_recursion(bars):
    source = bars["source"]
    a = math.exp(-math.sqrt(2) * math.pi / 10)
    c2, c3 = 2 * a * math.cos(math.radians(math.sqrt(2) * 180 / 10)), -a * a
    y = list(source[:2])
    for i in range(2, len(source)):
        mean = (source[i] + source[i - 1]) / 2
        y.append((1 - c2 - c3) * mean + c2 * y[-1] + c3 * y[-2])
    value = run("super_smoother", bars, period=10)["value"]
    np.testing.assert_allclose(value[10:], y[10:], rtol=1e-12)


def test_the_roofing_filter_keeps_a_wave_in_its_band_and_no_trend():
    n = np.arange(2_000.0)
    value = run("roofing", {"source": 50.0 + 0.3 * n})["value"]
    assert abs(value[-1]) < 1e-9
    kept = run("roofing", {"source": np.sin(2 * np.pi * n / 22)})["value"][1_000:]
    fast = run("roofing", {"source": np.sin(2 * np.pi * n / 4)})["value"][1_000:]
    slow = run("roofing", {"source": np.sin(2 * np.pi * n / 400)})["value"][1_000:]
    assert np.ptp(kept) > 1.6
    assert np.ptp(fast) < 0.3
    assert np.ptp(slow) < 0.1


def test_the_fisher_transform_stretches_the_place_in_the_range():
    middle = np.array([10.0, 12.0, 11.0, 13.0])
    lines = run("fisher", {"high": middle + 1, "low": middle - 1}, period=2)
    value, fish = 0.0, 0.0
    expected = []
    for place in (1.0, 0.0, 1.0):  # of bars 1 to 3 in windows of two
        value = 0.66 * (place - 0.5) + 0.67 * value
        fish = 0.5 * math.log((1 + value) / (1 - value)) + 0.5 * fish
        expected.append(fish)
    assert lines["fisher"][2:].tolist() == pytest.approx(expected[1:])
    assert lines["trigger"][2:].tolist() == pytest.approx(expected[:2])
    rising = np.arange(60.0)
    top = run("fisher", {"high": rising, "low": rising})["fisher"][-1]
    assert top == pytest.approx(math.log(1.999 / 0.001), rel=1e-6)  # held at 0.999
