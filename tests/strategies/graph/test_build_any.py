"""Any strategy can be built call by call, and is then the one that a full PUT would store."""

from __future__ import annotations

import copy

import pytest

from core.errors import InvalidInput
from strategies.graph.build import action_append, condition_append, indicator_append
from strategies.graph.catalogue import node_type_names
from strategies.graph.compile import graph_compile
from strategies.graph.ordering import order_find
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import TEMPLATES, template_get
from strategies.graph.validate import graph_faults

CALLS = {
    **dict.fromkeys(("price", "constant", "time", "position", "indicator"), indicator_append),
    **dict.fromkeys(("entry", "exit", "action", "loop", "wait", "rank"), action_append),
}


def stepped(document):
    """Build a document again, one call a node."""
    built = {"parameters": document["parameters"], "settings": document["settings"]}
    nodes = {node["id"]: node for node in document["nodes"]}
    pairs = [(edge["source"], edge["target"]) for edge in document["edges"]]
    for node_id in order_find(list(nodes), pairs).sorted:
        node = nodes[node_id]
        body = {key: node[key] for key in ("id", "type", "params", "position") if key in node}
        body |= {"label": node["data"]["label"]} if "data" in node else {}
        for edge in document["edges"]:
            if edge["target"] == node_id:
                source = ".".join(filter(None, (edge["source"], edge.get("source_port"))))
                port = edge["target_port"]
                stop = node["params"].get(port)
                if isinstance(stop, dict):
                    body["params"] = body["params"] | {port: stop | {"source": source}}
                else:
                    body.setdefault(port, []).append(source)
        body = {
            key: value[0] if isinstance(value, list) and len(value) == 1 else value
            for key, value in body.items()
        }
        built = CALLS.get(node["type"], condition_append)(built, body=body).document
    return built


def in_order(document):
    """Return a document with its nodes and edges in an order of their own."""
    return document | {
        "nodes": sorted(document["nodes"], key=lambda node: node["id"]),
        "edges": sorted(document["edges"], key=lambda edge: sorted(edge.items())),
    }


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_built_by_steps_is_the_template(name):
    put = graph_document(graph_parse(template_get(name).document))
    built = stepped(put)
    assert in_order(built) == in_order(put)
    assert graph_hash(graph_parse(built)) == graph_hash(graph_parse(put))


EVERYTHING = {
    "parameters": [{"name": "n", "type": "int", "default": 3}],
    "nodes": [
        {"id": "close", "type": "price", "params": {"field": "close"}},
        {"id": "two", "type": "constant", "params": {"value": 2}},
        {"id": "clock", "type": "time", "params": {}},
        {"id": "pos", "type": "position", "params": {}},
        {"id": "ema", "type": "indicator", "params": {"name": "ema", "period": {"$param": "n"}}},
        {"id": "gap", "type": "math", "params": {"operation": "subtract"}},
        {"id": "wide", "type": "condition", "params": {"operator": "gt", "right": 1}},
        {"id": "early", "type": "condition", "params": {"operator": "lt"}},
        {"id": "rich", "type": "condition", "params": {"operator": "gt", "right": 5}},
        {"id": "both", "type": "logic", "params": {"operator": "and"}},
        {"id": "then", "type": "sequence", "params": {"n": 4}},
        {"id": "long", "type": "hold", "params": {"n": 2}},
        {"id": "lately", "type": "recent", "params": {"n": 5}},
        {"id": "ago", "type": "bars_since", "params": {}},
        {"id": "old", "type": "condition", "params": {"operator": "gte", "right": 2}},
        {"id": "enter", "type": "entry", "params": {"side": "long", "stop_loss": 0.1}},
        {"id": "again", "type": "loop", "params": {"every": 3, "max_iterations": 4}},
        {
            "id": "buy",
            "type": "action",
            "params": {"operation": "buy", "sizing": {"type": "cash", "value": 500}},
        },
        {"id": "leave", "type": "exit", "params": {"side": "any"}},
        {"id": "later", "type": "wait", "params": {"bars": 2}},
        {"id": "sell", "type": "action", "params": {"operation": "close"}},
        {"id": "calm", "type": "rank", "params": {"order": "lowest"}},
        {
            "id": "folded",
            "type": "group",
            "params": {
                "name": "Above",
                "nodes": [{"id": "c", "type": "condition", "params": {"operator": "gt"}}],
                "edges": [],
                "inputs": [
                    {"name": "one", "node": "c", "port": "left"},
                    {"name": "two", "node": "c", "port": "right"},
                ],
                "outputs": [{"name": "above", "node": "c"}],
            },
        },
    ],
    "edges": [
        {"source": source, "target": target, "target_port": port}
        for source, target, port in (
            ("close", "ema", "source"),
            ("close", "gap", "left"),
            ("ema", "gap", "right"),
            ("gap", "wide", "left"),
            ("clock", "early", "left"),
            ("two", "early", "right"),
            ("wide", "both", "in_1"),
            ("early", "both", "in_2"),
            ("wide", "then", "first"),
            ("early", "then", "then"),
            ("wide", "long", "in_1"),
            ("rich", "lately", "in_1"),
            ("lately", "ago", "in_1"),
            ("ago", "old", "left"),
            ("both", "enter", "when"),
            ("enter", "again", "exec"),
            ("folded", "again", "while"),
            ("again", "buy", "exec"),
            ("then", "buy", "when"),
            ("old", "leave", "when"),
            ("long", "later", "when"),
            ("leave", "later", "exec"),
            ("later", "sell", "exec"),
            ("close", "folded", "one"),
            ("ema", "folded", "two"),
            ("gap", "calm", "source"),
        )
    ]
    + [
        {
            "source": "pos",
            "source_port": "unrealized_pnl_pct",
            "target": "rich",
            "target_port": "left",
        }
    ],
    "settings": {"max_open_entries": 2},
}


