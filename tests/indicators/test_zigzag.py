"""The zigzag by hand, against an algorithm that looks at the whole series, and as a node."""

from __future__ import annotations

import numpy as np
import pytest

from core.indicators.registry import compute, indicator_get, params_bind
from strategies.graph.schema import graph_parse
from strategies.graph.validate import graph_faults

NAN = np.nan


def run(name, inputs, **params):
    spec = indicator_get(name)
    given = {key: np.asarray(column, dtype=float) for key, column in inputs.items()}
    return compute(spec, given, params_bind(spec, params))


def closes(*prices):
    return dict.fromkeys(("high", "low", "close"), prices)


def swings_by_force(prices, share):
    """Every swing as (bar that confirms it, its own bar, kind), by trying all pairs of bars."""
    found, start, kind = [], 0, 0
    while True:
        candidates = []
        for side in (1, -1) if kind == 0 else (-kind,):
            for at in range(start, len(prices)):
                window = side * prices[start : at + 1]
                extreme = int(np.argmax(window)) + start
                if side * (prices[extreme] - prices[at]) >= share * abs(prices[extreme]):
                    candidates.append((at, extreme, side))
                    break
        if not candidates:
            return found
        first = min(candidates)
        found.append(first)
        start, kind = first[0], first[2]


def test_a_swing_appears_at_the_bar_that_confirms_it():
    lines = run("zigzag_confirmed", closes(100, 110, 106, 104, 90, 94, 99, 100), deviation=5)
    # 110 is a swing at 104 (5.5 % below), 90 at 99 (10 % above): not at 106, not at 94
    # but 100 was a low first: 110 is 10 % above it
    np.testing.assert_array_equal(lines["value"], [NAN, 100, 100, 110, 110, 110, 90, 90])
    np.testing.assert_array_equal(lines["direction"], [NAN, 1, 1, -1, -1, -1, 1, 1])
    np.testing.assert_array_equal(lines["confirmed"], [NAN, -1, 0, 1, 0, 0, -1, 0])


def test_the_line_is_drawn_back_to_the_swings_and_on_to_the_last_close():
    prices = closes(100, 99, 100, 110, 106, 104, 90, 94, 99, 102, 101)
    lines = run("zigzag", prices, deviation=5)
    expected = [100, 99, 104.5, 110, 110 - 20 / 3, 110 - 40 / 3, 90, 94, 98, 102, 101]
    assert lines["value"].tolist() == pytest.approx(expected)
    assert lines["swing"].tolist() == [0, -1, 0, 1, 0, 0, -1, 0, 0, 0, 0]


def test_highs_and_lows_count_or_closes_only():
    inputs = {"high": [10, 12, 11, 9], "low": [9, 10, 9.5, 8], "close": [10, 11, 10, 8.5]}
    assert run("zigzag_confirmed", inputs, deviation=20)["value"].tolist()[1:] == [9, 12, 12]
    by_close = run("zigzag_confirmed", inputs, deviation=20, price="close")["value"]
    np.testing.assert_array_equal(by_close, [NAN, NAN, NAN, 11])


def test_a_bar_that_makes_a_new_extreme_does_not_confirm_it_too():
    wide = {"high": [10, 12, 20, 19], "low": [9, 11.5, 5, 6], "close": [9.5, 12, 6, 7]}
    lines = run("zigzag_confirmed", wide, deviation=20)
    np.testing.assert_array_equal(lines["value"], [NAN, 9, 9, 20])


@pytest.mark.parametrize("deviation", [0.5, 2.0, 5.0])
def test_swings_are_those_that_a_search_of_the_whole_series_finds(bars, deviation):
    prices = bars["close"]
    expected = swings_by_force(prices, deviation / 100)
    lines = run("zigzag_confirmed", bars, deviation=deviation, price="close")
    at = np.flatnonzero(np.abs(lines["confirmed"]) == 1)
    found = list(zip(at, lines["value"][at], lines["confirmed"][at], strict=True))
    assert found == [(bar, prices[extreme], kind) for bar, extreme, kind in expected]
    assert len(found) > 5
    drawn = run("zigzag", bars, deviation=deviation, price="close")
    marked = np.flatnonzero(drawn["swing"])
    assert marked.tolist() == [extreme for _, extreme, _ in expected]
    np.testing.assert_array_equal(drawn["value"][marked], prices[marked])


def test_prices_below_zero_and_series_without_a_swing_are_drawn_too():
    lines = run("zigzag_confirmed", closes(-10, -10.4, -11, -10.5, -10.3, -9), deviation=5)
    # 10 % down from -10; then 6.4 % up from -11
    np.testing.assert_array_equal(lines["value"], [NAN, NAN, -10, -10, -11, -11])
    flat = run("zigzag", closes(5, 5, 5))
    assert flat["value"].tolist() == [5, 5, 5]
    assert run("zigzag", closes(5, 5.1, 5.2))["value"].tolist() == pytest.approx([5, 5.1, 5.2])
    assert run("zigzag", closes(7))["value"].tolist() == [7]
    zeros = run("zigzag_confirmed", closes(0, 0, 0))
    assert np.isnan(zeros["value"]).all()


@pytest.mark.parametrize(("name", "refused"), [("zigzag", True), ("zigzag_confirmed", False)])
def test_only_the_confirmed_one_may_be_a_signal(name, refused):
    nodes = [
        {"id": "swing", "type": "indicator", "params": {"name": name}},
        {"id": "up", "type": "condition", "params": {"operator": "gt", "right": 0}},
        {"id": "enter", "type": "entry", "params": {"side": "long"}},
    ]
    edges = [
        {"source": "swing", "target": "up", "target_port": "left"},
        {"source": "up", "target": "enter", "target_port": "when"},
    ]
    found, _ = graph_faults(graph_parse({"schema_version": 1, "nodes": nodes, "edges": edges}))
    assert [fault.code for fault in found] == (["repaints"] if refused else [])
