from __future__ import annotations

import copy

from strategies.diff import graph_diff


def test_equal_graphs_differ_in_nothing_whatever_their_layout(graph):
    moved = copy.deepcopy(graph)
    moved["nodes"][0] |= {"position": {"x": 1, "y": 2}, "data": {"label": "Close"}}
    moved["nodes"].reverse()
    moved["edges"][0]["id"] = "e1"
    assert graph_diff(graph, moved)["equal"]


def test_every_kind_of_change_is_named(graph):
    after = copy.deepcopy(graph)
    after["nodes"][2]["params"]["period"] = 100
    after["nodes"][0]["id"] = "price"
    after["edges"][7]["target_port"] = "other"
    after["parameters"][0]["default"] = 10
    after["settings"] = {}
    assert graph_diff(graph, after) == {
        "equal": False,
        "nodes": {
            "added": [{"id": "price", "type": "price", "params": {"field": "close"}}],
            "removed": [{"id": "close", "type": "price", "params": {"field": "close"}}],
            "changed": {"slow_ema": {"params.period": {"from": 50, "to": 100}}},
        },
        "edges": {
            "added": [{"source": "down", "target": "leave", "target_port": "other"}],
            "removed": [{"source": "down", "target": "leave", "target_port": "when"}],
        },
        "parameters": {
            "added": [],
            "removed": [],
            "changed": {"fast": {"default": {"from": 20, "to": 10}}},
        },
        "settings": {"sizing": {"from": {"type": "percent_of_equity", "value": 1.0}, "to": None}},
    }
