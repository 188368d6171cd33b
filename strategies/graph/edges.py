"""Reading the edges of a document, in the canonical spelling or in React Flow's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from strategies.graph.catalogue import node_type_get
from strategies.graph.catalogue.forms import Form, Port
from strategies.graph.faults import Faults, said
from strategies.graph.limits import MAX_EDGES, MAX_NAME_LENGTH
from strategies.graph.model import Edge, Node
from strategies.graph.nodes import EDITOR_KEYS, id_canonical

_KEYS: Final = ("id", "source", "source_port", "target", "target_port")
_ACCEPTED: Final = {*_KEYS, *EDITOR_KEYS, "sourceHandle", "targetHandle", "type", "data"}


def edges_parse(given: Any, nodes: Sequence[Node], faults: Faults) -> tuple[Edge, ...]:
    """Return the edges that can be read; what is wrong is noted in `faults`.

    An edge may leave out its source port, which is the default (first) output then, and its
    target port where the target has one input that fits and is free.
    """
    if given is None:
        return ()
    if not isinstance(given, list):
        faults.add("edges", "wrong_type", f"'edges' must be a list, but is {said(given)}.")
        return ()
    if len(given) > MAX_EDGES:
        message = f"A strategy graph has at most {MAX_EDGES} edges, but this one has {len(given)}."
        faults.add("edges", "too_many", message, expected=MAX_EDGES, received=len(given))
        return ()
    reader = _Reader({node.id: node for node in nodes}, faults)
    found = [reader.read(item, f"edges[{index}]") for index, item in enumerate(given)]
    return tuple(edge for edge in found if edge is not None)


def node_form(node: Node) -> Form | None:
    """Return the form of a node as far as its parameters tell before they are bound."""
    node_type = node_type_get(node.type)
    return None if node_type is None else node_type.form(node_type.choice(node.params))


class _Reader:
    """Reads edges one by one, knowing the ports that are taken already."""

    def __init__(self, nodes: Mapping[str, Node], faults: Faults) -> None:
        self.nodes = nodes
        self.faults = faults
        self.taken: set[tuple[str, str]] = set()
        self.next_number: dict[str, int] = {}

    def read(self, item: Any, path: str) -> Edge | None:
        if not isinstance(item, dict):
            message = f"An edge must be an object, but is {said(item)}."
            self.faults.add(path, "wrong_type", message)
            return None
        for key in sorted(item.keys() - _ACCEPTED):
            message = f"An edge has no {said(key)}; it has: {', '.join(_KEYS)}." + self.faults.near(
                key, _KEYS
            )
            where = f"{path}.{key[:MAX_NAME_LENGTH]}"
            self.faults.add(where, "unknown_key", message, expected=list(_KEYS))
        source = self._end(item, "source", path)
        target = self._end(item, "target", path)
        source_port = self._port(item, "source_port", "sourceHandle", path)
        target_port = self._port(item, "target_port", "targetHandle", path)
        if source is None or target is None or source_port is None or target_port is None:
            return None
        if not target_port:
            target_port = self._sole_port(source, source_port, target)
        if not target_port:
            message = f"The edge must say which port of {target.id!r} it goes to: set target_port."
            self.faults.add(
                f"{path}.target_port",
                "required",
                message,
                expected=_port_names(node_form(target)),
                node_id=target.id,
            )
            return None
        self.taken.add((target.id, target_port))
        edge_id = id_canonical(item.get("id")) or ""
        return Edge(source.id, target.id, source_port, target_port, edge_id)

    def _end(self, item: Mapping[str, Any], end: str, path: str) -> Node | None:
        node_id = id_canonical(item.get(end))
        if node_id is None:
            message = f"An edge needs the id of a node as its {end!r}."
            self.faults.add(f"{path}.{end}", "required", message, received=item.get(end))
            return None
        node = self.nodes.get(node_id)
        if node is None:
            message = f"The edge's {end} {node_id!r} is no node of the graph: add it, or remove it."
            self.faults.add(f"{path}.{end}", "unknown_node", message, received=node_id)
        return node

    def _port(self, item: Mapping[str, Any], name: str, handle: str, path: str) -> str | None:
        """Return the port's name, "" if none is given, None if it is no name."""
        port = item.get(name)
        if port is None:
            port = item.get(handle)
        if port is None:
            return ""
        if isinstance(port, str) and len(port) <= MAX_NAME_LENGTH:
            return port
        message = f"The {name} must be a text of up to {MAX_NAME_LENGTH} characters."
        self.faults.add(f"{path}.{name}", "wrong_type", message, received=port)
        return None

    def _sole_port(self, source: Node, source_port: str, target: Node) -> str:
        """Return the one input of the target that fits and is free; "" if that is not clear."""
        source_form, target_form = node_form(source), node_form(target)
        output = source_form.output(source_port) if source_form else None
        if output is None or target_form is None:
            return ""
        fits = [port for port in target_form.inputs if port.type is output.type]
        needed = [port for port in fits if port.required] or fits
        if len(needed) != 1:
            return ""
        return self._free_name(needed[0], target)

    def _free_name(self, port: Port, target: Node) -> str:
        """Return the port's name; of a numbered one the lowest number that is free."""
        if not port.numbered:
            return port.name
        number = self.next_number.get(target.id, 1)
        while (target.id, f"{port.name}{number}") in self.taken:
            number += 1
        self.next_number[target.id] = number + 1
        return f"{port.name}{number}"


def _port_names(form: Form | None) -> list[str] | None:
    return None if form is None else [port.describe()["name"] for port in form.inputs]
