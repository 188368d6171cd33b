"""Groups: a subgraph folded into one node, which runs as if it were not."""

from __future__ import annotations

import copy
import json

import pytest

from core.errors import InvalidInput
from strategies.graph.catalogue import node_type_get
from strategies.graph.compile import graph_compile
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.validate import graph_faults


def node(node_id, type_, **params):
    return {"id": node_id, "type": type_, "params": params}


def edge(source, target, port=None):
    source, _, output = source.partition(".")
    found = {"source": source, "target": target, "target_port": port, "source_port": output}
    return {key: value for key, value in found.items() if value}


def port(name, node_id, inner=None):
    return {"name": name, "node": node_id} | ({"port": inner} if inner else {})


CROSS = [
    node("fast", "indicator", name="sma", period={"$param": "fast"}),
    node("slow", "indicator", name="sma", period=4),
    node("up", "condition", operator="crosses_above"),
    node("down", "condition", operator="crosses_below"),
]
WIRES = [
    edge("fast", "up", "left"),
    edge("slow", "up", "right"),
    edge("fast", "down", "left"),
    edge("slow", "down", "right"),
]
OUTSIDE = [node("close", "price"), node("enter", "entry"), node("leave", "exit")]
FLAT = {
    "parameters": [{"name": "fast", "type": "int", "default": 2, "min": 1, "max": 9}],
    "nodes": [*OUTSIDE, *CROSS],
    "edges": [
        *WIRES,
        *(edge("close", "fast", "source"), edge("close", "slow", "source")),
        *(edge("up", "enter", "when"), edge("down", "leave", "when")),
    ],
}


def grouped(**changes):
    """The same strategy with the crossing in a group."""
    group = {
        "name": "Crossing",
        "nodes": copy.deepcopy(CROSS),
        "edges": copy.deepcopy(WIRES),
        "inputs": [port("of", "fast"), port("of", "slow", "source")],
        "outputs": [port("up", "up"), port("down", "down", "value")],
    }
    return {
        "parameters": FLAT["parameters"],
        "nodes": [*OUTSIDE, node("cross", "group", **(group | changes))],
        "edges": [
            edge("close", "cross", "of"),
            *(edge("cross", "enter", "when"), edge("cross.down", "leave", "when")),
        ],
    }


def nested(levels):
    """The crossing in a group in a group in a group."""
    document = grouped()
    for level in range(levels):
        inner = document["nodes"].pop()
        ports = [port(name, inner["id"], name) for name in ("up", "down")]
        into = [port("of", inner["id"])]
        outer = node("cross", "group", nodes=[inner], inputs=into, outputs=ports)
        document["nodes"].append(outer)
        inner["id"] = f"level{level}"
        for one in (*ports, *into):
            one["node"] = inner["id"]
    return document


def faults(document, parse=graph_parse):
    """Return the faults of saving, or those of running."""
    try:
        graph = parse(document)
    except InvalidInput as error:
        return {one.path: one.code for one in error.details}
    return {one.path: one.code for one in graph_faults(graph)[0]}


def test_grouping_is_layout():
    flat, folded = graph_parse(FLAT), graph_parse(grouped())
    assert graph_hash(flat) == graph_hash(folded)
    programs = [graph_compile(graph, {"fast": 3}).program for graph in (flat, folded)]
    assert programs[0].columns == programs[1].columns
    assert [rule.source for rule in programs[1].rules] == ["enter", "leave"]
    assert graph_compile(folded).parameters == {"fast": 2}


@pytest.mark.parametrize("levels", [1, 3, 7])
def test_groups_stand_in_groups(levels):
    assert graph_hash(graph_parse(nested(levels))) == graph_hash(graph_parse(FLAT))


def test_groups_too_deep_are_refused():
    assert "too_deep" in faults(nested(8)).values()


