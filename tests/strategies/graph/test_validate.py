"""What keeps a graph from running."""

from __future__ import annotations

import pytest

from core.errors import InvalidInput
from strategies.graph.compile import graph_compile
from strategies.graph.schema import graph_parse
from strategies.graph.validate import graph_faults


def faults(drawing, parameters=None, **options) -> dict[str, str]:
    found, _ = graph_faults(graph_parse(drawing.document), parameters, **options)
    return {detail.path: detail.code for detail in found}


def warnings(drawing) -> list[tuple[str, str | None]]:
    _, found = graph_faults(graph_parse(drawing.document))
    return [(detail.code, detail.node_id) for detail in found]


def test_a_complete_graph_has_no_fault(sma_cross):
    assert faults(sma_cross) == {}
    assert warnings(sma_cross) == []


def test_all_faults_come_at_once(drawing):
    drawing.add("ema", "indicator", {"name": "ema", "period": 0, "perod": 3})
    drawing.add("up", "condition", {"operator": "crosses_abov"}, left="ema")
    drawing.add("no", "logic", {"operator": "not"}, in_1="ema")
    drawing.add("short", "math", {"operation": "shift", "n": -1}, source="ema")
    drawing.add("gt", "condition", {"operator": "gt"}, left="short", right="no", middle="ema")
    drawing.add("enter", "entry", {"side": "up"}, when="gt")
    drawing.add("leave", "exit", {}, when="up")
    assert faults(drawing) == {
        "nodes[0].params.period": "out_of_range",
        "nodes[0].params.perod": "unknown_parameter",
        "nodes[0].inputs.source": "required",
        "nodes[1].params.operator": "unknown_choice",
        "nodes[3].params.n": "out_of_range",
        "edges[1]": "type_mismatch",
        "edges[4]": "type_mismatch",
        "edges[5].target_port": "unknown_port",
        "nodes[5].params.side": "unknown_choice",
    }


def test_a_fault_tells_what_was_expected_and_received(drawing):
    drawing.add("close", "price").add("enter", "entry", {}, when="close")
    ((fault,), _) = graph_faults(graph_parse(drawing.document))
    assert fault.as_dict() == {
        "path": "edges[0]",
        "code": "type_mismatch",
        "message": "The port 'when' of 'enter' takes a bool, but 'close' gives a number on "
        "'value'.",
        "expected": "bool",
        "received": "number",
        "node_id": "enter",
    }


def test_a_missing_input_names_its_node_and_port(sma_cross):
    del sma_cross.edges[3]
    ((fault,), _) = graph_faults(graph_parse(sma_cross.document))
    assert (fault.path, fault.node_id, fault.expected) == ("nodes[3].inputs.right", "up", "number")


def test_a_port_takes_one_edge(sma_cross):
    sma_cross.edges.append({"source": "close", "target": "up", "target_port": "left"})
    assert faults(sma_cross) == {"edges[8]": "too_many_edges"}


def test_a_number_and_an_edge_cannot_both_feed_a_port(sma_cross):
    sma_cross.nodes[3]["params"]["left"] = 5
    assert faults(sma_cross) == {"edges[2]": "too_many_edges"}


def test_a_cycle_names_its_nodes(sma_cross):
    sma_cross.add("sum", "math", {"operation": "add", "right": 1}, left="twice")
    sma_cross.add("twice", "math", {"operation": "multiply", "right": 2}, left="sum")
    sma_cross.edges[2]["source"] = "twice"
    found, _ = graph_faults(graph_parse(sma_cross.document))
    assert [fault.code for fault in found] == ["cycle"]
    assert found[0].received in {"sum -> twice -> sum", "twice -> sum -> twice"}


def test_every_separate_cycle_is_told(drawing):
    for a, b in ("ab", "cd"):
        drawing.add(a, "math", {"operation": "negate"}, source=b)
        drawing.add(b, "math", {"operation": "negate"}, source=a)
    drawing.add("self", "math", {"operation": "negate"}, source="self")
    found, _ = graph_faults(graph_parse(drawing.document))
    cycles = {fault.received for fault in found if fault.code == "cycle"}
    assert len(cycles) == 3
    assert "self -> self" in cycles


def test_an_unused_node_is_a_warning_whatever_is_wrong_with_it(sma_cross):
    sma_cross.add("left_over", "indicator", {"name": "ema", "period": -3})
    assert faults(sma_cross) == {}
    assert ("unused", "left_over") in warnings(sma_cross)
    assert ("out_of_range", "left_over") in warnings(sma_cross)


