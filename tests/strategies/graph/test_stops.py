"""Time stops and trailing stops of entries, actions and the whole strategy."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Stop, StopKind
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


def test_what_an_order_opened_is_closed_so_many_bars_after_its_fill(signals):
    signals.add("enter", "entry", {"sizing": 1, "time_stop": 3}, when="low")
    (rule,) = signals.compile().program.rules
    assert rule.max_bars == 3
    assert filled(signals, LOW) == [(2, 1), (5, -1)]


def test_the_settings_hold_where_an_entry_says_nothing(signals):
    signals.settings = {"time_stop": 2, "sizing": {"type": "units", "value": 1}}
    signals.add("buy", "action", {"operation": "buy"}, when="low")
    signals.add("sell", "entry", {"side": "short", "max_bars_held": 1}, when="high")
    close = [4, 9, 9, 9, 9, 30, 9, 9, 9, 9, 9]
    assert filled(signals, close) == [(1, 1), (3, -1), (6, -1), (7, 1)]


def test_an_action_takes_it_from_the_entry_that_starts_it(signals):
    signals.settings = {"time_stop": 5}
    signals.add("enter", "entry", {"sizing": 1, "time_stop": {"$param": "age"}}, when="low")
    signals.parameters = [{"name": "age", "type": "int", "default": 4, "min": 1, "max": 9}]
    signals.add("wait", "wait", {}, exec="enter")
    signals.add("buy", "action", {"operation": "buy"}, exec="wait")
    assert filled(signals, LOW) == [(3, 1), (7, -1)]
    assert filled(signals, LOW, {"age": 2}) == [(3, 1), (5, -1)]
    signals.nodes[-1]["params"]["time_stop"] = 1
    assert filled(signals, LOW) == [(3, 1), (4, -1)]


@pytest.mark.parametrize(
    ("value", "code"), [(0, "out_of_range"), (2.5, "wrong_type"), ("soon", "wrong_type")]
)
def test_a_time_stop_counts_bars(signals, value, code):
    signals.add("enter", "entry", {"time_stop": value}, when="low")
    assert faults(signals) == {"nodes[3].params.time_stop": code}


# --- a stop that follows the price

UP_AND_DOWN = [4, 10, 20, 40, 37, 33, 30, 30]


def test_a_trailing_stop_follows_the_best_price(signals):
    signals.add("enter", "entry", {"sizing": 1, "trailing": 0.25}, when="low")
    (rule,) = signals.compile().program.rules
    assert rule.trailing == Stop(StopKind.PERCENT, 0.25)
    # The highest high is 40.04: a quarter below it is 30.03.
    assert filled(signals, UP_AND_DOWN) == [(1, 1), (6, -1)]


def test_a_trailing_stop_may_be_a_multiple_of_a_series_or_set_for_all(signals):
    trailing = {"type": "multiple", "value": 2}
    signals.add("enter", "entry", {"sizing": 1, "trailing": trailing}, when="low", trailing="half")
    signals.add("half", "constant", {"value": 1.5})
    (rule,) = signals.compile().program.rules
    assert (rule.trailing.kind, rule.trailing.value) == (StopKind.MULTIPLE, 2.0)
    # The highest high is 40.04: three below it is 37.04, and the low of bar 5 is 36.96.
    assert filled(signals, [4, 10, 20, 40, 39, 37, 30, 30]) == [(1, 1), (5, -1)]
    signals.settings = {"trailing": 0.25}
    del signals.nodes[3]["params"]["trailing"]
    assert faults(signals) == {"nodes[3].params.trailing": "unexpected_edge"}
    signals.edges.pop()
    assert filled(signals, UP_AND_DOWN) == [(1, 1), (6, -1)]


def test_risk_may_be_sized_to_a_trailing_stop(signals):
    risk = {"sizing": {"type": "risk_percent", "value": 0.01}}
    signals.add("enter", "entry", risk, when="low")
    assert faults(signals) == {"nodes[3].params.stop_loss": "required"}
    signals.nodes[-1]["params"]["trailing"] = 0.1
    assert faults(signals) == {}