def test_a_group_is_kept_in_canonical_spelling():
    drawn = grouped()
    params = drawn["nodes"][-1].pop("params")
    params["connections"] = [
        {"source": one["source"], "target": one["target"], "targetHandle": one["target_port"]}
        for one in params.pop("edges")
    ]
    params["nodes"][0] = {
        "id": "fast",
        "type": "indicator",
        "data": {"label": "Fast", "name": "SMA", "timeperiod": {"$param": "fast"}},
        "position": {"x": 1, "y": 2},
        "selected": True,
    }
    drawn["nodes"][-1]["data"] = {"params": params, "label": "Crossing"}
    graph = graph_parse(drawn)
    kept = graph_document(graph)["nodes"][-1]
    assert kept["data"] == {"label": "Crossing"}
    assert list(kept["params"]) == ["name", "nodes", "edges", "inputs", "outputs"]
    assert kept["params"]["nodes"][0] == {
        "id": "fast",
        "type": "indicator",
        "params": {"name": "sma", "period": {"$param": "fast"}},
        "position": {"x": 1, "y": 2},
        "data": {"label": "Fast"},
    }
    assert kept["params"]["inputs"][0] == port("of", "fast", "source")
    again = graph_parse(json.loads(json.dumps(graph_document(graph))))
    assert again == graph
    assert graph_hash(graph) == graph_hash(graph_parse(FLAT))


def test_ports_of_a_group_are_known_to_edges_that_leave_them_out():
    document = grouped()
    document["edges"] = [edge("close", "cross"), edge("cross", "enter"), edge("cross", "leave")]
    (into, *_) = graph_parse(document).edges
    assert into.target_port == "of"
    assert faults(document) == {}


def test_actions_and_loops_may_stand_in_a_group():
    inner = [
        node("loop", "loop", max_iterations=3),
        node("buy", "action", operation="buy"),
    ]
    group = node(
        "scale",
        "group",
        nodes=inner,
        edges=[edge("loop", "buy")],
        inputs=[port("on", "loop", "exec")],
    )
    document = FLAT | {
        "nodes": [*FLAT["nodes"], group],
        "edges": [*FLAT["edges"], edge("enter", "scale")],
    }
    rules = graph_compile(graph_parse(document)).program.rules
    assert [rule.source for rule in rules] == ["scale/buy", "leave"]


def test_faults_inside_say_where_they_are():
    document = nested(1)
    inner = document["nodes"][-1]["params"]["nodes"][0]["params"]
    inner["nodes"][1]["params"]["period"] = 0
    inner["edges"].pop()
    graph = graph_parse(document)
    found = graph_faults(graph)[0]
    where = "nodes[3].params.nodes[0].params.nodes"
    assert {one.path: (one.code, one.node_id) for one in found} == {
        f"{where}[1].params.period": ("out_of_range", "cross/level0/slow"),
        f"{where}[3].inputs.right": ("required", "cross/level0/down"),
    }
    inner["nodes"][0]["type"] = "indicatr"
    inner["edges"][0]["source"] = "nobody"
    with pytest.raises(InvalidInput) as caught:
        graph_parse(document)
    paths = {one.path: one.node_id for one in caught.value.details}
    assert paths[f"{where}[0].type"] == "cross/level0/fast"
    assert f"{where.removesuffix('nodes')}edges[0].source" in paths


def test_what_nothing_depends_on_is_a_warning_with_its_place():
    document = grouped()
    document["nodes"][-1]["params"]["nodes"].append(node("rsi", "indicator", name="rsi"))
    (unused, *_) = graph_faults(graph_parse(document))[1]
    assert (unused.path, unused.node_id) == ("nodes[3].params.nodes[4]", "cross/rsi")