def test_a_strategy_must_do_something(drawing):
    drawing.add("close", "price")
    assert faults(drawing) == {"nodes": "no_action"}


def test_a_strategy_that_never_opens_is_worth_a_look(drawing):
    drawing.add("close", "price")
    drawing.add("c", "condition", {"operator": "gt", "right": 1}, left="close")
    drawing.add("leave", "exit", {}, when="c")
    assert faults(drawing) == {}
    assert warnings(drawing) == [("never_opens", None)]


def test_depth_is_limited(drawing):
    drawing.add("n0", "price")
    for place in range(1, 99):
        drawing.add(f"n{place}", "math", {"operation": "negate"}, source=f"n{place - 1}")
    drawing.add("c", "condition", {"operator": "gt", "right": 0}, left="n97")
    drawing.add("enter", "entry", {}, when="c")
    assert faults(drawing) == {}
    drawing.edges[-2]["source"] = "n98"
    assert faults(drawing) == {"nodes": "too_deep"}


@pytest.mark.parametrize(
    ("params", "ports", "path", "code"),
    [
        (
            {"stop_loss": {"type": "percent", "value": 3}},
            {},
            "params.stop_loss.value",
            "out_of_range",
        ),
        ({"stop_loss": {"type": "percent"}}, {}, "params.stop_loss.value", "required"),
        (
            {"stop_loss": {"type": "points", "value": 3}},
            {},
            "params.stop_loss.type",
            "unknown_choice",
        ),
        ({"stop_loss": {"type": "multiple", "value": 2}}, {}, "params.stop_loss", "required"),
        ({"stop_loss": {"type": "price"}}, {}, "params.stop_loss", "required"),
        ({}, {"stop_loss": "close"}, "params.stop_loss", "unexpected_edge"),
        ({"stop_loss": 0.1}, {"stop_loss": "close"}, "params.stop_loss", "unexpected_edge"),
        ({"take_profit": "3%"}, {}, "params.take_profit", "wrong_type"),
        ({"sizing": {"type": "risk_percent", "value": 0.01}}, {}, "params.stop_loss", "required"),
        (
            {"sizing": {"type": "martingale", "value": 1}},
            {},
            "params.sizing.type",
            "unknown_choice",
        ),
        ({"sizing": {"type": "kelly", "value": 1.5}}, {}, "params.sizing.value", "out_of_range"),
        (
            {"sizing": {"type": "kelly", "value": 0.5, "maximum": 2}},
            {},
            "params.sizing.maximum",
            "out_of_range",
        ),
        (
            {"sizing": {"type": "volatility_target", "value": 0.1, "period": 1.5}},
            {},
            "params.sizing.period",
            "wrong_type",
        ),
        (
            {"sizing": {"type": "fixed_ratio", "value": 500, "period": 5}},
            {},
            "params.sizing.period",
            "unknown_key",
        ),
        ({"sizing": {"type": "cash", "value": -1}}, {}, "params.sizing.value", "out_of_range"),
        (
            {"sizing": {"type": "percent_of_equity", "value": 1.5}},
            {},
            "params.sizing.value",
            "out_of_range",
        ),
        ({"stop_loss": 1}, {}, "params.stop_loss", "out_of_range"),
        ({"side": "short", "take_profit": 1}, {}, "params.take_profit", "out_of_range"),
        ({"trailing": 1.5}, {}, "params.trailing.value", "out_of_range"),
        ({"time_stop": 0}, {}, "params.time_stop", "out_of_range"),
    ],
)
def test_stops_and_sizes_of_an_entry(drawing, params, ports, path, code):
    drawing.add("close", "price")
    drawing.add("c", "condition", {"operator": "gt", "right": 1}, left="close")
    drawing.add("enter", "entry", params, when="c", **ports)
    assert faults(drawing) == {f"nodes[2].{path}": code}


def test_a_stop_of_the_settings_satisfies_sizing_by_risk(drawing):
    drawing.add("c", "condition", {"operator": "gt", "left": 2, "right": 1})
    drawing.add("enter", "entry", {}, when="c")
    drawing.settings = {
        "sizing": {"type": "risk_percent", "value": 0.01},
        "stop_loss": {"type": "percent", "value": 0.05},
    }
    assert faults(drawing) == {}
    drawing.settings["stop_loss"] = {"type": "price"}
    assert faults(drawing) == {"settings.stop_loss.type": "unknown_choice"}


