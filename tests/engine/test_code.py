"""The postfix code, operation by operation: by hand, and beside the graph's columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.config import RunConfig
from core.engine.program import Operation, Rule, Size, SizeKind, Stop, StopKind
from core.engine.simulate import simulate
from strategies.graph.events import bars_since, followed, recent
from strategies.graph.series import changed, crossed, divided, rising, run_of, shifted
from tests.engine.code_scenario import program_of, value
from tests.engine.scenario import flat, random_market

NAN = np.nan
LEFT = [7.0, -2.0, 3.0, 0.0, NAN, 4.0, NAN]
RIGHT = [2.0, 5.0, 3.0, 0.0, 1.0, NAN, NAN]


def of_pairs(word: str) -> list[float]:
    columns = [np.array(LEFT), np.array(RIGHT)]
    return value(flat(*[1] * len(LEFT)), columns, "column 0", "column 1", word).tolist()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("add", [9, 3, 6, 0, NAN, NAN, NAN]),
        ("subtract", [5, -7, 0, 0, NAN, NAN, NAN]),
        ("multiply", [14, -10, 9, 0, NAN, NAN, NAN]),
        ("divide", [3.5, -0.4, 1, NAN, NAN, NAN, NAN]),
        ("minimum", [2, -2, 3, 0, NAN, NAN, NAN]),
        ("maximum", [7, 5, 3, 0, NAN, NAN, NAN]),
        ("greater", [1, 0, 0, 0, 0, 0, 0]),
        ("greater_equal", [1, 0, 1, 1, 0, 0, 0]),
        ("less", [0, 1, 0, 0, 0, 0, 0]),
        ("less_equal", [0, 1, 1, 1, 0, 0, 0]),
        ("equal", [0, 0, 1, 1, 0, 0, 0]),
        ("and", [1, 1, 1, 0, 0, 0, 0]),
        ("or", [1, 1, 1, 0, 1, 1, 0]),
        ("xor", [0, 0, 0, 0, 1, 1, 0]),
    ],
)
def test_operations_of_two_numbers(word: str, expected: list[float]) -> None:
    np.testing.assert_array_equal(of_pairs(word), expected)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("absolute", [4, 0, 9, NAN]),
        ("negate", [4, 0, -9, NAN]),
        ("square_root", [NAN, 0, 3, NAN]),
        ("logarithm", [NAN, NAN, np.log(9.0), NAN]),
        ("not", [0, 1, 0, 1]),
    ],
)
def test_operations_of_one_number(word: str, expected: list[float]) -> None:
    column = np.array([-4.0, 0.0, 9.0, NAN])
    np.testing.assert_array_equal(value(flat(1, 1, 1, 1), [column], "column 0", word), expected)


def test_columns_of_truths_are_ones_and_zeros_and_registers_keep_what_is_stored() -> None:
    truths = np.array([True, False, True])
    steps = ("column 0", "store 1", 10.0, "load 1", "load 1", "add", "subtract")
    assert value(flat(1, 1, 1), [truths], *steps).tolist() == [8, 10, 8]


NUMBERS = st.sampled_from([-1.0, 0.0, 0.0, 1.0, 2.0, NAN])
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS, st.booleans(), st.booleans()), min_size=1, max_size=30)


def columns_of(rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    left, right, first, then = zip(*rows, strict=True)
    return np.array(left), np.array(right), np.array(first, np.bool_), np.array(then, np.bool_)


@given(PAIRS)
def test_arithmetic_is_that_of_the_graphs_columns(rows: Any) -> None:
    left, right, _, _ = columns_of(rows)
    bars, columns = flat(*[1] * len(rows)), [left, right]
    with np.errstate(all="ignore"):
        expected = {
            "divide": divided(left, right), "minimum": np.minimum(left, right),
            "maximum": np.maximum(left, right), "multiply": left * right,
        }  # fmt: skip
    for word, wanted in expected.items():
        found = value(bars, columns, "column 0", "column 1", word)
        np.testing.assert_array_equal(found, wanted, word)


@given(PAIRS)
def test_crossings_are_those_of_the_graphs_columns(rows: Any) -> None:
    left, right, _, _ = columns_of(rows)
    bars, steps = flat(*[1] * len(rows)), ("column 0", "column 1", "cross_above 3")
    found = value(bars, [left, right], *steps)
    assert found.tolist() == crossed(left, right, len(rows), strict=False).tolist()
    strictly = value(bars, [left, right], *steps, config={"profile": "reference"})
    # The reference never looks at the first bar.
    expected = crossed(left[1:], right[1:], len(rows) - 1, strict=True)
    assert strictly[1:].tolist() == expected.tolist()


@given(PAIRS, st.integers(1, 4))
def test_truths_over_time_are_those_of_the_graphs_columns(rows: Any, bars: int) -> None:
    left, _, first, then = columns_of(rows)
    market, columns = flat(*[1] * len(rows)), [left, first, then]
    since = ("column 1", "bars_since 0")
    np.testing.assert_array_equal(value(market, columns, *since), bars_since(first))
    held = value(market, columns, "column 1", "run_length 7", bars, "greater_equal")
    assert held.tolist() == run_of(first, bars).tolist()
    assert value(market, columns, *since, bars, "less").tolist() == recent(first, bars).tolist()
    steps = ("column 2", *since, bars, "less", "shift 1 1", "and")
    assert value(market, columns, *steps).tolist() == followed(first, then, bars).tolist()
    upward = ("column 0", "column 0", "shift 1 1", "greater", "run_length 4", bars, "greater_equal")
    assert value(market, columns, *upward).tolist() == rising(left, bars).tolist()


@given(PAIRS, st.integers(0, 5))
def test_values_of_some_bars_ago_are_those_of_the_graphs_columns(rows: Any, bars: int) -> None:
    left, _, _, _ = columns_of(rows)
    market = flat(*[1] * len(rows))
    found = value(market, [left], "column 0", f"shift 2 {bars}")
    np.testing.assert_array_equal(found, shifted(left, bars))
    if bars:
        steps = ("column 0", "column 0", f"shift 2 {bars}", "divide", 1.0, "subtract")
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(value(market, [left], *steps), changed(left, bars))


def test_the_code_begins_at_the_warmup_and_sees_every_bar_from_there() -> None:
    true = np.array([True, False, False, False, False])
    found = value(flat(*[1] * 5), [true], "column 0", "bars_since 0", warmup=1)
    np.testing.assert_array_equal(found, [NAN] * 5)
    every = value(flat(*[1] * 5), [], 1.0, "run_length 0", warmup=2)
    np.testing.assert_array_equal(every, [NAN, NAN, 1, 2, 3])


def test_the_code_sees_the_bar_of_a_margin_call_too() -> None:
    bars = flat(100, 100, 92, 91, 91)
    always = np.ones(5, np.bool_)
    rules = (Rule(Operation.OPEN_LONG, 0),)
    found = value(
        bars, [always], 1.0, "run_length 0", rules=rules,
        config={"margin": 0.2, "maintenance_margin": 0.15},
    )  # fmt: skip
    assert found.tolist() == [1, 2, 3, 4, 5]


ONE = Size(SizeKind.UNITS, 1.0)


def fills(program: Any, bars: Any, columns: Any, **config: Any) -> list[int]:
    result = simulate(bars, columns, program, RunConfig.from_mapping(config))
    return result.fills["bar"].tolist()


def test_a_rule_acts_where_its_trigger_and_its_guard_are_true() -> None:
    bars, count = flat(*[10] * 8), np.arange(8.0)
    trigger = count >= 3
    steps = ("column 0", 5.0, "greater_equal", "store 2")
    both = Rule(Operation.OPEN_LONG, 1, ONE, guard=2)
    assert fills(program_of(*steps, columns=2, rules=[both]), bars, [count, trigger]) == [6, 7]
    guarded = Rule(Operation.OPEN_LONG, -1, ONE, guard=2)
    assert fills(program_of(*steps, columns=2, rules=[guarded]), bars, [count, trigger]) == [6, 7]
    always = Rule(Operation.OPEN_LONG, -1, ONE)
    assert fills(program_of(rules=[always]), bars, []) == [1, 7]


def test_a_guard_that_is_not_a_number_is_not_true() -> None:
    rule = Rule(Operation.OPEN_LONG, -1, ONE, guard=0)
    assert fills(program_of(NAN, "store 0", rules=[rule]), flat(*[10] * 4), []) == []


def test_each_rule_has_its_own_number_of_entries() -> None:
    rules = (
        Rule(Operation.OPEN_LONG, 0, ONE, max_entries=3),
        Rule(Operation.OPEN_LONG, 1, ONE),
    )
    always, late = np.ones(8, np.bool_), np.arange(8) >= 4
    program = program_of(columns=2, rules=rules)
    # One entry a bar while there are fewer than three; at the end one order closes them.
    assert fills(program, flat(*[10] * 8), [always, late]) == [1, 2, 3, 7]
    assert fills(program, flat(*[10] * 8), [late, always]) == [1, 5, 6, 7]


def test_guards_of_a_position_may_stand_at_a_register() -> None:
    bars = flat(100, 100, 97, 94, 100, 100)
    rule = Rule(
        Operation.OPEN_LONG, 0, ONE,
        stop_loss=Stop(StopKind.PRICE, register=0),
        take_profit=Stop(StopKind.MULTIPLE, 2.0, register=1),
    )  # fmt: skip
    first = np.arange(6) == 0
    steps = ("column 1", 5.0, "subtract", "store 0", 1.0, "store 1")
    program = program_of(*steps, columns=2, rules=[rule])
    # 95 as the decision saw it at bar 0, whatever the register holds later.
    result = simulate(bars, [first, bars.close], program, RunConfig())
    assert result.trades[["exit_bar", "exit_price"]].tolist() == [(3, 94.0)]
    rising = flat(100, 100, 101, 103)
    result = simulate(rising, [first[:4], rising.close], program, RunConfig())
    assert result.trades[["exit_bar", "exit_price"]].tolist() == [(3, 103.0)]


def test_a_register_that_is_not_a_number_leaves_no_entry_unguarded() -> None:
    rule = Rule(Operation.OPEN_LONG, -1, ONE, stop_loss=Stop(StopKind.PRICE, register=0))
    program = program_of(NAN, "store 0", rules=[rule])
    result = simulate(flat(*[10] * 4), [], program, RunConfig())
    assert len(result.fills) == 0
    assert result.counters["rejected_stop"] == 4


def test_code_that_no_rule_reads_changes_nothing() -> None:
    bars = random_market(np.random.default_rng(3), 60, 0.02)
    columns = [*(np.random.default_rng(4).random((2, 60)) < 0.2)]
    rules = (Rule(Operation.OPEN_LONG, 0), Rule(Operation.CLOSE, 1))
    plain = simulate(bars, columns, program_of(columns=2, rules=rules), RunConfig())
    steps = ("equity", "drawdown", "add", "shift 3 7", "store 0")
    coded = simulate(bars, columns, program_of(*steps, columns=2, rules=rules), RunConfig())
    assert plain.equity.tobytes() == coded.equity.tobytes()
    assert plain.trades.tolist() == coded.trades.tolist()
