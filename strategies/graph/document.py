"""Nodes and edges as the canonical document has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strategies.graph.model import Edge, Node


def node_document(node: Node) -> dict[str, Any]:
    """Return one node as the canonical document has it."""
    found: dict[str, Any] = {"id": node.id, "type": node.type, "params": dict(node.params)}
    if node.position is not None:
        found["position"] = dict(node.position)
    if node.label:
        found["data"] = {"label": node.label}
    return found


def edge_document(edge: Edge) -> dict[str, Any]:
    """Return one edge as the canonical document has it: only what is set."""
    found = {
        "id": edge.id,
        "source": edge.source,
        "source_port": edge.source_port,
        "target": edge.target,
        "target_port": edge.target_port,
    }
    return {key: value for key, value in found.items() if value}


def node_read(about: Mapping[str, Any]) -> Node:
    """Return the node of a canonical document; layout is left out."""
    return Node(about["id"], about["type"], about["params"])


def edge_read(about: Mapping[str, Any]) -> Edge:
    """Return the edge of a canonical document."""
    source_port = about.get("source_port", "")
    return Edge(about["source"], about["target"], source_port, about["target_port"])
