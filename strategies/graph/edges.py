"""Reading the edges of a document, in the canonical spelling or in React Flow's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from strategies.graph.catalogue.forms import Form, Port
from strategies.graph.catalogue.group import GroupNode
from strategies.graph.faults import Faults, said
from strategies.graph.limits import MAX_NAME_LENGTH
from strategies.graph.model import Edge, Node
from strategies.graph.nodes import EDITOR_KEYS, OUTER, Level, id_canonical
from strategies.graph.ports import node_form

_KEYS: Final = ("id", "source", "source_port", "target", "target_port")
_ACCEPTED: Final = {*_KEYS, *EDITOR_KEYS, "sourceHandle", "targetHandle", "type", "data"}


def edges_parse(
    given: Any, nodes: Sequence[Node], faults: Faults, *, level: Level = OUTER
) -> tuple[Edge, ...]:
    """Return the edges that can be read; what is wrong is noted in `faults`.

    An edge may leave out its source port, which is the default (first) output then, and its
    target port where the target has one input that fits and is free.
    """
    if given is None:
        return ()
    if not isinstance(given, list):
        message = f"'edges' must be a list, but is {said(given)}."
        faults.add(f"{level.path}edges", "wrong_type", message)
        return ()
    reader = _Reader({node.id: node for node in nodes}, faults, level)
    found = [reader.read(item, f"{level.path}edges[{index}]") for index, item in enumerate(given)]
    return tuple(edge for edge in found if edge is not None)


def sole_input(node: Node) -> str | None:
    """Return the one input of a node, or the one that needs an edge; None if that is not clear."""
    form = node_form(node)
    ports = form.inputs if form is not None else ()
    needed = [port for port in ports if port.required] or ports
    if len(needed) != 1:
        return None
    return f"{needed[0].name}1" if needed[0].numbered else needed[0].name


class _Reader:
    """Reads edges one by one, knowing the ports that are taken already."""

    def __init__(self, nodes: Mapping[str, Node], faults: Faults, level: Level) -> None:
        self.nodes = nodes
        self.faults = faults
        self.level = level
        self.forms = {node_id: node_form(node) for node_id, node in nodes.items()}
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
        if not self._group_port(source, "output", source_port, f"{path}.source_port"):
            return None
        if not target_port:
            target_port = self._sole_port(source, source_port, target)
        if not target_port:
            message = f"The edge must say which port of {target.id!r} it goes to: set target_port."
            self.faults.add(
                f"{path}.target_port",
                "required",
                message,
                expected=_port_names(self.forms[target.id]),
                node_id=self.level.id(target.id),
            )
            return None
        if not self._group_port(target, "input", target_port, f"{path}.target_port"):
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
        source_form, target_form = self.forms[source.id], self.forms[target.id]
        output = source_form.output(source_port) if source_form else None
        if output is None or target_form is None:
            return ""
        fits = [port for port in target_form.inputs if port.type is output.type]
        needed = [port for port in fits if port.required] or fits
        if len(needed) != 1:
            return ""
        return self._free_name(needed[0], target)

    def _group_port(self, node: Node, end: str, port: str, path: str) -> bool:
        """Return whether a port is one that a group lists, or the node is no group."""
        form = self.forms[node.id]
        if node.type != GroupNode.name or form is None:
            return True
        ports = form.inputs if end == "input" else form.outputs
        if any(one.name == port for one in ports) or (not port and ports):
            return True
        names = [one.name for one in ports]
        message = f"The group {node.id!r} has no {end} {said(port)}; it has: "
        message += f"{', '.join(names) or 'none'}. List it in the group's {end}s."
        self.faults.add(
            path,
            "unknown_port",
            message,
            expected=names,
            received=port,
            node_id=self.level.id(node.id),
        )
        return False

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
