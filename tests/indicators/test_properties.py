"""What holds for every registered indicator, whatever it computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.indicators.registry import (
    compute,
    indicator_list,
    is_recursive,
    lookback,
    params_bind,
)
from core.indicators.spec import SESSION_FIELDS

SPECS = {spec.name: spec for spec in indicator_list()}
BAR_NUMBERS = {"maxindex", "minindex", "minmaxindex"}
LATE = {"session_vwap", "previous_session", "opening_range", "zigzag_confirmed"}
"""Where the first value depends on the data: a session has to begin, a swing to be confirmed."""
STEADY = {name: spec for name, spec in SPECS.items() if not spec.repaints}
every_indicator = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
steady_indicator = pytest.mark.parametrize("spec", STEADY.values(), ids=STEADY)


def run(spec, inputs, bound=None):
    return compute(spec, inputs, params_bind(spec, {}) if bound is None else bound)


def cut(inputs, part):
    return {name: column[part] for name, column in inputs.items()}


def same(actual, expected, shift=0.0):
    for name, values in expected.items():
        np.testing.assert_array_equal(actual[name], values + shift, err_msg=name)


def params_varied(spec, seed):
    """Return parameters within their bounds, small enough for the data."""
    rng = np.random.default_rng([seed, *spec.name.encode()])
    drawn = {}
    for parameter in spec.parameters:
        if parameter.kind == "choice":
            drawn[parameter.name] = str(rng.choice(parameter.choices))
        elif parameter.kind == "int":
            drawn[parameter.name] = int(
                rng.integers(parameter.minimum, min(25, parameter.maximum + 1))
            )
        else:
            top = min(parameter.maximum, max(4.0 * parameter.default, 1.0))
            drawn[parameter.name] = float(rng.uniform(parameter.minimum, top))
    if "max_period" in drawn:
        drawn["max_period"] = max(drawn["max_period"], drawn["min_period"])
    return params_bind(spec, drawn)


@every_indicator
def test_outputs_are_new_float_arrays_of_the_same_length_and_inputs_stay(spec, bars):
    before = {name: bars[name].copy() for name in spec.inputs}
    first, second = run(spec, bars), run(spec, bars)
    assert tuple(first) == spec.outputs
    same(first, second)
    for values in first.values():
        assert values.dtype == np.float64
        assert values.shape == (420,)
        assert values.flags.writeable
        assert not any(np.shares_memory(values, bars[name]) for name in spec.inputs)
    for name, column in before.items():
        np.testing.assert_array_equal(bars[name], column)


@steady_indicator
def test_no_value_depends_on_a_later_bar(spec, bars):
    for bound in (params_bind(spec, {}), params_varied(spec, 1), params_varied(spec, 2)):
        full = run(spec, bars, bound)
        start = lookback(spec, bound)
        for stop in {0, 1, 2, start, start + 1, start + 2, start + 9, 150, 151, 419}:
            head = {name: values[:stop] for name, values in full.items()}
            same(run(spec, cut(bars, slice(stop)), bound), head)


@pytest.mark.parametrize("name", sorted(SPECS.keys() - STEADY))
def test_what_says_that_it_repaints_does(name, bars):
    full = run(SPECS[name], bars)
    before = [run(SPECS[name], cut(bars, slice(stop))) for stop in range(2, 420)]
    for output, values in full.items():
        assert any((values[: len(b[output])] != b[output]).any() for b in before)


@every_indicator
def test_lookback_is_the_number_of_leading_nan(spec, angles):
    for bound in (params_bind(spec, {}), *(params_varied(spec, seed) for seed in range(4))):
        start = lookback(spec, bound)
        for values in run(spec, angles, bound).values():
            assert np.isnan(values[:start]).all()
            assert spec.name in LATE or not np.isnan(values[start : start + 1]).any()
        short = run(spec, cut(angles, slice(start)), bound)
        assert all(len(v) == min(start, 420) and np.isnan(v).all() for v in short.values())


@every_indicator
def test_missing_values_at_the_start_are_skipped(spec, bars):
    late = {name: np.concatenate([np.full(7, np.nan), column]) for name, column in bars.items()}
    shift = 7.0 if spec.name in BAR_NUMBERS else 0.0
    result = run(spec, late)
    assert all(np.isnan(values[:7]).all() for values in result.values())
    same({name: values[7:] for name, values in result.items()}, run(spec, bars), shift)


@every_indicator
def test_after_a_gap_an_indicator_starts_afresh(spec, bars):
    holed = {name: column.copy() for name, column in bars.items()}
    holed[spec.inputs[-1]][200] = np.nan
    result = run(spec, holed)
    same({k: v[:200] for k, v in result.items()}, run(spec, cut(bars, slice(200))))
    assert all(np.isnan(values[200]) for values in result.values())
    shift = 201.0 if spec.name in BAR_NUMBERS else 0.0
    after = run(spec, cut(bars, slice(201, None)))
    same({k: v[201:] for k, v in result.items()}, after, shift)


@every_indicator
def test_numbers_of_any_kind_and_layout_are_accepted(spec, bars):
    whole = {name: np.round(column).astype(np.int64) for name, column in bars.items()}
    as_float = {name: column.astype(np.float64) for name, column in whole.items()}
    expected = run(spec, as_float)
    same(run(spec, whole), expected)
    same(run(spec, {name: column.astype(np.float32) for name, column in whole.items()}), expected)
    strided = {name: np.repeat(column, 2)[::2] for name, column in as_float.items()}
    same(run(spec, strided), expected)


def every_choice(spec):
    """Return the defaults, and each other value of a choice on its own."""
    yield {}
    for parameter in spec.parameters:
        others = set(parameter.choices) - {parameter.default}
        yield from ({parameter.name: value} for value in sorted(others))


@every_indicator
def test_an_indicator_that_is_not_recursive_forgets(spec, bars):
    for choice in every_choice(spec):
        forgets_unless_recursive(spec, bars, params_bind(spec, choice))


def forgets_unless_recursive(spec, bars, bound):
    start = lookback(spec, bound)
    full, late = run(spec, bars, bound), run(spec, cut(bars, slice(90, None)), bound)
    if spec.name in BAR_NUMBERS:
        late = {name: values + 90 for name, values in late.items()}
    pairs = [(values[90 + start :], late[name][start:]) for name, values in full.items()]
    forgets = all(np.allclose(a, b, rtol=1e-8, atol=1e-8, equal_nan=True) for a, b in pairs)
    assert forgets or is_recursive(spec, bound)


@every_indicator
def test_flat_prices_and_bars_without_volume_are_finite_or_documented(spec, bars):
    clock = {name: bars[name] for name in SESSION_FIELDS}
    flat = {name: np.full(420, 0.1) for name in bars} | {"periods": np.full(420, 5.0)} | clock
    idle = bars | {"volume": np.zeros(420)}
    # The opening range is not there while it forms.
    ratios = {"zscore", "rolling_sharpe", "rolling_sortino", "hurst", "opening_range"}
    no_volume = {"rvol", "vwma", "acos", "asin", "opening_range"}
    for choice in every_choice(spec):
        bound = params_bind(spec, choice)
        start = lookback(spec, bound)
        for inputs, undefined in ((flat, ratios), (idle, no_volume)):
            for values in run(spec, inputs, bound).values():
                first = np.isnan(values).sum() if spec.name in LATE else start
                assert spec.name in undefined or np.isfinite(values[first:]).all()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_series_makes_an_indicator_fail_or_look_ahead(data):
    spec = data.draw(st.sampled_from(list(SPECS.values())))
    bound = params_varied(spec, data.draw(st.integers(0, 99)))
    length = data.draw(st.integers(0, 70))
    values = st.sampled_from([0.0, -1.0, 1.0, 2.5, 100.0, 1e9, -1e-9, np.nan, np.inf, -np.inf])
    inputs = {
        name: np.array(data.draw(st.lists(values, min_size=length, max_size=length)), dtype=float)
        for name in spec.inputs
    }
    full = run(spec, inputs, bound)
    stop = data.draw(st.integers(0, length))
    head = run(spec, cut(inputs, slice(stop)), bound)
    if not spec.repaints:
        same(head, {name: values[:stop] for name, values in full.items()})
