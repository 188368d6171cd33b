"""`exit`: closes or reduces a position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from core.engine.program import Op, Operation
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode, RuleDraft
from strategies.graph.catalogue.coding import Coding, Inputs, Values
from strategies.graph.catalogue.flow import can_exit, is_replaced
from strategies.graph.catalogue.forms import Form
from strategies.graph.catalogue.orders import CLOSES, EXEC_OUT, FRACTION, WHEN, side_choice
from strategies.graph.coder import Coder, Term

_SIDES: Final = {"any": 0, "long": 1, "short": -1}


def _write(coder: Coder, values: Values, inputs: Inputs) -> Sequence[Term]:
    able = can_exit(coder, _SIDES[values["side"]])
    return (coder.term(Op.AND, coder.all_of(inputs["when"]), able),)


class ExitNode(NodeType):
    """Closes or reduces a position: by its own market order, or by the actions it runs."""

    name = "exit"
    title = "Exit"
    category = "orders"
    description = (
        "Closes the position, or a part of it, when its condition is true. While flat it does "
        "nothing."
    )
    acts = True

    _forms: Final = {
        "": Form(
            params=(
                side_choice(
                    default="any",
                    choices=tuple(CLOSES),
                    description="Which positions it closes.",
                ),
                FRACTION,
            ),
            inputs=(WHEN,),
            outputs=(EXEC_OUT,),
            code=Coding(_write, always=True),
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms

    def operations(self, node: BoundNode) -> frozenset[Operation]:  # noqa: ARG002 - all sides close
        """Return every closing order."""
        return frozenset(CLOSES.values())

    def rules(self, node: BoundNode) -> Iterable[RuleDraft]:
        """Return the exit's own order, unless actions stand for it."""
        if is_replaced(node):
            return ()
        return (
            RuleDraft(
                operation=CLOSES[node.values["side"]],
                triggers=self.triggers(node),
                node=node,
                fraction=node.values.get("fraction") or 1.0,
            ),
        )
