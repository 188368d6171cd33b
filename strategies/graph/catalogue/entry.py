"""`entry`: opens a position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from core.engine.program import Op, Operation
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode, RuleDraft
from strategies.graph.catalogue.coding import Coding, Inputs, Values
from strategies.graph.catalogue.flow import can_enter, is_replaced
from strategies.graph.catalogue.forms import Form
from strategies.graph.catalogue.orders import (
    EXEC_OUT,
    OPENING,
    OPENS,
    PRIORITY,
    STOP_PORTS,
    WHEN,
    opening_rule,
    side_choice,
    stop_faults,
)
from strategies.graph.coder import Coder, Term
from strategies.graph.faults import BadValueError

_SIDES: Final = {"long": 1, "short": -1}


def _write(coder: Coder, values: Values, inputs: Inputs) -> Sequence[Term]:
    able = can_enter(coder, _SIDES[values["side"]])
    return (coder.term(Op.AND, coder.all_of(inputs["when"]), able),)


class EntryNode(NodeType):
    """Opens a position: by its own market order, or by the actions it runs."""

    name = "entry"
    title = "Entry"
    category = "orders"
    description = (
        "Opens a position when its condition is true and the position is not already on its side; "
        "from the opposite side it reverses. With nothing on its exec port it sends a market order "
        "of the strategy's sizing; otherwise what is attached there acts in its place."
    )
    acts = True

    _forms: Final = {
        "": Form(
            params=(
                side_choice(
                    default="long",
                    choices=tuple(OPENS),
                    description="Which side it opens.",
                ),
                *OPENING,
                PRIORITY,
            ),
            inputs=(WHEN, *STOP_PORTS),
            outputs=(EXEC_OUT,),
            code=Coding(_write, always=True),
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms

    def operations(self, node: BoundNode) -> frozenset[Operation]:
        """Return the one order that opens the entry's side."""
        return frozenset({OPENS[node.values["side"]]})

    def faults(self, node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
        """Yield what is wrong with the stops."""
        return stop_faults(node)

    def rules(self, node: BoundNode) -> Iterable[RuleDraft]:
        """Return the entry's own order, unless actions stand for it."""
        if is_replaced(node):
            return ()
        return (opening_rule(node, OPENS[node.values["side"]], self.triggers(node)),)
