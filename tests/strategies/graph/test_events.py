"""Truths over time: sequence, hold, recent and bars_since, by hand and by definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strategies.graph.events import bars_since, followed, recent
from strategies.graph.series import run_of

TRUTHS = arrays(np.bool_, st.integers(0, 40))
PAIRS = st.integers(0, 40).flatmap(lambda n: st.tuples(arrays(np.bool_, n), arrays(np.bool_, n)))
BARS = st.integers(1, 50)


@pytest.fixture
def where(drawing):
    """Return where a node is true; `a` is close > 4, `b` is close < 2."""

    def find(type_, params, close, **ports):
        drawing.add("close", "price")
        drawing.add("a", "condition", {"operator": "gt", "right": 4}, left="close")
        drawing.add("b", "condition", {"operator": "lt", "right": 2}, left="close")
        drawing.add("node", type_, params, **ports).add("enter", "entry", {}, when="node")
        evaluation = drawing.evaluate(close)
        return np.flatnonzero(evaluation.columns[0]).tolist(), evaluation.program.warmup

    return find


# bar       0  1  2  3  4  5  6  7  8  9
CLOSES = [5, 1, 1, 3, 1, 5, 3, 5, 5, 5]


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, [1]), (2, [1, 2]), (3, [1, 2]), (4, [1, 2, 4])],
)
def test_a_sequence_is_a_and_then_b_within_n_bars(where, n, expected):
    assert where("sequence", {"n": n}, CLOSES, first="a", then="b") == (expected, n)


def test_both_on_one_bar_are_no_sequence(where):
    assert where("sequence", {"n": 1}, [5, 3, 5, 5], first="a", then="a")[0] == [3]


@pytest.mark.parametrize(("n", "expected"), [(1, [0, 5, 7, 8, 9]), (2, [8, 9]), (3, [9])])
def test_hold_is_true_once_its_input_lasted_n_bars(where, n, expected):
    assert where("hold", {"n": n}, CLOSES, in_1="a") == (expected, n - 1)


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, [0, 5, 7, 8, 9]), (2, [0, 1, 5, 6, 7, 8, 9]), (3, [0, 1, 2, 5, 6, 7, 8, 9])],
)
def test_recent_remembers_for_n_bars(where, n, expected):
    assert where("recent", {"bars": n}, CLOSES, in_1="a") == (expected, n - 1)


def test_bars_since_counts_from_the_last_time(drawing):
    drawing.add("close", "price")
    drawing.add("low", "condition", {"operator": "lt", "right": 2}, left="close")
    drawing.add("since", "bars_since", in_1="low")
    drawing.add("c", "condition", {"operator": "gte", "right": 2}, left="since")
    drawing.add("e", "entry", {"stop_loss": {"type": "price"}}, when="c", stop_loss="since")
    truth, since = drawing.evaluate(CLOSES).columns
    np.testing.assert_array_equal(since, [math.nan, 0, 0, 1, 0, 1, 2, 3, 4, 5])
    assert np.flatnonzero(truth).tolist() == [6, 7, 8, 9]


def test_decisions_do_not_wait_for_what_may_never_happen(drawing):
    drawing.add("close", "price")
    drawing.add("sma", "indicator", {"name": "sma", "period": 3}, source="close")
    drawing.add("crash", "condition", {"operator": "lt", "right": 0.5}, left="close")
    drawing.add("since", "bars_since", in_1="crash")
    drawing.add("years", "math", {"operation": "divide", "right": 252}, left="since")
    drawing.add("calm", "condition", {"operator": "gt", "right": 1}, left="years")
    drawing.add("up", "condition", {"operator": "gt"}, left="close", right="sma")
    drawing.add("either", "logic", {"operator": "or"}, in_1="calm", in_2="up")
    drawing.add("e", "entry", {}, when="either")
    evaluation = drawing.evaluate([1, 2, 3, 4, 5])
    assert evaluation.program.warmup == 2
    assert evaluation.warnings == ()
    assert evaluation.columns[0].tolist() == [False, False, True, True, True]
    assert drawing.evaluate([1, 2, 3, 4, 5], strict_cross=True).program.warmup == 3


def test_a_truth_that_is_the_same_at_every_bar_fits_every_node(where, drawing):
    drawing.add("always", "condition", {"operator": "gt", "left": 2, "right": 1})
    drawing.add("long", "hold", {"n": 2}, in_1="always")
    drawing.add("since", "bars_since", in_1="always")
    drawing.add("now", "condition", {"operator": "eq", "right": 0}, left="since")
    drawing.add("all", "logic", {"operator": "and"}, in_1="now", in_2="long")
    found = where("sequence", {"n": 1}, [1, 1, 1, 1], first="always", then="all")
    assert found == ([1, 2, 3], 2)


@given(TRUTHS, BARS)
def test_recent_and_hold_follow_their_definition(true, bars):
    windows = [true[max(bar - bars + 1, 0) : bar + 1] for bar in range(len(true))]
    assert recent(true, bars).tolist() == [bool(window.any()) for window in windows]
    assert run_of(true, bars).tolist() == [
        len(window) == bars and bool(window.all()) for window in windows
    ]


@given(PAIRS, BARS)
def test_a_sequence_follows_its_definition(pair, bars):
    first, then = pair
    assert followed(first, then, bars).tolist() == [
        bool(then[bar]) and any(first[max(bar - bars, 0) : bar]) for bar in range(len(then))
    ]


@given(TRUTHS)
def test_bars_since_follows_its_definition(true):
    expected = [
        next((float(ago) for ago in range(bar + 1) if true[bar - ago]), math.nan)
        for bar in range(len(true))
    ]
    np.testing.assert_array_equal(bars_since(true), expected)
