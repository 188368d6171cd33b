"""What changed between two graphs of a strategy, node by node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]
# What an editor adds to a node; "data" holds its label.
LAYOUT = frozenset({"position", "data"})


def graph_diff(before: Document, after: Document) -> dict[str, Any]:
    """Return the difference of two canonical documents; layout and labels do not count.

    Returns
    -------
    dict
        ``nodes`` and ``parameters`` with ``added``, ``removed`` and ``changed`` (by id or name,
        then by field: ``from`` and ``to``), ``edges`` with ``added`` and ``removed``,
        ``settings`` with what changed, and ``equal``.
    """
    nodes = _items_diff(_by(before, "nodes", "id"), _by(after, "nodes", "id"))
    parameters = _items_diff(_by(before, "parameters", "name"), _by(after, "parameters", "name"))
    old_edges, new_edges = _edges(before), _edges(after)
    edges = {
        "added": [edge for edge in new_edges if edge not in old_edges],
        "removed": [edge for edge in old_edges if edge not in new_edges],
    }
    settings = _values_diff(before.get("settings", {}), after.get("settings", {}))
    parts = (nodes, parameters, edges)
    return {
        "equal": not settings and not any(any(part.values()) for part in parts),
        "nodes": nodes,
        "edges": edges,
        "parameters": parameters,
        "settings": settings,
    }


def _by(document: Document, part: str, key: str) -> dict[str, dict[str, Any]]:
    """Return the items of a part of a document by their names, without their layout."""
    return {
        item[key]: {name: value for name, value in item.items() if name not in LAYOUT}
        for item in document.get(part, [])
    }


def _edges(document: Document) -> list[dict[str, Any]]:
    """Return the edges by what they connect, whatever an editor calls them."""
    return [
        {key: value for key, value in edge.items() if key != "id"}
        for edge in document.get("edges", [])
    ]


def _items_diff(
    before: Mapping[str, dict[str, Any]], after: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "added": [item for name, item in after.items() if name not in before],
        "removed": [item for name, item in before.items() if name not in after],
        "changed": {
            name: _values_diff(_flat(item), _flat(after[name]))
            for name, item in before.items()
            if name in after and item != after[name]
        },
    }


def _flat(item: Document) -> dict[str, Any]:
    """Return a node's parameters beside its type, as ``params.period``."""
    flat = {name: value for name, value in item.items() if name != "params"}
    return flat | {f"params.{name}": value for name, value in item.get("params", {}).items()}


def _values_diff(before: Document, after: Document) -> dict[str, dict[str, Any]]:
    names = sorted({*before, *after})
    return {
        name: {"from": before.get(name), "to": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    }
