"""Time stops close what has been held for long enough."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Op, Operation
from core.engine.simulate import simulate
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_parse
from strategies.graph.validate import graph_faults

DAY_NS = 86_400 * 10**9


def filled(drawing, close, parameters=None) -> list[tuple[int, float]]:
    """Return the bar and signed quantity of every fill."""
    close = np.asarray(close, dtype=float)
    bars = Bars.from_arrays(
        ts=np.arange(len(close)) * DAY_NS,
        open=close,
        high=close * 1.001,
        low=close * 0.999,
        close=close,
        volume=np.full(len(close), 1000.0),
    )
    evaluation = plan_evaluate(drawing.compile(parameters), bars)
    config = RunConfig.from_mapping({"liquidate_at_end": False})
    fills = simulate(bars, evaluation.columns, evaluation.program, config).fills
    signed = np.where(fills["side"] > 0, fills["quantity"], -fills["quantity"])
    return list(zip(fills["bar"].tolist(), signed.tolist(), strict=True))


@pytest.fixture
def signals(drawing):
    """A low and a high close."""
    drawing.add("close", "price")
    drawing.add("low", "condition", {"operator": "lt", "right": 5}, left="close")
    return drawing.add("high", "condition", {"operator": "gt", "right": 20}, left="close")


def faults(drawing) -> dict[str, str]:
    return {one.path: one.code for one in graph_faults(graph_parse(drawing.document))[0]}


LOW = [9, 4, 9, 9, 9, 9, 9, 9]


def test_a_position_is_closed_at_the_open_after_it_was_held_so_long(signals):
    signals.add("enter", "entry", {"sizing": 1, "time_stop": 3}, when="low")
    program = signals.compile().program
    assert [rule.operation for rule in program.rules] == [
        Operation.OPEN_LONG,
        Operation.CLOSE_LONG,
    ]
    stop = program.rules[1]
    assert (stop.trigger, stop.guard, stop.source) == (-1, 0, "enter")
    assert [step.op for step in program.code] == [Op.FIELD, Op.PUSH, Op.GREATER_EQUAL, Op.STORE]
    # Filled at 2, three bars old at the close of 5.
    assert filled(signals, LOW) == [(2, 1), (6, -1)]


def test_the_settings_hold_for_every_entry(signals):
    signals.settings = {"time_stop": 2, "sizing": {"type": "units", "value": 1}}
    signals.add("buy", "action", {"operation": "buy"}, when="low")
    signals.add("sell", "entry", {"side": "short"}, when="high")
    assert len(signals.compile().program.rules) == 4
    close = [4, 9, 9, 9, 9, 30, 9, 9, 9, 9, 9]
    assert filled(signals, close) == [(1, 1), (4, -1), (6, -1), (9, 1)]


def test_an_entry_overrides_the_settings_and_its_action_the_entry(signals):
    signals.settings = {"time_stop": 5}
    signals.add("enter", "entry", {"sizing": 1, "max_bars_held": 4}, when="low")
    assert filled(signals, LOW) == [(2, 1), (7, -1)]
    signals.add("wait", "wait", {}, exec="enter")
    signals.add("buy", "action", {"operation": "buy"}, exec="wait")
    # A bar later, and inherited from the entry above the wait.
    assert filled(signals, [*LOW, 9, 9])[1] == (8, -1)
    signals.nodes[-1]["params"]["time_stop"] = 1
    assert filled(signals, LOW) == [(3, 1), (5, -1)]


def test_it_may_be_a_parameter_of_the_strategy(signals):
    signals.parameters = [{"name": "age", "type": "int", "default": 3, "min": 1, "max": 9}]
    signals.add("enter", "entry", {"sizing": 1, "time_stop": {"$param": "age"}}, when="low")
    assert filled(signals, LOW, {"age": 1}) == [(2, 1), (4, -1)]


def test_entries_of_one_side_must_agree(signals):
    signals.add("one", "entry", {"time_stop": 3}, when="low")
    signals.add("two", "entry", {}, when="high")
    signals.add("three", "entry", {"side": "short", "time_stop": 9}, when="high")
    assert faults(signals) == {"nodes[4].params.time_stop": "mismatch"}
    signals.nodes[4]["params"]["time_stop"] = 3
    assert faults(signals) == {}


@pytest.mark.parametrize(
    ("value", "code"), [(0, "out_of_range"), (2.5, "wrong_type"), ("soon", "wrong_type")]
)
def test_a_time_stop_counts_bars(signals, value, code):
    signals.add("enter", "entry", {"time_stop": value}, when="low")
    assert faults(signals) == {"nodes[3].params.time_stop": code}