def test_a_port_fed_from_outside_and_from_inside_is_fed_twice():
    document = grouped()
    document["nodes"][-1]["params"]["nodes"].append(node("own", "price"))
    document["nodes"][-1]["params"]["edges"].append(edge("own", "fast", "source"))
    assert faults(document) == {"edges[0]": "too_many_edges"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"inputs": [port("of", "nobody")]}, "nodes[3].params.inputs[0].node: unknown_node"),
        ({"inputs": [port("of", "up")]}, "nodes[3].params.inputs[0].port: required"),
        ({"inputs": [port("of", "fast")] * 2}, "nodes[3].params.inputs[1].name: duplicate"),
        ({"inputs": ["fast"]}, "nodes[3].params.inputs[0]: wrong_type"),
        ({"inputs": {}}, "nodes[3].params.inputs: wrong_type"),
        ({"inputs": []}, "edges[0].target_port: unknown_port"),
        ({"outputs": [port("up", "up")]}, "edges[2].source_port: unknown_port"),
        ({"outputs": []}, "edges[1].source_port: unknown_port"),
        ({"outputs": [port("up", "up")] * 2}, "nodes[3].params.outputs[1].name: duplicate"),
        ({"outputs": [{"node": "up"}]}, "nodes[3].params.outputs[0].name: required"),
        ({"color": "red"}, "nodes[3].params.color: unknown_parameter"),
        ({"name": ["x"]}, "nodes[3].params.name: wrong_type"),
        ({"nodes": 3}, "nodes[3].params.nodes: wrong_type"),
    ],
)
def test_what_is_wrong_with_a_group_is_told(changes, expected):
    path, _, code = expected.partition(": ")
    assert faults(grouped(**changes))[path] == code


def test_an_id_that_a_node_in_a_group_has_already_is_refused():
    document = grouped()
    document["nodes"][0]["id"] = document["edges"][0]["source"] = "cross/fast"
    assert faults(document) == {"nodes": "duplicate"}


def test_limits_count_what_is_in_groups():
    def crowd(count):
        inner = [node(f"n{number}", "price") for number in range(count)]
        return {"nodes": [node(one, "group", nodes=inner) for one in ("a", "b")]}

    assert faults(crowd(249)) == {"nodes": "no_action"}
    assert faults(crowd(250)) == {"nodes[1].params.nodes": "too_many"}
    inner = [node("c", "condition", operator="gt"), node("p", "price")]
    wires = [edge("p", "c", "left")] * 1001
    groups = [node(one, "group", nodes=inner, edges=wires) for one in ("a", "b")]
    assert faults({"nodes": groups}) == {"nodes[1].params.edges": "too_many"}


def test_ports_that_fork_again_and_again_do_not_multiply_without_end():
    ors = [node(f"or{number}", "logic", operator="or") for number in range(90)]
    into = [port("on", one["id"], f"in_{number}") for one in ors for number in (1,)]
    group = node("g0", "group", nodes=ors, inputs=into)
    for level in range(1, 7):
        inner = dict.fromkeys(one["name"] for one in group["params"]["inputs"])
        pairs = (
            [("on", name) for name in inner]
            if level % 2 == 0
            else [(f"on{number}", name) for number in range(60) for name in inner]
        )
        ports = [port(name, group["id"], of) for name, of in pairs]
        group = node(f"g{level}", "group", nodes=[group], inputs=ports)
    assert faults({"nodes": [group]}) == {"edges": "too_many"}


def test_edges_that_fork_count_as_often_as_they_fork():
    ors = [node(f"or{number}", "logic", operator="or") for number in range(90)]
    group = node("g", "group", nodes=ors, inputs=[port("on", one["id"], "in_1") for one in ors])
    yes = node("yes", "condition", operator="gt", left=1, right=0)
    document = {"nodes": [yes, group], "edges": [edge("yes", "g", "on")] * 23}
    assert faults(document) == {"edges": "too_many"}
    document["edges"].pop()
    assert "too_many" not in faults(document).values()


def test_the_catalogue_says_where_the_ports_of_a_group_are():
    about = node_type_get("group").describe()
    assert about["dynamic_ports"]["inputs"] == "params.inputs[].name"
    assert {one["name"] for one in about["parameters"]} == {
        *("name", "nodes", "edges", "inputs", "outputs")
    }
