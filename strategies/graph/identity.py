"""What makes two strategy graphs the same strategy: a hash of what they say, not how.

A node's hash is made from its type, its parameters, the hashes of what feeds it, and how many
actions it runs (an entry that runs none sends an order of its own), so that ids, labels, layout and
the order of nodes and edges play no part. The graph's hash is made from the hashes of all nodes,
sorted.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from strategies.graph.catalogue import node_type_get
from strategies.graph.expand import graph_expand, has_groups
from strategies.graph.model import Edge, Graph, Node
from strategies.graph.ordering import order_find
from strategies.graph.parameters import parameter_document
from strategies.graph.ports import node_form


def graph_hash(graph: Graph) -> str:
    """Return the SHA-256 of a graph as 64 hexadecimal digits.

    Two graphs have one hash if and only if they declare the same parameters and settings and have
    the same nodes, connected in the same way. Nodes of a cycle, which no graph that runs has, are
    told apart by their ids. Groups are expanded first: grouping is layout.
    """
    if has_groups(graph):
        graph = graph_expand(graph).graph
    nodes = {node.id: node for node in graph.nodes}
    incoming: dict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        incoming[edge.target].append(edge)
    runs = Counter(edge.source for edge in graph.edges if _acts(nodes[edge.source]))
    order = order_find(
        [node.id for node in graph.nodes], [(e.source, e.target) for e in graph.edges]
    )
    hashes = {node_id: _digest(["cycle", node_id]) for node_id in order.rest}
    for node_id in (*order.sorted, *order.rest):
        node = nodes[node_id]
        feeds = sorted(
            [edge.target_port, hashes[edge.source], _source_port(nodes, edge)]
            for edge in incoming[node_id]
        )
        hashes[node_id] = _digest([node.type, node.params, feeds, runs[node_id]])
    parameters = [parameter_document(spec) for spec in graph.parameters]
    for about in parameters:
        about.pop("title", None)
        about.pop("description", None)
    return _digest(
        [
            graph.schema_version,
            sorted(parameters, key=lambda about: str(about["name"])),
            sorted(hashes.values()),
            graph.settings,
        ]
    )


def _acts(node: Node) -> bool:
    node_type = node_type_get(node.type)
    return node_type is not None and node_type.acting(node.params)


def _source_port(nodes: Mapping[str, Node], edge: Edge) -> str:
    """Return the output an edge starts at: the default one by its name, as if it were given."""
    if edge.source_port:
        return edge.source_port
    form = node_form(nodes[edge.source])
    output = form.output("") if form else None
    return output.name if output else ""


def _digest(content: list[Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
