"""Reading and writing documents; the identity of a graph."""

from __future__ import annotations

import copy
import random

import pytest

from core.errors import InvalidInput
from strategies.graph.schema import graph_document, graph_hash, graph_parse

CANONICAL = {
    "schema_version": 1,
    "parameters": [{"name": "fast", "type": "int", "default": 20, "min": 2, "max": 400, "step": 1}],
    "nodes": [
        {"id": "close", "type": "price", "params": {"field": "close"}},
        {
            "id": "ema",
            "type": "indicator",
            "params": {"name": "ema", "period": {"$param": "fast"}, "timeframe": "1h"},
            "position": {"x": 10, "y": 20.5},
            "data": {"label": "Fast"},
        },
        {"id": "up", "type": "condition", "params": {"operator": "crosses_above", "right": 100}},
        {"id": "enter", "type": "entry", "params": {"side": "long"}},
    ],
    "edges": [
        {"source": "close", "target": "ema", "target_port": "source"},
        {"id": "e1", "source": "ema", "target": "up", "target_port": "left"},
        {"source": "up", "target": "enter", "target_port": "when"},
    ],
    "settings": {"sizing": {"type": "percent_of_equity", "value": 1}, "max_open_entries": 1},
}

REACT_FLOW = {
    "viewport": {"x": 0, "y": 0, "zoom": 1},
    "parameters": [
        {
            "name": "fast",
            "type": "integer",
            "default": 20.0,
            "minimum": 2,
            "maximum": 400,
            "step": 1,
        }
    ],
    "nodes": [
        {"id": "close", "type": "price", "data": {"params": {"field": "Close"}}, "width": 90},
        {
            "id": "ema",
            "type": "indicator",
            "position": {"x": 10.0, "y": 20.5},
            "selected": True,
            "data": {
                "label": "Fast",
                "params": {"name": "EMA", "timeperiod": {"$param": "fast"}, "time_frame": "1 hour"},
            },
        },
        {
            "id": "up",
            "type": "condition",
            "data": {"label": "", "operator": "crosses above", "right": 100.0},
        },
        {"id": "enter", "type": "entry", "data": {"params": {"side": "LONG"}}},
    ],
    "connections": [
        {"source": "close", "sourceHandle": None, "target": "ema", "targetHandle": "source"},
        {"id": "e1", "source": "ema", "target": "up", "targetHandle": "left", "animated": True},
        {"source": "up", "target": "enter", "targetHandle": None},
    ],
    "settings": {"size": {"type": "percent_of_equity", "value": 1.0}, "max_open_entries": 1},
}


def faults_of(document) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        graph_parse(document)
    return {detail.path: detail.code for detail in caught.value.details}


def test_the_canonical_document_comes_back_as_it_went_in():
    assert graph_document(graph_parse(CANONICAL)) == CANONICAL


def test_the_spelling_of_react_flow_becomes_the_canonical_one():
    assert graph_document(graph_parse(REACT_FLOW)) == CANONICAL
    assert graph_hash(graph_parse(REACT_FLOW)) == graph_hash(graph_parse(CANONICAL))


def test_parsing_changes_nothing_it_is_given():
    before = copy.deepcopy(REACT_FLOW)
    graph_parse(REACT_FLOW)
    assert before == REACT_FLOW


def test_an_empty_draft_can_be_saved():
    graph = graph_parse({})
    assert graph.nodes == ()
    assert graph_parse(graph_document(graph)) == graph


def test_all_faults_come_at_once_with_their_places():
    assert faults_of(
        {
            "schema_version": 2,
            "node": [],
            "parameters": [{"name": "a b", "type": "int", "default": 1}],
            "nodes": [
                {"id": "a", "type": "prize"},
                {"id": "b", "type": "entry", "params": []},
                {"id": "b", "type": "exit", "sidde": "long"},
                {"type": "exit"},
            ],
            "edges": [
                {"source": "a", "target": "b"},
                {"source": "b", "target": "nowhere", "target_port": "when"},
                {"source": "b", "target": "b", "target_prot": "when"},
            ],
            "settings": {"sizes": 1},
        }
    ) == {
        "node": "unknown_key",
        "schema_version": "unknown_choice",
        "parameters[0].name": "invalid",
        "nodes[0].type": "unknown_node_type",
        "nodes[1].params": "wrong_type",
        "nodes[2].sidde": "unknown_key",
        "nodes[2].id": "duplicate",
        "nodes[3].id": "required",
        "edges[0].source": "unknown_node",
        "edges[1].target": "unknown_node",
        "edges[2].target_prot": "unknown_key",
        "edges[2].target_port": "required",
        "settings.sizes": "unknown_key",
    }


