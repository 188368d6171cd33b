from __future__ import annotations

import copy

from core.backtests.plans import plan_get
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get


def stored(document):
    graph = graph_parse(document)
    return {"graph": graph_document(graph), "graph_hash": graph_hash(graph)}


def test_a_plan_is_compiled_once():
    one, same = (stored(template_get("sma_cross").document) for _ in range(2))
    assert plan_get(**one, parameters={}) is plan_get(**same, parameters={})
    assert plan_get(**one, parameters={}) is not plan_get(**one, parameters={"fast": 11})


def test_a_graph_of_the_same_hash_keeps_the_ids_of_its_own_nodes():
    document = template_get("sma_cross").document
    renamed = copy.deepcopy(document)
    for node in renamed["nodes"]:
        node["id"] = f"my_{node['id']}"
    for edge in renamed["edges"]:
        edge["source"], edge["target"] = f"my_{edge['source']}", f"my_{edge['target']}"
    theirs, mine = stored(document), stored(renamed)
    assert theirs["graph_hash"] == mine["graph_hash"]
    sources = [
        {rule.source for rule in plan_get(**graph, parameters={}).program.rules}
        for graph in (theirs, mine, theirs)
    ]
    assert sources == [{"enter", "leave"}, {"my_enter", "my_leave"}, {"enter", "leave"}]
