"""A strategy on a base: the base's graph at a pinned version, with nodes and defaults of its own.

A replaced node keeps its id and so its edges: everything around it goes on reading it.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Self

from core.errors import Detail, InvalidInput
from strategies.graph.faults import near
from strategies.graph.schema import graph_document, graph_parse

# Where a node lies and what it is called are not what is replaced.
LAYOUT = ("position", "data")


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a child changes of its base.

    Attributes
    ----------
    parameters : Mapping
        Defaults by the names of parameters.
    nodes : Mapping
        A node by the id of the one that it takes the place of.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    nodes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(stored.get("parameters", {}), stored.get("nodes", {}))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for the database and the API."""
        return {"parameters": dict(self.parameters), "nodes": dict(self.nodes)}

    def merged(self, newer: Overrides) -> Overrides:
        """Return both, the newer ones on top."""
        return Overrides({**self.parameters, **newer.parameters}, {**self.nodes, **newer.nodes})


def nodes_replace(document: Mapping[str, Any], replacements: Mapping[str, Any]) -> dict[str, Any]:
    """Return a canonical document with other nodes in the place of named ones.

    Parameters
    ----------
    document : Mapping
        Canonical, as `graph_document` gives it.
    replacements : Mapping
        By id: a node with its type and parameters; position and label stay unless given.

    Raises
    ------
    InvalidInput
        With every fault: ids that the graph does not have, nodes that are none, each under
        ``replace_nodes.<id>``.
    """
    places = {node["id"]: place for place, node in enumerate(document["nodes"])}
    replaced = deepcopy(dict(document))
    faults: list[Detail] = []
    for name, node in replacements.items():
        fault = _replacement_fault(name, node, places)
        if fault is not None:
            faults.append(fault)
            continue
        before = replaced["nodes"][places[name]]
        kept = {key: before[key] for key in LAYOUT if key in before}
        replaced["nodes"][places[name]] = {**kept, **node, "id": name}
    try:
        graph = graph_parse(replaced)
    except InvalidInput as error:
        paths = {f"nodes[{places[name]}]": name for name in replacements if name in places}
        faults.extend(_renamed(detail, paths) for detail in error.details)
    if faults:
        raise InvalidInput(faults[0].message, details=faults)
    return graph_document(graph)


def _replacement_fault(name: str, node: Any, places: Mapping[str, int]) -> Detail | None:
    path = f"replace_nodes.{name}"
    if name not in places:
        message = f"The base has no node {name!r}.{near(name, places)}"
        return Detail(path, "unknown_node", message, sorted(places), name)
    if not isinstance(node, Mapping):
        message = f"{name!r} must be replaced by a node: an object with 'type' and 'params'."
        return Detail(path, "wrong_type", message, "object", type(node).__name__)
    if node.get("id", name) != name:
        message = f"The node that replaces {name!r} keeps its id, so that edges find it."
        return Detail(f"{path}.id", "conflict", message, name, node["id"])
    return None


def _renamed(detail: Detail, paths: Mapping[str, str]) -> Detail:
    """Return the fault of ``nodes[3].type`` as that of ``replace_nodes.slow.type``."""
    place, dot, rest = detail.path.partition(".")
    if place not in paths:
        return replace(detail, path=f"graph.{detail.path}")
    return replace(detail, path=f"replace_nodes.{paths[place]}{dot}{rest}")
