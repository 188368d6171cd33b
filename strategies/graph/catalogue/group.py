"""`group`: a named subgraph with ports of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.forms import Form
from strategies.graph.params import Param, Text


class GroupNode(NodeType):
    """A named subgraph: layout, for it runs as if its nodes stood in its place."""

    name = "group"
    title = "Group"
    category = "layout"
    description = (
        "Nodes and edges folded into one node with ports of its own. It runs as if its nodes stood "
        "in its place, so grouping changes nothing but the drawing. Its ports are those that "
        "`inputs` and `outputs` list, each of which names a port of a node inside. Groups may "
        "stand in groups; $param refers to the parameters of the strategy inside as well."
    )
    nested = ("nodes", "edges", "inputs", "outputs")

    _forms: Final = {
        "": Form(
            params=(
                Text(name="name", description="What the group is called."),
                Param(name="nodes", default=[], description="Its nodes, as in the strategy."),
                Param(
                    name="edges",
                    default=[],
                    aliases=("connections",),
                    description="The edges between its nodes, as in the strategy.",
                ),
                Param(
                    name="inputs",
                    default=[],
                    description='Its input ports: {"name", "node", "port"}, the port being an '
                    "input of the node inside. One name given several times feeds them all.",
                ),
                Param(
                    name="outputs",
                    default=[],
                    description='Its output ports: {"name", "node", "port"}, the port being an '
                    "output of the node inside. The first is the default one.",
                ),
            )
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form; a group's ports follow from its parameters."""
        return self._forms

    def describe(self) -> dict[str, Any]:
        """Return the type as the catalogue shows it; `dynamic_ports` is where its ports are."""
        ports = {"inputs": "params.inputs[].name", "outputs": "params.outputs[].name"}
        return super().describe() | {"dynamic_ports": ports}