def test_a_fault_names_the_node_and_what_is_near():
    with pytest.raises(InvalidInput) as caught:
        graph_parse({"nodes": [{"id": "x", "type": "indicater"}]})
    (fault,) = caught.value.details
    assert fault.node_id == "x"
    assert "Did you mean 'indicator'?" in fault.message
    assert fault.received == "indicater"


@pytest.mark.parametrize(
    ("parameter", "path", "code"),
    [
        ({"name": "n", "type": "int", "default": 1, "min": 2}, "default", "out_of_range"),
        ({"name": "n", "type": "int", "default": 2.5}, "default", "wrong_type"),
        ({"name": "n", "type": "int", "default": True}, "default", "wrong_type"),
        ({"name": "n", "type": "int"}, "default", "wrong_type"),
        ({"name": "n", "type": "int", "default": 1, "min": 3, "max": 2}, "min", "out_of_range"),
        ({"name": "n", "type": "string", "default": "a"}, "type", "unknown_choice"),
        ({"name": "n", "type": "choice", "default": "a"}, "choices", "wrong_type"),
        (
            {"name": "n", "type": "choice", "default": "c", "choices": ["a"]},
            "default",
            "unknown_choice",
        ),
    ],
)
def test_a_parameter_must_make_sense_in_itself(parameter, path, code):
    assert faults_of({"parameters": [parameter]}) == {f"parameters[0].{path}": code}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (None, "malformed"),
        ([], "malformed"),
        ({"nodes": float("nan")}, "malformed"),
        ({"nodes": [{"id": "a\x00b", "type": "exit"}]}, "malformed"),
        ({"nodes": "\ud800"}, "malformed"),
        ({"nodes": {1, 2}}, "malformed"),
        ({1: 2}, "malformed"),
    ],
)
def test_what_is_no_json_document_is_malformed(document, code):
    with pytest.raises(InvalidInput) as caught:
        graph_parse(document)
    assert caught.value.code == code


def test_a_backslash_before_the_letters_of_a_nul_is_no_nul():
    node = {"id": "a", "type": "exit", "data": {"label": "C:\\u0000"}}
    assert graph_parse({"nodes": [node]}).nodes[0].label == "C:\\u0000"


@pytest.mark.parametrize("depth", [20, 900, 100_000])
def test_nesting_is_limited_however_deep(depth):
    value: list = []
    for _ in range(depth):
        value = [value]
    with pytest.raises(InvalidInput):
        graph_parse({"nodes": [{"id": "a", "type": "exit", "params": {"side": value}}]})


def test_sizes_are_limited():
    exits = [{"id": f"n{i}", "type": "exit"} for i in range(501)]
    edge = {"source": "n0", "target": "n1", "target_port": "when"}
    parameter = {"name": "p", "type": "int", "default": 1}
    assert faults_of({"nodes": exits}) == {"nodes": "too_many"}
    assert faults_of({"nodes": exits[:2], "edges": [edge] * 2001}) == {"edges": "too_many"}
    assert faults_of({"parameters": [parameter] * 33}) == {"parameters": "too_many"}
    big = {"nodes": [{"id": "a", "type": "exit", "data": {"label": "é" * 131_072}}]}
    assert faults_of(big) == {"": "too_large"}


def test_the_hash_ignores_ids_layout_labels_and_order():
    shuffled = copy.deepcopy(CANONICAL)
    names = {"close": "k", "ema": "7", "up": "z", "enter": "a"}
    for node in shuffled["nodes"]:
        node["id"] = names[node["id"]]
        node["position"] = {"x": random.random(), "y": 0}
        node["data"] = {"label": "other"}
    for edge in shuffled["edges"]:
        edge |= {"source": names[edge["source"]], "target": names[edge["target"]]}
    shuffled["edges"][0]["source_port"] = "value"
    shuffled["nodes"].reverse()
    shuffled["edges"].reverse()
    assert graph_hash(graph_parse(shuffled)) == graph_hash(graph_parse(CANONICAL))