def test_a_size_beyond_the_equity_says_where_credit_comes_from(drawing):
    drawing.add("c", "condition", {"operator": "gt", "left": 2, "right": 1})
    sizing = {"type": "percent_of_equity", "value": 2}
    drawing.add("enter", "entry", {"sizing": sizing}, when="c")
    found, _ = graph_faults(graph_parse(drawing.document))
    assert "set the run's `margin`" in found[0].message


def test_a_short_may_lose_all_of_its_value_and_a_long_win_it(drawing):
    drawing.add("c", "condition", {"operator": "gt", "left": 2, "right": 1})
    drawing.add("enter", "entry", {"side": "short", "stop_loss": 1}, when="c")
    drawing.add("buy", "entry", {"take_profit": 1}, when="c")
    assert faults(drawing) == {}


def test_an_action_needs_something_that_runs_it(drawing):
    drawing.add("buy", "action", {"operation": "buy"})
    assert faults(drawing) == {"nodes[0].inputs.when": "required"}


@pytest.mark.parametrize(
    ("above", "operation", "fits"),
    [
        ({"type": "entry", "params": {"side": "long"}}, "buy", True),
        ({"type": "entry", "params": {"side": "long"}}, "short", False),
        ({"type": "entry", "params": {"side": "long"}}, "sell", False),
        ({"type": "entry", "params": {"side": "short"}}, "short", True),
        ({"type": "exit", "params": {}}, "cover", True),
        ({"type": "exit", "params": {}}, "buy", False),
    ],
)
def test_an_entry_runs_orders_of_its_side_and_an_exit_closing_ones(drawing, above, operation, fits):
    drawing.add("c", "condition", {"operator": "gt", "left": 2, "right": 1})
    drawing.add("above", above["type"], above["params"], when="c")
    drawing.add("order", "action", {"operation": operation}, exec="above.exec")
    assert faults(drawing) == ({} if fits else {"nodes[2].params.operation": "mismatch"})


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"operation": "sell_put", "order_type": "limit"}, "order_type"),
    ],
)
def test_what_this_version_cannot_run_is_saved_and_told(drawing, params, path):
    drawing.add("c", "condition", {"operator": "gt", "left": 2, "right": 1})
    drawing.add("order", "action", params, when="c")
    expected = {f"nodes[1].params.{name}": "not_supported" for name in path.split()}
    assert faults(drawing) == expected


def test_parameters_of_a_run_are_checked_against_their_bounds(sma_cross):
    sma_cross.parameters = [{"name": "n", "type": "int", "default": 2, "min": 2, "max": 9}]
    sma_cross.nodes[1]["params"]["period"] = {"$param": "n"}
    assert faults(sma_cross, {"n": 9}) == {}
    assert faults(sma_cross, {"n": 10, "m": 1}) == {
        "parameters.n": "out_of_range",
        "parameters.m": "unknown_parameter",
    }
    sma_cross.nodes[1]["params"]["period"] = {"$param": "k"}
    assert faults(sma_cross) == {"nodes[1].params.period": "unknown_parameter"}


def test_a_parameter_given_by_name_and_alias_is_a_fault(sma_cross):
    sma_cross.nodes[1]["params"]["timeperiod"] = 5
    assert faults(sma_cross) == {"nodes[1].params.timeperiod": "duplicate"}


def test_a_time_frame_must_be_made_of_the_runs_bars(sma_cross):
    sma_cross.nodes[1]["params"]["timeframe"] = "1 hour"
    assert faults(sma_cross) == {}
    assert faults(sma_cross, interval="60m") == {}
    assert faults(sma_cross, interval="1d") == {"nodes[1].params.timeframe": "timeframe_below_run"}
    sma_cross.nodes[2]["params"]["timeframe"] = "4h"
    assert faults(sma_cross) == {}
    assert faults(sma_cross, interval="3m") == {}
    assert set(faults(sma_cross, interval="7m").values()) == {"timeframe_not_multiple"}


def test_compiling_raises_what_validation_finds(drawing):
    drawing.add("enter", "entry").add("leave", "exit")
    graph = graph_parse(drawing.document)
    with pytest.raises(InvalidInput) as caught:
        graph_compile(graph)
    assert list(caught.value.details) == graph_faults(graph)[0]
    assert "and 1 more" in caught.value.message
