"""Which nodes are code: those that read the position, and all that they feed."""

from __future__ import annotations

from collections.abc import Iterable

from strategies.graph.catalogue.bound import BoundNode
from strategies.graph.catalogue.forms import SeriesForm
from strategies.graph.catalogue.rank import RankForm
from strategies.graph.faults import Faults


def nodes_mark(nodes: Iterable[BoundNode]) -> None:
    """Mark the nodes that are computed bar by bar.

    Parameters
    ----------
    nodes : iterable of BoundNode
        Wired, each after those that feed it.
    """
    for node in nodes:
        code = node.form.code
        if code is not None and code.always:
            node.coded = True
        elif isinstance(node.form, (SeriesForm, RankForm)):
            node.coded = any(wire.node.coded for wires in node.inputs.values() for wire in wires)


def coded_check(node: BoundNode, faults: Faults) -> None:
    """Note what a node cannot compute bar by bar."""
    if not node.coded or not node.sound:
        return
    place = faults.at(f"nodes[{node.index}]", node.id)
    title = node.form.title or node.type.title
    if node.form.code is None:
        for port, wires in node.inputs.items():
            for wire in wires:
                if not wire.node.coded:
                    continue
                place.add(
                    f"inputs.{port}",
                    "position_dependent",
                    f"The port {port!r} of {node.id!r} cannot take {wire.node.id!r}: what depends "
                    f"on the position is known bar by bar, and {title} needs a whole series. "
                    "Compare or calculate with it instead, or feed the port from prices.",
                    expected="a series of data only",
                    received=wire.node.id,
                )
        return
    for name, most in node.form.code.most.items():
        if node.values[name] > most:
            place.add(
                f"params.{name}",
                "out_of_range",
                f"{name!r} of {node.id!r} must be at most {most}, but is {node.values[name]}: what "
                "depends on the position is remembered bar by bar.",
                expected=f"at most {most}",
                received=node.values[name],
            )