def changed(path: str) -> dict:
    """Return the canonical document with one thing changed that a strategy is made of."""
    document = copy.deepcopy(CANONICAL)
    if path == "param":
        document["nodes"][3]["params"]["side"] = "short"
    elif path == "edge":
        document["edges"][1]["target_port"] = "right"
        document["nodes"][2]["params"] = {"operator": "crosses_above", "left": 100}
    elif path == "default":
        document["parameters"][0]["default"] = 21
    elif path == "settings":
        document["settings"]["max_open_entries"] = 2
    elif path == "node":
        document["nodes"].append({"id": "new", "type": "exit", "params": {}})
    return document


@pytest.mark.parametrize("path", ["param", "edge", "default", "settings", "node"])
def test_the_hash_changes_with_the_strategy(path):
    assert graph_hash(graph_parse(changed(path))) != graph_hash(graph_parse(CANONICAL))


def test_a_cyclic_draft_can_be_saved_and_hashed():
    sums = [{"id": name, "type": "math", "params": {"operation": "add"}} for name in "ab"]
    edges = [
        {"source": "a", "target": "b", "target_port": "left"},
        {"source": "b", "target": "a", "target_port": "left"},
    ]
    graph = graph_parse({"nodes": sums, "edges": edges})
    assert len(graph_hash(graph)) == 64


def test_edges_without_ports_fill_the_free_inputs_of_a_logic_node():
    nodes = [
        {"id": "a", "type": "condition", "params": {"operator": "gt"}},
        {"id": "b", "type": "condition", "params": {"operator": "lt"}},
        {"id": "both", "type": "logic", "params": {"operator": "and"}},
    ]
    edges = [
        {"source": "a", "target": "both", "target_port": "in_1"},
        {"source": "b", "target": "both"},
    ]
    graph = graph_parse({"nodes": nodes, "edges": edges})
    assert [edge.target_port for edge in graph.edges] == ["in_1", "in_2"]


def test_a_parameter_beside_params_is_refused_rather_than_lost():
    node = {"id": "a", "type": "indicator", "params": {"name": "ema"}, "period": 20}
    assert faults_of({"nodes": [node]}) == {"nodes[0].period": "unknown_key"}


def test_the_hash_tells_which_series_goes_where():
    def crossing(left: str, right: str) -> str:
        nodes = [
            {"id": "open", "type": "price", "params": {"field": "open"}},
            {"id": "close", "type": "price", "params": {"field": "close"}},
            {"id": "c", "type": "condition", "params": {"operator": "gt"}},
        ]
        edges = [
            {"source": left, "target": "c", "target_port": "left"},
            {"source": right, "target": "c", "target_port": "right"},
        ]
        return graph_hash(graph_parse({"nodes": nodes, "edges": edges}))

    assert (
        len({crossing("open", "close"), crossing("close", "open"), crossing("open", "open")}) == 3
    )


def test_the_hash_tells_an_entry_with_an_order_of_its_own_from_one_that_runs_actions():
    def entries(first: str, second: str) -> str:
        nodes = [
            {"id": "c", "type": "condition", "params": {"operator": "gt", "left": 2, "right": 1}},
            *({"id": name, "type": "entry"} for name in ("e1", "e2")),
            *(
                {"id": name, "type": "action", "params": {"operation": "buy"}}
                for name in ("a1", "a2")
            ),
        ]
        edges = [
            {"source": "c", "target": "e1"},
            {"source": "c", "target": "e2"},
            {"source": first, "target": "a1", "target_port": "exec"},
            {"source": second, "target": "a2", "target_port": "exec"},
        ]
        return graph_hash(graph_parse({"nodes": nodes, "edges": edges}))

    assert entries("e1", "e2") == entries("e2", "e1")
    assert entries("e1", "e1") != entries("e1", "e2")
