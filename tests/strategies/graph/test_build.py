"""Building step by step."""

from __future__ import annotations

import copy

import pytest

from core.errors import InvalidInput, NotFound
from strategies.graph.build import (
    action_append,
    condition_append,
    edge_append,
    indicator_append,
    node_remove,
)
from strategies.graph.compile import graph_compile
from strategies.graph.schema import graph_document, graph_hash, graph_parse


def built() -> tuple[dict, dict[str, str]]:
    fast = indicator_append(
        {}, body={"name": "ema", "params": {"period": 20, "timeframe": "1h"}, "source": "close"}
    )
    slow = indicator_append(
        fast.document, body={"type": "EMA", "period": 50, "time_frame": "1 hour"}
    )
    up = condition_append(
        slow.document,
        body={"operator": "crosses_above", "left": fast.node_id, "right": slow.node_id},
    )
    buy = action_append(up.document, body={"operation": "buy", "when": up.node_id})
    ids = {"fast": fast.node_id, "slow": slow.node_id, "up": up.node_id, "buy": buy.node_id}
    return buy.document, ids


def faults(call, document, body) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        call(document, body=body)
    return {detail.path: detail.code for detail in caught.value.details}


def test_step_by_step_gives_the_document_of_a_full_put():
    document, _ = built()
    put = {
        "nodes": [
            {"id": "close", "type": "price", "params": {"field": "close"}},
            {
                "id": "a",
                "type": "indicator",
                "params": {"name": "ema", "period": 20, "timeframe": "1h"},
            },
            {
                "id": "b",
                "type": "indicator",
                "params": {"name": "ema", "period": 50, "timeframe": "1h"},
            },
            {"id": "c", "type": "condition", "params": {"operator": "crosses_above"}},
            {"id": "d", "type": "action", "params": {"operation": "buy"}},
        ],
        "edges": [
            {"source": "close", "target": "a", "target_port": "source"},
            {"source": "close", "target": "b", "target_port": "source"},
            {"source": "a", "target": "c", "target_port": "left"},
            {"source": "b", "target": "c", "target_port": "right"},
            {"source": "c", "target": "d", "target_port": "when"},
        ],
    }
    assert graph_hash(graph_parse(document)) == graph_hash(graph_parse(put))
    assert graph_document(graph_parse(document)) == document
    assert len(graph_compile(graph_parse(document)).program.rules) == 1


def test_a_step_returns_its_node_and_keeps_the_draft_it_was_given():
    draft = {"nodes": [{"id": "close", "type": "price"}]}
    before = copy.deepcopy(draft)
    step = indicator_append(draft, body={"name": "sma", "period": 5, "id": "mine", "label": "Five"})
    assert draft == before
    assert step.node_id == "mine"
    assert step.node == {
        "id": "mine",
        "type": "indicator",
        "params": {"name": "sma", "period": 5},
        "data": {"label": "Five"},
    }
    assert step.warnings == []
    assert [node["id"] for node in step.document["nodes"]] == ["close", "mine"]


def test_a_number_is_compared_with_as_it_is():
    step = condition_append({}, body={"operator": "gt", "left": "volume", "right": 1000})
    assert step.node["params"] == {"operator": "gt", "right": 1000}
    assert step.document["edges"] == [{"source": "volume", "target": "gt", "target_port": "left"}]


def test_a_port_of_an_indicator_is_named_with_a_dot_or_an_object():
    macd = indicator_append({}, body={"name": "macd"})
    one = condition_append(
        macd.document, body={"operator": "gt", "left": "macd.signal", "right": 0}
    )
    two = condition_append(
        macd.document,
        body={"operator": "gt", "left": {"node": "macd", "port": "signal"}, "right": 0},
    )
    assert one.document == two.document
    assert one.document["edges"][-1]["source_port"] == "signal"


def test_conditions_are_combined():
    document, ids = built()
    other = condition_append(document, body={"operator": "gt", "left": "close", "right": 5})
    both = condition_append(
        other.document, body={"operator": "and", "inputs": [ids["up"], other.node_id]}
    )
    assert both.node["type"] == "logic"
    assert [edge["target_port"] for edge in both.document["edges"][-2:]] == ["in_1", "in_2"]


