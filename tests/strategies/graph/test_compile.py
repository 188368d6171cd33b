"""From graphs to programs."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.program import Operation, Rule, Size, SizeKind, Stop, StopKind
from strategies.graph.compile import graph_compile
from strategies.graph.schema import graph_hash, graph_parse


def yes(drawing, *names):
    """Add conditions that differ in what they compare."""
    drawing.add("close", "price")
    for number, name in enumerate(names, start=1):
        drawing.add(name, "condition", {"operator": "gt", "right": number}, left="close")
    return drawing


def test_entry_and_exit_become_rules_of_the_strategys_sizing(sma_cross):
    sma_cross.settings = {"sizing": {"type": "cash", "value": 500}, "max_open_entries": 3}
    program = sma_cross.compile().program
    assert program.rules == (
        Rule(Operation.OPEN_LONG, 0, Size(SizeKind.CASH, 500.0), source="enter"),
        Rule(Operation.CLOSE, 1, source="leave"),
    )
    assert len(program.columns) == 2
    assert program.max_open_entries == 3


def test_an_attached_action_stands_for_the_entrys_own_order(drawing):
    yes(drawing, "a")
    drawing.add("enter", "entry", {"stop_loss": 0.1, "take_profit": 0.2, "size": 5}, when="a")
    drawing.add("order", "action", {"operation": "buy", "stop_loss": 0.05, "size": 7}, exec="enter")
    assert drawing.compile().program.rules == (
        Rule(
            Operation.OPEN_LONG,
            0,
            Size(SizeKind.UNITS, 7.0),
            stop_loss=Stop(StopKind.PERCENT, 0.05),
            take_profit=Stop(StopKind.PERCENT, 0.2),
            source="order",
        ),
    )


@pytest.mark.parametrize(
    ("operation", "meant"),
    [
        ("buy", Operation.OPEN_LONG),
        ("sell", Operation.CLOSE_LONG),
        ("short", Operation.OPEN_SHORT),
        ("cover", Operation.CLOSE_SHORT),
        ("close", Operation.CLOSE),
    ],
)
def test_an_action_works_alone_on_its_own_condition(drawing, operation, meant):
    yes(drawing, "a").add("order", "action", {"operation": operation}, when="a")
    (rule,) = drawing.compile().program.rules
    assert (rule.operation, rule.source) == (meant, "order")


def test_the_condition_of_an_attached_action_guards_it(drawing):
    yes(drawing, "a", "b")
    drawing.add("enter", "entry", {}, when="a")
    drawing.add("order", "action", {"operation": "buy"}, exec="enter", when="b")
    evaluation = drawing.evaluate([1, 2, 3, 2, 4])
    assert evaluation.columns[0].tolist() == [False, False, True, False, True]


def test_one_action_under_two_entries_makes_two_rules(drawing):
    yes(drawing, "a", "b")
    drawing.add("one", "entry", {}, when="a").add("two", "entry", {}, when="b")
    drawing.add("order", "action", {"operation": "buy"}, exec="one")
    drawing.edges.append({"source": "two", "target": "order", "target_port": "exec"})
    assert len(drawing.compile().program.rules) == 2


def test_a_fraction_of_the_exit_holds_for_its_action(drawing):
    yes(drawing, "a")
    drawing.add("leave", "exit", {"fraction": 0.5, "side": "long"}, when="a")
    assert drawing.compile().program.rules[0].fraction == 0.5
    assert drawing.compile().program.rules[0].operation is Operation.CLOSE_LONG
    drawing.add("order", "action", {"operation": "sell"}, exec="leave")
    (rule,) = drawing.compile().program.rules
    assert (rule.fraction, rule.source) == (0.5, "order")


def test_stops_by_a_series_become_columns(drawing):
    yes(drawing, "a")
    drawing.add("atr", "indicator", {"name": "atr", "period": 3})
    drawing.add(
        "enter",
        "entry",
        {"stop_loss": {"type": "multiple", "value": 2}, "take_profit": {"type": "price"}},
        when="a",
        stop_loss="atr",
        take_profit="close",
    )
    plan = drawing.compile()
    (rule,) = plan.program.rules
    assert rule.stop_loss == Stop(StopKind.MULTIPLE, 2.0, 1)
    assert rule.take_profit == Stop(StopKind.PRICE, 0.0, 2)
    assert plan.lookback == 3
    evaluation = drawing.evaluate([5.0, 6, 7, 8, 9, 10])
    assert evaluation.columns[1].dtype == np.float64
    assert evaluation.columns[2].tolist() == [5, 6, 7, 8, 9, 10]


def test_equal_subgraphs_are_computed_once(sma_cross):
    before = len(sma_cross.compile().steps)
    sma_cross.add("close_2", "price")
    sma_cross.add("fast_2", "indicator", {"name": "SMA", "timeperiod": 2}, source="close_2")
    sma_cross.edges[4]["source"] = "fast_2"
    plan = sma_cross.compile()
    assert len(plan.steps) == before
    assert {step.node_id for step in plan.steps} == {"close", "fast", "slow", "up", "down"}


def test_a_program_depends_neither_on_ids_nor_on_order(drawing):
    yes(drawing, "a", "b")
    drawing.add("e1", "entry", {"stop_loss": 0.1}, when="a")
    drawing.add("e2", "entry", {"stop_loss": 0.2}, when="b")
    drawing.add("e3", "entry", {"side": "short"}, when="b")
    one, hash_one = drawing.compile().program, graph_hash(graph_parse(drawing.document))
    drawing.nodes.reverse()
    drawing.edges.reverse()
    two, hash_two = drawing.compile().program, graph_hash(graph_parse(drawing.document))
    assert (one, hash_one) == (two, hash_two)


def test_priority_decides_between_entries(drawing):
    yes(drawing, "a", "b")
    drawing.add("e1", "entry", {"side": "long"}, when="a")
    drawing.add("e2", "entry", {"side": "short", "priority": -1}, when="b")
    assert [rule.source for rule in drawing.compile().program.rules] == ["e2", "e1"]


def test_lookback_adds_up_along_the_longest_path(drawing):
    drawing.add("close", "price")
    drawing.add("sma", "indicator", {"name": "sma", "period": 10}, source="close")
    drawing.add("ema", "indicator", {"name": "ema", "period": 5}, source="sma")
    drawing.add("old", "math", {"operation": "shift", "n": 3}, source="ema")
    drawing.add("c", "condition", {"operator": "rising", "n": 2}, left="old")
    drawing.add("e", "entry", {}, when="c")
    plan = drawing.compile()
    assert plan.lookback == plan.program.warmup == 9 + 4 + 3 + 2


def test_parameters_bind_anywhere_even_inside_a_stop_and_as_an_indicators_name(drawing):
    drawing.parameters = [
        {"name": "kind", "type": "choice", "choices": ["sma", "ema"], "default": "sma"},
        {"name": "n", "type": "int", "default": 4},
        {"name": "stop", "type": "float", "default": 0.1, "min": 0.01, "max": 0.5},
    ]
    drawing.add("close", "price")
    params = {"name": {"$param": "kind"}, "period": {"$param": "n"}}
    drawing.add("average", "indicator", params, source="close")
    drawing.add("c", "condition", {"operator": "gt"}, left="close", right="average")
    stop = {"type": "percent", "value": {"$param": "stop"}}
    drawing.add("enter", "entry", {"stop_loss": stop}, when="c")
    plan = drawing.compile({"kind": "ema", "n": 7.0, "stop": 0.25})
    assert plan.parameters == {"kind": "ema", "n": 7, "stop": 0.25}
    assert [chart.labels for chart in plan.charts.values()] == [("ema(7)",)]
    assert plan.program.rules[0].stop_loss == Stop(StopKind.PERCENT, 0.25)


def test_five_hundred_nodes_compile():
    nodes = [{"id": "c", "type": "price"}]
    edges = []
    for number in range(1, 166):
        ema = {"name": "ema", "period": number + 1}
        nodes += [
            {"id": f"a{number}", "type": "indicator", "params": ema},
            {"id": f"b{number}", "type": "math", "params": {"operation": "add", "right": number}},
            {"id": f"d{number}", "type": "condition", "params": {"operator": "crosses_above"}},
        ]
        edges += [
            {"source": "c", "target": f"a{number}", "target_port": "source"},
            {"source": f"a{number}", "target": f"b{number}", "target_port": "left"},
            {"source": f"a{number}", "target": f"d{number}", "target_port": "left"},
            {"source": f"b{number}", "target": f"d{number}", "target_port": "right"},
            {"source": f"d{number}", "target": "or", "target_port": f"in_{number}"},
        ]
    nodes += [
        {"id": "or", "type": "logic", "params": {"operator": "or"}},
        {"id": "enter", "type": "entry"},
        {"id": "leave", "type": "exit"},
    ]
    edges += [{"source": "or", "target": "enter"}, {"source": "d1", "target": "leave"}]
    plan = graph_compile(graph_parse({"nodes": nodes, "edges": edges}))
    assert len(plan.steps) == 1 + 165 * 4 + 1