def test_a_strategy_of_every_node_type_is_built_by_steps():
    put = graph_document(graph_parse(EVERYTHING))
    assert {node["type"] for node in put["nodes"]} == set(node_type_names())
    built = stepped(put)
    assert in_order(built) == in_order(put)
    assert graph_hash(graph_parse(built)) == graph_hash(graph_parse(put))
    assert graph_faults(graph_parse(built)) == ([], [])
    assert graph_compile(graph_parse(built)).program == graph_compile(graph_parse(put)).program


@pytest.mark.parametrize(
    ("append", "body", "expected"),
    [
        (indicator_append, {"type": "price", "field": "high"}, ("price", {"field": "high"})),
        (indicator_append, {"type": "Constant", "value": 3}, ("constant", {"value": 3})),
        (indicator_append, {"type": "indicator", "name": "RSI"}, ("indicator", {"name": "rsi"})),
        (indicator_append, {"type": "math", "operation": "+", "left": "close", "right": 1},
         ("math", {"operation": "add", "right": 1})),
        (condition_append, {"operation": "*", "left": "close", "right": 2},
         ("math", {"operation": "multiply", "right": 2})),
        (condition_append, {"type": "bars since", "in_1": "yes"}, ("bars_since", {})),
        (condition_append, {"operator": "hold", "in_1": "yes", "bars": 2}, ("hold", {"n": 2})),
        (condition_append, {"operator": ">", "left": "close", "right": 2},
         ("condition", {"operator": "gt", "right": 2})),
        (condition_append, {"type": "NOT", "inputs": ["yes"]}, ("logic", {"operator": "not"})),
        (condition_append, {"type": "logic", "operator": "or", "inputs": ["yes"]},
         ("logic", {"operator": "or"})),
        (action_append, {"type": "loop", "when": "yes", "n": 5, "times": 3},
         ("loop", {"every": 5, "max_iterations": 3})),
        (action_append, {"action": "loop", "when": "yes", "max": 3},
         ("loop", {"max_iterations": 3})),
        (action_append, {"operation": "wait", "when": "yes", "n": 3},
         ("action", {"operation": "wait", "bars": 3})),
        (action_append, {"type": "exit", "when": "yes", "fraction": 0.5},
         ("exit", {"fraction": 0.5})),
    ],
)  # fmt: skip
def test_a_step_may_name_any_node_type(append, body, expected):
    yes = {"id": "yes", "type": "condition", "params": {"operator": "gt", "left": 1, "right": 0}}
    step = append({"nodes": [yes]}, body=body)
    assert (step.node["type"], step.node["params"]) == expected
    assert step.warnings == []


def test_a_list_of_steps_may_mix_types():
    yes = {"id": "yes", "type": "condition", "params": {"operator": "gt", "left": 1, "right": 0}}
    step = action_append(
        {"nodes": [yes]},
        body=[
            {"type": "entry", "id": "enter", "when": "yes"},
            {"type": "loop", "id": "again", "exec": "enter", "max_iterations": 2},
            {"operation": "buy", "exec": ["again"], "quantity": 5},
        ],
    )
    assert [node["type"] for node in step.nodes] == ["entry", "loop", "action"]
    assert step.nodes[2]["params"]["sizing"] == {"type": "units", "value": 5}
    assert graph_faults(graph_parse(step.document)) == ([], [])


def test_what_the_position_cannot_feed_is_refused_at_once():
    pos = indicator_append({}, body={"type": "position"})
    with pytest.raises(InvalidInput) as caught:
        indicator_append(pos.document, body={"name": "sma", "source": "position.equity"})
    assert [(one.path, one.code) for one in caught.value.details] == [
        ("inputs.source", "position_dependent")
    ]


def test_faults_in_a_group_are_those_of_its_step():
    group = copy.deepcopy(EVERYTHING["nodes"][-1])
    inner = group["params"]["nodes"][0]["params"]
    body = {"type": "group", **group["params"], "one": "close", "two": "open"}
    assert condition_append({}, body=body).warnings == []
    inner["operator"] = "gtt"
    with pytest.raises(InvalidInput) as caught:
        condition_append({}, body=body)
    assert [(one.path, one.code) for one in caught.value.details] == [
        ("params.nodes[0].params.operator", "unknown_choice")
    ]
    with pytest.raises(InvalidInput) as caught:
        condition_append({}, body=body | {"three": "close", "two": "nobody"})
    assert {one.path: one.code for one in caught.value.details} == {
        "params.three": "unknown_parameter",
        "two": "unknown_node",
    }
