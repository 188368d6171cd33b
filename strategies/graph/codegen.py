"""From nodes that depend on the position to the program's code."""

from __future__ import annotations

from collections.abc import Sequence

from strategies.graph.catalogue.bound import BoundNode, Wire
from strategies.graph.catalogue.coding import Inputs
from strategies.graph.catalogue.forms import Port
from strategies.graph.coder import Code, Coder, Term
from strategies.graph.emitter import Emitter


class Codegen:
    """Writes the terms of nodes; what depends on data only it reads as columns.

    Parameters
    ----------
    emitter : Emitter
        Has emitted the nodes that depend on data only.
    max_open_entries : int
        How often the strategy may add to a position on the same side.
    """

    def __init__(self, emitter: Emitter, max_open_entries: int) -> None:
        self.emitter = emitter
        self.coder = Coder(max_open_entries)
        self._by_node: dict[str, Sequence[Term]] = {}

    def node(self, node: BoundNode) -> Sequence[Term]:
        """Return the terms of a node's outputs; the nodes that feed it are written first."""
        found = self._by_node.get(node.id)
        if found is None:
            if node.form.code is None:
                raise TypeError(f"{node.id} cannot be computed bar by bar")
            found = node.form.code.write(self.coder, node.values, self._inputs(node))
            self._by_node[node.id] = found
        return found

    def term(self, wire: Wire) -> Term:
        """Return the term at the source of a wire."""
        node = wire.node
        if node.coded or (node.form.code is not None and not node.form.inputs):
            names = [port.name for port in node.form.outputs]
            return self.node(node)[names.index(wire.port)]
        slot = self.emitter.wire(wire)
        return self.coder.column(slot, self.emitter.name(slot))

    def content(self, wire: Wire) -> str:
        """Return what a wire carries in a text that depends neither on ids nor on order."""
        return self.coder.content(self.term(wire))

    def guard(self, wires: Sequence[Wire]) -> Term | None:
        """Return where all of some wires are true; None if there are none."""
        return self.coder.all_of(self.term(wire) for wire in wires) if wires else None

    def code(self) -> Code:
        """Return the code of the registers asked for, its columns numbered by the emitter."""
        return self.coder.code(self.emitter.column)

    def _inputs(self, node: BoundNode) -> Inputs:
        return {port.name: self._feeds(node, port) for port in node.form.inputs}

    def _feeds(self, node: BoundNode, port: Port) -> Sequence[Term]:
        """Return the terms that feed a port: its wires, or the number given instead."""
        if port.numbered:
            names = sorted((name for name in node.inputs if port.matches(name)), key=_number)
            return [self.term(wire) for name in names for wire in node.inputs[name]]
        wires = node.inputs.get(port.name, ())
        if not wires and port.literal:
            return [self.coder.push(node.values[port.name])]
        return [self.term(wire) for wire in wires]


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])
