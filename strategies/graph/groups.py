"""Reading the nodes and edges of a document, and those of the groups in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from strategies.graph.catalogue.group import GroupNode
from strategies.graph.document import edge_document, node_document
from strategies.graph.edges import edges_parse, sole_input
from strategies.graph.faults import Faults, Place, said
from strategies.graph.limits import MAX_EDGES, MAX_GROUP_DEPTH, MAX_GROUP_PORTS, MAX_NODES
from strategies.graph.model import Edge, Node
from strategies.graph.nodes import OUTER, Level, id_canonical, nodes_parse
from strategies.graph.ports import node_form

_PORT_KEYS: Final = ("name", "node", "port")


def parts_parse(
    nodes: Any, edges: Any, faults: Faults
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Return the nodes and edges that can be read; what is wrong is noted in `faults`.

    The parameters of a group hold its nodes, edges and ports in canonical spelling.
    """
    return _Reader(faults).parts(nodes, edges, OUTER)


class _Reader:
    """Reads one document, counting what is in its groups as well."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.counts = {"nodes": 0, "edges": 0}

    def parts(
        self, nodes: Any, edges: Any, level: Level
    ) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
        """Return the nodes and edges of the document, or of one group."""
        if not self._room("nodes", nodes, MAX_NODES, level):
            nodes = edges = None
        read = nodes_parse(nodes, self.faults, level=level)
        found = tuple(
            self._group(node, f"{level.path}nodes[{index}]", level)
            if node.type == GroupNode.name
            else node
            for index, node in read
        )
        if not self._room("edges", edges, MAX_EDGES, level):
            edges = None
        return found, edges_parse(edges, found, self.faults, level=level)

    def _room(self, what: str, given: Any, most: int, level: Level) -> bool:
        """Return whether so many more may be read; note it where they may not."""
        if not isinstance(given, list) or not given:
            return True
        self.counts[what] += len(given)
        if self.counts[what] <= most:
            return True
        message = f"A strategy graph has at most {most} {what}, those in groups included, but this "
        message += f"one has {self.counts[what]}."
        self.faults.add(
            f"{level.path}{what}", "too_many", message, expected=most, received=self.counts[what]
        )
        return False

    def _group(self, node: Node, path: str, level: Level) -> Node:
        """Return a group with its own graph in canonical spelling."""
        params = node.params
        place = self.faults.at(f"{path}.params", level.id(node.id))
        inner = Level(f"{path}.params.", f"{level.owner}{node.id}/", level.depth + 1)
        edges = params.get("edges") or params.get("connections")
        if inner.depth > MAX_GROUP_DEPTH:
            message = f"Groups may be nested {MAX_GROUP_DEPTH} deep at most."
            place.add("", "too_deep", message, expected=MAX_GROUP_DEPTH)
            params = edges = {}
        nodes, edges = self.parts(params.get("nodes"), edges or None, inner)
        by_id = {one.id: one for one in nodes}
        found = {
            key: params[key]
            for key in params
            if key not in {*GroupNode.nested, "connections"} and params[key] is not None
        }
        found |= {
            "nodes": [node_document(one) for one in nodes],
            "edges": [edge_document(one) for one in edges],
            "inputs": self._ports(params.get("inputs"), "inputs", by_id, place),
            "outputs": self._ports(params.get("outputs"), "outputs", by_id, place),
        }
        self._check_name(found, place)
        return replace(node, params=found)

    def _check_name(self, params: Mapping[str, Any], place: Place) -> None:
        for key in sorted(params.keys() - set(GroupNode.nested) - {"name"}):
            message = f"A group has no {said(key)}; it has: name, {', '.join(GroupNode.nested)}."
            place.add(key, "unknown_parameter", message, received=key)
        name = params.get("name", "-")
        if id_canonical(name) != name:
            place.add("name", "wrong_type", "A group's name must be a short text.", received=name)

    def _ports(
        self, given: Any, key: str, nodes: Mapping[str, Node], place: Place
    ) -> list[dict[str, Any]]:
        """Return the ports of a group that can be read."""
        if given is None:
            return []
        if not isinstance(given, list) or len(given) > MAX_GROUP_PORTS:
            message = f"{key!r} must be a list of at most {MAX_GROUP_PORTS} ports."
            place.add(key, "wrong_type", message, received=given)
            return []
        found: list[dict[str, Any]] = []
        for index, item in enumerate(given):
            port = self._port(item, f"{key}[{index}]", key, nodes, place)
            if port is None:
                continue
            twin = (
                port in found
                if key == "inputs"
                else any(port["name"] == one["name"] for one in found)
            )
            if twin:
                message = f"The group has the port {port['name']!r} already: rename or remove it."
                place.add(f"{key}[{index}].name", "duplicate", message, received=port["name"])
            found.append(port)
        return found

    def _port(
        self, item: Any, where: str, key: str, nodes: Mapping[str, Node], place: Place
    ) -> dict[str, Any] | None:
        if not isinstance(item, dict) or item.keys() - set(_PORT_KEYS):
            message = 'A port of a group must be an object {"name", "node", "port"}.'
            place.add(where, "wrong_type", message, expected=list(_PORT_KEYS), received=item)
            return None
        name, node_id = id_canonical(item.get("name")), id_canonical(item.get("node"))
        node = nodes.get(node_id or "")
        if name is None:
            place.add(f"{where}.name", "required", "A port of a group needs a name.")
        if node is None:
            message = f"The port's node {said(item.get('node'))} is no node of the group."
            place.add(f"{where}.node", "unknown_node", message, received=item.get("node"))
        port = item.get("port")
        if port is None or port == "":
            port = sole_input(node) if node is not None and key == "inputs" else ""
        if id_canonical(port or "-") is None or (node is not None and port is None):
            form = None if node is None else node_form(node)
            names = [one.describe()["name"] for one in (form.inputs if form else ())]
            message = f"The port of a group must say which port of {said(node_id)} it stands for."
            place.add(f"{where}.port", "required", message, expected=names or None)
        if name is None or node is None or not isinstance(port, str):
            return None
        about = {"name": name, "node": node.id, "port": port}
        return {word: value for word, value in about.items() if value}
