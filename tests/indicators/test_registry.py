"""Looking indicators up, binding parameters, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import talib
import talib.abstract

from core.errors import InvalidInput
from core.indicators.averages import AVERAGE_CODES
from core.indicators.registry import (
    compute,
    indicator_get,
    indicator_list,
    is_recursive,
    lookback,
    params_bind,
)
from core.indicators.spec import PRICE_FIELDS, SESSION_FIELDS
from core.indicators.ta_lib.parameters import LIMITS


def faults(call, *args):
    with pytest.raises(InvalidInput) as caught:
        call(*args)
    return [(detail.path, detail.code) for detail in caught.value.details]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("SMA", "sma"),
        ("Bollinger Bands", "bbands"),
        ("bollinger_bands", "bbands"),
        ("keltner", "kc"),
        ("chaikin_money_flow", "cmf"),
        ("stoch-rsi", "stochrsi"),
        ("smma", "rma"),
        ("Morning Star", "cdlmorningstar"),
        ("relative strength index", "rsi"),
    ],
)
def test_an_indicator_answers_to_the_names_people_use(asked, found):
    assert indicator_get(asked).name == found


def test_an_unknown_indicator_is_refused_with_near_matches():
    with pytest.raises(InvalidInput, match=r"Did you mean .*supertrend"):
        indicator_get("supertrnd")


def test_parameters_take_defaults_plain_names_and_those_of_talib():
    macd = indicator_get("macd")
    assert params_bind(macd, {}) == {"fast": 12, "slow": 26, "signal": 9}
    given = {"fastPeriod": 5, "slow": 8.0, "signalperiod": np.int64(3)}
    assert params_bind(macd, given) == {"fast": 5, "slow": 8, "signal": 3}
    bands = params_bind(indicator_get("bbands"), {"nbdevup": 2.5, "matype": "EMA"})
    widths = {"deviations": 2.5, "deviations_down": 2.5}
    assert bands == {"period": 20, **widths, "ma": "ema", "ddof": 0}


def test_all_faults_in_parameters_are_told_at_once():
    given = {"period": 1, "deviations": "two", "ma": "magic", "color": "red", "timeperiod": 9}
    assert sorted(faults(params_bind, indicator_get("bbands"), given)) == [
        ("params.color", "unknown_parameter"),
        ("params.deviations", "type"),
        ("params.ma", "choice"),
        ("params.period", "out_of_range"),
        ("params.timeperiod", "duplicate"),
    ]


@pytest.mark.parametrize("value", [True, None, "14", 14.5, float("nan"), float("inf"), [14], 1j])
def test_a_period_must_be_a_whole_number(value):
    assert faults(params_bind, indicator_get("sma"), {"period": value}) == [
        ("params.period", "type")
    ]


def test_a_lower_limit_above_the_upper_one_is_refused():
    given = {"min_period": 9, "max_period": 5}
    assert faults(params_bind, indicator_get("mavp"), given) == [
        ("params.min_period", "out_of_range")
    ]


def test_wrong_inputs_are_refused_by_name():
    atr = indicator_get("atr")
    bound = params_bind(atr, {})
    ones = np.ones(5)
    wrong = {"high": ones, "low": np.ones((5, 2))}
    assert faults(compute, atr, wrong, bound) == [
        ("inputs.low", "type"),
        ("inputs.close", "required"),
    ]
    uneven = {"high": ones, "low": ones, "close": np.ones(4)}
    assert faults(compute, atr, uneven, bound) == [("inputs", "length")]
    texts = {"high": ones, "low": ones, "close": np.array(["1"] * 5)}
    assert faults(compute, atr, texts, bound) == [("inputs.close", "type")]


def test_every_spec_is_complete_and_serialisable():
    specs = indicator_list()
    names = [name for spec in specs for name in (spec.name, *spec.aliases)]
    assert len(names) == len(set(names))
    for spec in specs:
        fields = {*PRICE_FIELDS, *SESSION_FIELDS}
        assert set(spec.inputs) <= fields | {"source", "left", "right", "periods"}
        assert spec.inputs
        assert spec.outputs
        assert spec.title
        assert spec.description.endswith(".")
        assert spec.repaints == (spec.name == "zigzag")
        spellings = [n for p in spec.parameters for n in (p.name, *p.aliases)]
        assert len(spellings) == len(set(spellings)), spec.name
        for parameter in spec.parameters:
            assert parameter.description.endswith((".", "?")), (spec.name, parameter.name)
    assert json.loads(json.dumps([spec.as_dict() for spec in specs]))[0]["lookback"] >= 0


def test_the_bounds_of_periods_are_those_that_talib_enforces(bars):
    """Every whole-number bound is accepted by TA-Lib, and the one below it is not."""
    for function in talib.get_functions():
        spec = indicator_get(function)
        defaults = talib.abstract.Function(function).info["parameters"]
        arrays = [bars[name] for name in spec.inputs]
        # Those behind TA-Lib's own choose among variants.
        for parameter, raw in zip(spec.parameters, defaults, strict=False):
            if parameter.kind == "choice" or raw in LIMITS:
                continue
            getattr(talib, function)(*arrays, *(defaults | {raw: parameter.minimum}).values())
            with pytest.raises(Exception, match="TA_BAD_PARAM"):
                getattr(talib, function)(
                    *arrays, *(defaults | {raw: parameter.minimum - 1}).values()
                )


def test_every_bound_and_choice_can_be_computed(bars):
    for spec in indicator_list():
        for parameter in spec.parameters:
            extremes = parameter.choices or (parameter.minimum, parameter.maximum)
            for value in extremes:
                given = {parameter.name: value}
                if parameter.name == "min_period" and value == parameter.maximum:
                    given["max_period"] = value
                bound = params_bind(spec, given)
                outputs = compute(spec, bars, bound)
                assert all(len(output) == 420 for output in outputs.values())
                assert lookback(spec, bound) >= 0


def test_an_average_of_choice_can_make_an_indicator_recursive():
    bands = indicator_get("bbands")
    assert not is_recursive(bands, params_bind(bands, {}))
    assert is_recursive(bands, params_bind(bands, {"ma": "ema"}))
    assert is_recursive(indicator_get("rsi"), params_bind(indicator_get("rsi"), {}))


@pytest.mark.parametrize(
    ("name", "params", "recursive"),
    [
        ("rsi", {"average": "simple"}, False),
        ("rsi", {"average": "exponential"}, True),
        ("atr", {"average": "simple"}, False),
        ("kc", {"centre": "sma_close", "width": "range"}, False),
        ("kc", {"centre": "sma_close", "width": "atr"}, True),
        ("kc", {"centre": "ema_close", "width": "range"}, True),
        ("kc", {}, True),
        ("bbands", {"ddof": 1}, False),
        ("bbands", {"ddof": 1, "ma": "ema"}, True),
    ],
)
def test_a_variant_knows_whether_it_is_recursive(name, params, recursive):
    spec = indicator_get(name)
    assert is_recursive(spec, params_bind(spec, params)) == recursive


def test_the_numbers_of_averages_are_those_of_talib():
    for name, code in AVERAGE_CODES.items():
        assert getattr(talib.MA_Type, name.upper()) == code


def test_the_documentation_lists_every_indicator_that_talib_lacks():
    text = (Path(__file__).parents[2] / "docs" / "indicators.md").read_text()
    rows = [line.split("|") for line in text.split("## Ours")[1].splitlines() if "| `" in line]
    listed = {row[1].strip(" `"): row[5].split()[0] for row in rows}
    functions = {function.lower() for function in talib.get_functions()}
    ours = {spec.name: str(spec.lookback) for spec in indicator_list()}
    assert listed == {name: bars for name, bars in ours.items() if name not in functions}
