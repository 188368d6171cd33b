"""Evaluation: semantics by hand, warm-up, charts, memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from core.engine.bars import Bars
from core.errors import InvalidInput
from strategies.graph.evaluate import first_defined, plan_evaluate

NAN = np.nan
ABOVE = {"operator": "crosses_above", "right": 5}
BELOW = {"operator": "crosses_below", "right": 5}


@pytest.mark.parametrize(
    ("close", "expected", "strict"),
    [
        ([4, 6, 4, 6], [1, 3], [1, 3]),
        ([4, 5, 6], [2], []),  # a touch followed by a cross is a cross
        ([4, 5, 5, 5, 6], [4], []),
        ([6, 5, 6], [], []),  # a touch from above is none
        ([5, 5, 6], [], []),  # they never differed before
        ([5, 6, 7], [], []),
        ([6, 4, 5, 6], [3], []),
        ([4, 6, 5, 6], [1], [1]),
        ([4, 4.5, 4.9], [], []),
    ],
)
def test_crosses_above(judge, drawing, close, expected, strict):
    assert judge(ABOVE, close) == expected
    assert np.flatnonzero(drawing.evaluate(close, strict_cross=True).columns[0]).tolist() == strict


def test_crosses_below_is_the_mirror_image(judge):
    assert judge(BELOW, [6, 5, 5, 4, 6, 4, 5, 4]) == [3, 5]


def test_a_crossing_needs_numbers_on_both_sides(drawing):
    drawing.add("close", "price")
    drawing.add("log", "math", {"operation": "log"}, source="shifted")
    drawing.add("shifted", "math", {"operation": "subtract", "right": 10}, left="close")
    drawing.add("c", "condition", {"operator": "crosses_above", "right": 0.5}, left="log")
    drawing.add("e", "entry", {}, when="c")
    #                          nan  log 1  log 2  nan  log 9
    evaluation = drawing.evaluate([9.0, 11.0, 12.0, 5.0, 19.0])
    assert np.flatnonzero(evaluation.columns[0]).tolist() == [2]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"operator": "gt", "right": 3}, [3, 5]),
        ({"operator": "gte", "right": 3}, [2, 3, 5]),
        ({"operator": "lt", "right": 3}, [0, 1, 4]),
        ({"operator": "lte", "right": 3}, [0, 1, 2, 4]),
        ({"operator": "eq", "right": 3}, [2]),
        ({"operator": "between", "lower": 2, "upper": 3}, [1, 2, 4]),
        ({"operator": "outside", "lower": 2, "upper": 3}, [0, 3, 5]),
        ({"operator": "rising", "n": 1}, [1, 2, 3, 5]),
        ({"operator": "rising", "n": 3}, [3]),
        ({"operator": "falling", "n": 1}, [4]),
        ({"operator": "is_highest", "n": 3}, [2, 3, 5]),
        ({"operator": "is_lowest", "n": 2}, [4]),
    ],
)
def test_conditions(judge, params, expected):
    assert judge(params, [1, 2, 3, 4, 2, 9]) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"operation": "add", "right": 1}, [2, 3, 5, 9]),
        ({"operation": "subtract", "right": 1}, [0, 1, 3, 7]),
        ({"operation": "multiply", "right": 2}, [2, 4, 8, 16]),
        ({"operation": "divide", "right": 2}, [0.5, 1, 2, 4]),
        ({"operation": "divide", "right": 0}, [NAN] * 4),
        ({"operation": "min", "right": 3}, [1, 2, 3, 3]),
        ({"operation": "max", "right": 3}, [3, 3, 4, 8]),
        ({"operation": "negate"}, [-1, -2, -4, -8]),
        ({"operation": "sqrt"}, [1, 2**0.5, 2, 8**0.5]),
        ({"operation": "log"}, [0, np.log(2), np.log(4), np.log(8)]),
        ({"operation": "percent_change", "n": 2}, [NAN, NAN, 3, 3]),
        ({"operation": "shift", "n": 1}, [NAN, 1, 2, 4]),
        ({"operation": "shift", "n": 0}, [1, 2, 4, 8]),
        ({"operation": "rolling_sum", "n": 2}, [NAN, 3, 6, 12]),
        ({"operation": "rolling_mean", "n": 2}, [NAN, 1.5, 3, 6]),
        ({"operation": "rolling_max", "n": 3}, [NAN, NAN, 4, 8]),
        ({"operation": "rolling_min", "n": 3}, [NAN, NAN, 1, 2]),
        ({"operation": "rolling_std", "n": 2}, [NAN, 0.5, 1, 2]),
        ({"operation": "clip", "minimum": 2, "maximum": 5}, [2, 2, 4, 5]),
    ],
)
def test_math(drawing, params, expected):
    port = "left" if "right" in params else "source"
    drawing.add("close", "price").add("m", "math", params, **{port: "close"})
    drawing.add("c", "condition", {"operator": "gt", "left": 2, "right": 1})
    drawing.add("e", "entry", {"stop_loss": {"type": "price"}}, when="c", stop_loss="m")
    evaluation = drawing.evaluate([1.0, 2, 4, 8])
    np.testing.assert_allclose(evaluation.columns[1], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"operator": "and"}, [3]),
        ({"operator": "or"}, [1, 2, 3, 4]),
        ({"operator": "xor"}, [1, 3]),
        ({"operator": "at_least", "k": 2}, [2, 3, 4]),
        ({"operator": "not"}, [0]),
    ],
)
def test_logic(drawing, params, expected):
    drawing.add("close", "price")
    for name, lower, upper in (("a", 2, 5), ("b", 3, 5), ("c", 4, 4)):
        bounds = {"operator": "between", "lower": lower, "upper": upper}
        drawing.add(name, "condition", bounds, left="close")
    ports = (
        {"in_1": "a"} if params["operator"] == "not" else {"in_1": "a", "in_2": "b", "in_3": "c"}
    )
    drawing.add("l", "logic", params, **ports).add("e", "entry", {}, when="l")
    evaluation = drawing.evaluate([1, 2, 3, 4, 5])
    assert np.flatnonzero(evaluation.columns[0]).tolist() == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("close", [10.0, 20.0]),
        ("high", [11.0, 22.0]),
        ("low", [9.0, 18.0]),
        ("hl2", [10.0, 20.0]),
        ("hlc3", [10.0, 20.0]),
        ("ohlc4", [10.0, 20.0]),
        ("volume", [100.0, 101.0]),
    ],
)
def test_price_fields(drawing, field, expected):
    drawing.add("p", "price", {"field": field})
    drawing.add("c", "condition", {"operator": "gt", "right": 1}, left="p")
    drawing.add("e", "entry", {"stop_loss": {"type": "price"}}, when="c", stop_loss="p")
    np.testing.assert_allclose(drawing.evaluate([10, 20]).columns[1], expected)


def test_sma_cross_by_hand(sma_cross):
    #   close   10   8   6   8  10  12   9   6
    #   sma 2    -   9   7   7   9  11  10.5  7.5
    #   sma 3    -   -   8  7.33 8  10  10.33 9
    evaluation = sma_cross.evaluate([10, 8, 6, 8, 10, 12, 9, 6])
    up, down = evaluation.columns
    assert np.flatnonzero(up).tolist() == [4]
    assert np.flatnonzero(down).tolist() == [7]
    assert evaluation.program.warmup == 3
    np.testing.assert_allclose(
        evaluation.overlays["sma(3)"], [NAN, NAN, 8, 22 / 3, 8, 10, 31 / 3, 9]
    )
    assert list(evaluation.overlays) == ["sma(2)", "sma(3)"]


def test_warm_up_is_the_first_bar_at_which_everything_is_defined(drawing):
    drawing.add("close", "price")
    drawing.add("sma", "indicator", {"name": "sma", "period": 3}, source="close")
    drawing.add("c", "condition", {"operator": "gt"}, left="close", right="sma")
    drawing.add("no", "logic", {"operator": "not"}, in_1="c")
    drawing.add("e", "entry", {}, when="no")
    evaluation = drawing.evaluate([1, 2, 3, 4])
    # `not` makes a truth of every missing value: only the warm-up keeps it from trading.
    assert evaluation.columns[0].tolist() == [True, True, False, False]
    assert evaluation.program.warmup == 2
    assert drawing.evaluate([1, 2, 3, 4], strict_cross=True).program.warmup == 3


def test_the_reference_profile_decides_one_bar_after_the_last_indicator(sma_cross, drawing):
    closes = np.arange(1.0, 9)
    assert sma_cross.evaluate(closes, strict_cross=True).program.warmup == 1 + 2


def test_warm_up_follows_the_data_where_a_series_starts_late(drawing):
    drawing.add("close", "price")
    drawing.add("less", "math", {"operation": "subtract", "right": 5}, left="close")
    drawing.add("log", "math", {"operation": "log"}, source="less")
    drawing.add("c", "condition", {"operator": "gt", "right": 0}, left="log")
    drawing.add("e", "entry", {}, when="c")
    assert drawing.evaluate([1, 2, 3, 7, 8, 2]).program.warmup == 3


def test_a_series_without_any_value_is_told(drawing):
    drawing.add("close", "price")
    drawing.add("none", "math", {"operation": "divide", "right": 0}, left="close")
    drawing.add("c", "condition", {"operator": "gt", "right": 0}, left="none")
    drawing.add("e", "entry", {}, when="c")
    evaluation = drawing.evaluate([1, 2, 3])
    assert evaluation.program.warmup == 3
    assert [(one.code, one.node_id) for one in evaluation.warnings] == [("never_defined", "none")]


def test_too_few_bars_name_the_node_and_how_many_are_needed(sma_cross):
    assert len(sma_cross.evaluate([1, 2, 3, 4]).columns) == 2
    with pytest.raises(InvalidInput) as caught:
        sma_cross.evaluate([1, 2, 3])
    (fault,) = caught.value.details
    assert (fault.expected, fault.received, fault.node_id) == (4, 3, "up")


def test_a_time_frame_shorter_than_the_bars_is_refused(sma_cross):
    sma_cross.nodes[1]["params"]["timeframe"] = "1 day"
    assert sma_cross.evaluate([1, 2, 3, 4, 5]).columns
    sma_cross.nodes[1]["params"]["timeframe"] = "1h"
    with pytest.raises(InvalidInput, match="shorter than the run's bars of '1d'") as caught:
        sma_cross.evaluate([1, 2, 3, 4, 5])
    assert [(fault.code, fault.node_id) for fault in caught.value.details] == [
        ("timeframe_below_run", "fast")
    ]


def test_charts_tell_price_scale_from_others_and_label_unusual_sources(drawing):
    drawing.add("close", "price").add("volume", "price", {"field": "volume"})
    drawing.add(
        "macd", "indicator", {"name": "macd", "fast": 2, "slow": 3, "signal": 2}, source="close"
    )
    drawing.add("calm", "indicator", {"name": "sma", "period": 2}, source="macd.signal")
    drawing.add("busy", "indicator", {"name": "sma", "period": 2}, source="volume")
    drawing.add("twice", "indicator", {"name": "ema", "period": 2}, source="plain")
    drawing.add("plain", "indicator", {"name": "sma", "period": 2}, source="close")
    names = ("calm", "busy", "twice")
    for name in names:
        drawing.add(f"{name}_up", "condition", {"operator": "gt", "right": 0}, left=name)
    ports = {f"in_{place}": f"{name}_up" for place, name in enumerate(names, start=1)}
    drawing.add("all", "logic", {"operator": "and"}, **ports).add("e", "entry", {}, when="all")
    evaluation = drawing.evaluate(np.arange(1.0, 20))
    assert set(evaluation.overlays) == {"sma(2)", "ema(2,sma(2))"}
    assert set(evaluation.panels) == {
        "macd(2,3,2).macd",
        "macd(2,3,2).signal",
        "macd(2,3,2).histogram",
        "sma(2,macd(2,3,2).signal)",
        "sma(2,volume)",
    }
    assert drawing.evaluate(np.arange(1.0, 20), charts=False).overlays == {}


def test_bars_are_not_changed_and_columns_have_one_value_a_bar(sma_cross):
    sma_cross.add("always", "condition", {"operator": "gt", "left": 2, "right": 1})
    sma_cross.add("more", "entry", {}, when="always")
    evaluation = sma_cross.evaluate(np.arange(1.0, 9))
    assert len(evaluation.columns) == 3
    for column in evaluation.columns:
        assert column.dtype == np.bool_
        assert column.shape == (8,)
        assert column.flags.c_contiguous


def test_columns_are_freed_when_nobody_reads_them_any_more(drawing):
    drawing.add("n0", "price")
    for place in range(1, 60):
        drawing.add(f"n{place}", "math", {"operation": "add", "right": place}, left=f"n{place - 1}")
    drawing.add("c", "condition", {"operator": "gt", "right": 0}, left="n59")
    drawing.add("e", "entry", {}, when="c")
    length = 50_000
    ones = np.ones(length)
    bars = Bars.from_arrays(
        ts=np.arange(length), open=ones, high=ones, low=ones, close=ones, volume=ones
    )
    plan = drawing.compile()
    plan_evaluate(plan, bars)
    tracemalloc.start()
    plan_evaluate(plan, bars)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * ones.nbytes


def test_the_first_defined_value_is_found_wherever_it_is():
    for series, first in (([NAN, NAN, 1, NAN], 2), ([1.0], 0), ([NAN] * 4, 4)):
        array = np.array(series, dtype=np.float64)
        for expected in (0, 2, 9):
            assert first_defined(array, expected=expected, length=len(array)) == first
