"""Wiring: edges become connections between ports that exist, fit and are free."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from strategies.graph.catalogue.bound import BoundNode, Wire
from strategies.graph.catalogue.forms import Port, PortType
from strategies.graph.faults import Faults, Place, said
from strategies.graph.model import Edge


def nodes_wire(
    edges: Sequence[Edge],
    nodes: Mapping[str, BoundNode],
    *,
    used: Collection[str],
    faults: Faults,
    aside: Faults,
) -> None:
    """Connect the nodes; note edges that do not fit in `faults`, or `aside` for unused targets.

    An edge from or to a node that could not be bound is left alone: what is wrong with the node
    is noted already.
    """
    for index, edge in enumerate(edges):
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        if target is None:
            continue
        place = (faults if target.id in used else aside).at(f"edges[{index}]", target.id)
        # Whatever is wrong with the edge, the port counts as connected: one fault is enough.
        wires = target.inputs.setdefault(edge.target_port, [])
        if source is not None:
            _wire(edge, source, target, wires, place)


def node_check(node: BoundNode, faults: Faults) -> None:
    """Note inputs that miss an edge, and what the node's type finds wrong."""
    place = faults.at(f"nodes[{node.index}]", node.id)
    for port in node.form.inputs:
        if not port.required or _is_fed(node, port):
            continue
        name = f"{port.name}1" if port.numbered else port.name
        literal = f", or give a number in the parameter {name!r}" if port.literal else ""
        message = f"The port {name!r} of {node.id!r} has no edge: connect a {port.type} to it"
        place.add(f"inputs.{name}", "required", f"{message}{literal}.", expected=port.type.value)
    if node.sound:
        for where, bad in node.type.faults(node):
            place.add_bad_value(where, bad)


def _is_fed(node: BoundNode, port: Port) -> bool:
    if port.literal and port.name in node.values:
        return True
    return any(port.matches(name) for name in node.inputs)


def _wire(
    edge: Edge, source: BoundNode, target: BoundNode, wires: list[Wire], place: Place
) -> None:
    output = source.form.output(edge.source_port)
    port = target.form.input(edge.target_port)
    if output is None:
        names = [one.name for one in source.form.outputs]
        message = f"{source.id!r} has no output port {said(edge.source_port)}; it has: "
        message += f"{', '.join(names) or 'none, so nothing can follow it'}."
        place.add("source_port", "unknown_port", message, expected=names, received=edge.source_port)
    if port is None:
        names = [one.describe()["name"] for one in target.form.inputs]
        message = f"{target.id!r} has no input port {said(edge.target_port)}; it has: "
        message += f"{', '.join(names) or 'none, so nothing can feed it'}."
        place.add("target_port", "unknown_port", message, expected=names, received=edge.target_port)
    if output is None or port is None or not _fits(edge, output, port, target, place):
        return
    if wires and (not port.many or any(wire.node is source for wire in wires)):
        _note_too_many(edge, target, f"the one from {wires[0].node.id!r}", place)
        return
    wires.append(Wire(source, output.name))
    if output.type is PortType.EXEC:
        source.followers.append(target)


_NAMED: Final = {
    PortType.NUMBER: "a number",
    PortType.BOOL: "a bool",
    PortType.EXEC: "an exec",
}


def _fits(edge: Edge, output: Port, port: Port, target: BoundNode, place: Place) -> bool:
    if not port.supported:
        message = f"This version cannot run the port {edge.target_port!r}: remove the edge to it."
        place.add("", "not_supported", message, received=edge.target_port)
    elif output.type is not port.type:
        place.add(
            "",
            "type_mismatch",
            f"The port {edge.target_port!r} of {target.id!r} takes {_NAMED[port.type]}, but "
            f"{edge.source!r} gives {_NAMED[output.type]} on {output.name!r}.",
            expected=port.type.value,
            received=output.type.value,
        )
    elif port.literal and port.name in target.values:
        _note_too_many(edge, target, f"the number in the parameter {port.name!r}", place)
    else:
        return True
    return False


def _note_too_many(edge: Edge, target: BoundNode, other: str, place: Place) -> None:
    message = f"The port {edge.target_port!r} of {target.id!r} is fed twice: remove this edge or "
    place.add("", "too_many_edges", f"{message}{other}.", expected=1, received=2)
