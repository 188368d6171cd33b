"""Ehlers' filters against his own listings, bar by bar."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.indicators.registry import compute, indicator_get, params_bind


def run(name, source, **params):
    spec = indicator_get(name)
    return compute(spec, {"source": np.asarray(source, dtype=float)}, params_bind(spec, params))


def test_the_instantaneous_trendline_is_the_listing(bars):
    p, a, line = bars["source"], 0.1, [math.nan, math.nan]
    for i in range(2, len(p)):
        if i < 6:
            line.append((p[i] + 2 * p[i - 1] + p[i - 2]) / 4)
            continue
        new = (a - a * a / 4) * p[i] + 0.5 * a * a * p[i - 1] - (a - 0.75 * a * a) * p[i - 2]
        line.append(new + 2 * (1 - a) * line[-1] - (1 - a) ** 2 * line[-2])
    lines = run("itrend", p, alpha=0.1)
    np.testing.assert_allclose(lines["value"][6:], line[6:], rtol=1e-12)
    trigger = 2 * np.array(line[6:]) - np.array(line[4:-2])
    np.testing.assert_allclose(lines["trigger"][6:], trigger, rtol=1e-12)
    assert np.isnan(lines["trigger"][:6]).all()


def test_the_cyber_cycle_is_the_listing(bars):
    p, a = bars["source"], 0.07
    s = [math.nan] * 3 + [
        (p[i] + 2 * p[i - 1] + 2 * p[i - 2] + p[i - 3]) / 6 for i in range(3, len(p))
    ]
    line = [math.nan, math.nan]
    for i in range(2, len(p)):
        if i < 6:
            line.append((p[i] - 2 * p[i - 1] + p[i - 2]) / 4)
            continue
        new = (1 - 0.5 * a) ** 2 * (s[i] - 2 * s[i - 1] + s[i - 2])
        line.append(new + 2 * (1 - a) * line[-1] - (1 - a) ** 2 * line[-2])
    lines = run("cyber_cycle", p)
    np.testing.assert_allclose(lines["value"][6:], line[6:], atol=1e-11)
    np.testing.assert_allclose(lines["trigger"][6:], line[5:-1], atol=1e-11)
    assert abs(run("cyber_cycle", 50 + 0.3 * np.arange(900.0))["value"][-1]) < 1e-9


def test_the_centre_of_gravity_balances_the_window(bars):
    p = bars["source"]
    expected = [
        -sum((1 + back) * p[i - back] for back in range(10)) / sum(p[i - 9 : i + 1]) + 11 / 2
        for i in range(9, 420)
    ]
    lines = run("cog", p)
    np.testing.assert_allclose(lines["value"][10:], expected[1:], atol=1e-10)
    np.testing.assert_allclose(lines["trigger"][10:], expected[:-1], atol=1e-10)
    # weights 1 and 3 on a beam balance a quarter of a bar beyond its middle
    assert run("cog", [1.0, 1.0, 3.0], period=2)["value"][2] == pytest.approx(0.25)


def test_the_laguerre_filter_and_its_rsi_are_the_listings(bars):
    def listing(gamma):
        p = bars["source"]
        elements = [p[0]] * 4
        for price in p:
            last, elements = elements, [(1 - gamma) * price + gamma * elements[0]]
            for place in range(1, 4):
                new = -gamma * elements[-1] + last[place - 1] + gamma * last[place]
                elements.append(new)
            steps = -np.diff(elements)
            ups, downs = steps[steps > 0].sum(), -steps[steps < 0].sum()
            strength = ups / (ups + downs) if ups + downs else 0.5
            yield np.dot(elements, [1, 2, 2, 1]) / 6, strength

    line = [value for value, _ in listing(0.8)]
    np.testing.assert_allclose(run("laguerre", bars["source"])["value"], line, rtol=1e-12)
    strength = [value for _, value in listing(0.5)]
    np.testing.assert_allclose(run("lrsi", bars["source"])["value"], strength, atol=1e-9)


def test_a_halted_market_has_a_laguerre_rsi_of_half(bars):
    halted = np.concatenate([bars["source"][:60], np.full(900, 33.3)])
    assert run("laguerre_rsi", halted)["value"][-1] == 0.5


def test_the_decycler_is_the_price_less_its_short_waves(bars):
    n = np.arange(3_000.0)
    angle = 2 * math.pi / 60
    alpha = (math.cos(angle) + math.sin(angle) - 1) / math.cos(angle)
    value = [bars["source"][0], bars["source"][1]]
    for before, now in zip(bars["source"][1:], bars["source"][2:], strict=False):
        value.append(alpha / 2 * (now + before) + (1 - alpha) * value[-1])
    found = run("decycler", bars["source"])["value"]
    np.testing.assert_allclose(found[60:], value[60:], rtol=1e-12)
    fast = run("decycler", np.sin(2 * np.pi * n / 6))["value"][2_000:]
    slow = run("decycler", np.sin(2 * np.pi * n / 900))["value"][2_000:]
    assert np.ptp(fast) < 0.2
    assert np.ptp(slow) > 1.9