def test_an_option_action_is_kept_in_canonical_form():
    document, ids = built()
    body = {"action": "sell_put", "strike": "ATM", "expiry_days": 30, "when": ids["up"]}
    step = action_append(document, body=body)
    assert step.node["params"] == {
        "operation": "sell_put",
        "strike": {"by": "atm", "offset": 0},
        "expiry": {"dte": 30, "policy": "nearest"},
    }
    assert not step.warnings
    put = {
        "operation": "Sell put",
        "strike": {"by": "ATM"},
        "expiry": {"dte": 30},
        "when": ids["up"],
    }
    assert action_append(document, body=put).document == step.document


def test_several_actions_come_as_a_list_or_as_a_list_of_operations():
    document, ids = built()
    one = {"operation": "close", "when": ids["up"]}
    two = {"operation": "short", "when": ids["up"]}
    listed = action_append(document, body=[one, two])
    spread = action_append(document, body={"operation": ["close", "short"], "when": ids["up"]})
    assert listed.document == spread.document
    assert [node["params"]["operation"] for node in listed.nodes] == ["close", "short"]
    assert listed.node_id == listed.nodes[0]["id"]


def test_a_stop_names_its_series():
    document, ids = built()
    atr = indicator_append(document, body={"name": "atr", "period": 14})
    stop = {"type": "multiple", "value": 2, "source": atr.node_id}
    step = action_append(
        atr.document, body={"operation": "short", "when": ids["up"], "stop_loss": stop}
    )
    assert step.node["params"]["stop_loss"] == {"type": "multiple", "value": 2}
    assert step.document["edges"][-1] == {
        "source": "atr",
        "target": "short",
        "target_port": "stop_loss",
    }
    assert step.warnings == []


def test_what_is_missing_is_a_warning_and_what_is_wrong_is_refused():
    document, ids = built()
    (warning,) = condition_append(document, body={"operator": "gt", "left": "close"}).warnings
    assert (warning.code, warning.expected) == ("required", "number")
    (warning,) = action_append(document, body={"operation": "sell"}).warnings
    assert warning.code == "required"
    assert faults(indicator_append, document, {"name": "emma"}) == {
        "params.name": "unknown_indicator"
    }
    assert faults(indicator_append, document, {"name": "ema", "period": 0, "perid": 1}) == {
        "params.period": "out_of_range",
        "params.perid": "unknown_parameter",
    }
    assert faults(condition_append, document, {"operator": "gt", "left": "x", "right": "y"}) == {
        "left": "unknown_node",
        "right": "unknown_node",
    }
    assert faults(condition_append, document, {"left": "close", "right": 1}) == {
        "params.operator": "required"
    }
    mixed = {"operator": "gt", "left": ids["up"], "right": 1}
    assert set(faults(condition_append, document, mixed).values()) == {"type_mismatch"}
    assert faults(indicator_append, document, {"name": "sma", "id": "ema"}) == {"id": "duplicate"}
    assert faults(action_append, document, []) == {"": "required"}
    assert faults(action_append, document, [{"operation": "buy"}, 3]) == {"[1]": "wrong_type"}


def test_an_edge_is_added_and_checked():
    document, ids = built()
    exit_ = {"id": "leave", "type": "exit", "params": {}}
    document = document | {"nodes": [*document["nodes"], exit_]}
    step = edge_append(document, body={"source": ids["up"], "target": "leave"})
    assert step.node_id == "leave"
    assert step.document["edges"][-1]["target_port"] == "when"
    bad = {"source": ids["fast"], "target": "leave", "target_port": "when"}
    assert set(faults(edge_append, document, bad).values()) == {"type_mismatch"}
    assert faults(edge_append, document, {"source": "x", "target": "leave"}) == {
        "source": "unknown_node"
    }
    assert faults(edge_append, document, 3) == {"": "wrong_type"}


def test_an_edge_that_closes_a_circle_is_refused():
    one = {"id": "a", "type": "math", "params": {"operation": "negate"}}
    two = {"id": "b", "type": "math", "params": {"operation": "negate"}}
    step = edge_append({"nodes": [one, two]}, body={"source": "a", "target": "b"})
    assert set(faults(edge_append, step.document, {"source": "b", "target": "a"}).values()) == {
        "cycle"
    }


def test_a_removed_node_takes_its_edges_along():
    document, ids = built()
    rest = node_remove(document, node_id=ids["up"])
    assert [node["id"] for node in rest["nodes"]] == ["close", "ema", "ema_2", "buy"]
    assert len(rest["edges"]) == 2
    with pytest.raises(NotFound):
        node_remove(document, node_id="nobody")
