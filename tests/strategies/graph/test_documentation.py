"""The examples of docs/graph.md do what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from core.engine.program import AccountField
from strategies.graph.build import action_append, condition_append, indicator_append
from strategies.graph.catalogue import node_type_get, node_type_names
from strategies.graph.schema import graph_parse
from strategies.graph.templates import TEMPLATES
from strategies.graph.validate import graph_faults

DOCUMENT = Path(__file__).parents[3] / "docs" / "graph.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
GRAPHS = [block for block in BLOCKS if re.match(r"\{\s*\"(nodes|schema_version)\"", block)]


@pytest.mark.parametrize("block", GRAPHS, ids=range(len(GRAPHS)))
def test_every_graph_of_the_documentation_runs(block):
    assert graph_faults(graph_parse(json.loads(block)))[0] == []


def test_there_are_graphs_to_run():
    assert len(GRAPHS) >= 2


def test_the_group_of_the_documentation_is_one():
    (block,) = [one for one in BLOCKS if '"type": "group"' in one]
    fast = {"name": "fast", "type": "int", "default": 20}
    graph = {"parameters": [fast], "nodes": [{"id": "close", "type": "price"}, json.loads(block)]}
    graph["nodes"].append({"id": "enter", "type": "entry"})
    graph["edges"] = [
        {"source": "close", "target": "cross", "target_port": "of"},
        {"source": "cross", "target": "enter"},
    ]
    assert graph_faults(graph_parse(graph)) == ([], [])


def test_the_steps_of_the_documentation_build_a_strategy():
    (block,) = [one for one in BLOCKS if '"name": "ema", "period"' in one and "\n{" in one]
    ema, up, buy = (json.loads(line) for line in block.strip().splitlines())
    document = indicator_append({}, body=ema).document
    document = indicator_append(document, body=ema | {"period": 50}).document
    document = condition_append(document, body=up).document
    step = action_append(document, body=buy)
    assert graph_faults(graph_parse(step.document)) == ([], [])


def test_every_node_type_output_of_the_position_and_template_is_named():
    missing = [name for name in (*node_type_names(), *TEMPLATES) if f"`{name}`" not in TEXT]
    assert missing == []
    ports = [port.name for port in node_type_get("position").form("").outputs]
    assert len(ports) == len(AccountField)
    assert [name for name in ports if f"`{name}`" not in TEXT] == []
