"""`loop`: the same actions again and again, within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from core.engine.program import Op
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode
from strategies.graph.catalogue.coding import Coding, Inputs, Values
from strategies.graph.catalogue.flow import (
    EXEC_IN,
    FLOW_OUT,
    WHEN_OR_EXEC,
    FlowForm,
    started,
    trigger_faults,
)
from strategies.graph.catalogue.forms import Form, Port, PortType
from strategies.graph.coder import Coder, Term
from strategies.graph.faults import BadValueError
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import REQUIRED, Integer

MAX_ITERATIONS: Final = 1_000
"""Runs of a loop until a position has been closed."""


def _write(coder: Coder, values: Values, inputs: Inputs) -> Sequence[Term]:
    going_on = coder.all_of(inputs["while"]) if inputs["while"] else coder.push(1)
    every, most = coder.push(values["every"]), coder.push(values["max_iterations"])
    return (coder.term(Op.LOOP, started(coder, inputs), going_on, every, most),)


class LoopNode(NodeType):
    """Runs its actions every n bars: scaling in, averaging the cost, grids."""

    name = "loop"
    title = "Loop"
    category = "orders"
    description = (
        "Runs what follows it at once and then again every n bars, for as long as `while` is true, "
        "and `max_iterations` times at most until a position has been closed. It starts where "
        "`when` is true or what comes in through exec could act, and ends with the position. An "
        "action behind it may add to the position beyond `max_open_entries`, once a run."
    )

    _forms: Final = {
        "": FlowForm(
            params=(
                Integer(
                    name="every",
                    minimum=1,
                    maximum=MAX_SHIFT,
                    default=1,
                    aliases=("n", "bars"),
                    description="Bars from one run to the next.",
                ),
                Integer(
                    name="max_iterations",
                    minimum=1,
                    maximum=MAX_ITERATIONS,
                    default=REQUIRED,
                    aliases=("max", "times"),
                    description="How often it runs at most until a position has been closed.",
                ),
            ),
            inputs=(
                EXEC_IN,
                WHEN_OR_EXEC,
                Port(
                    "while",
                    PortType.BOOL,
                    required=False,
                    description="The loop ends where this is not true; it goes on if not fed.",
                ),
            ),
            outputs=(FLOW_OUT,),
            code=Coding(_write, always=True),
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms

    def faults(self, node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
        """Yield a fault if nothing starts the loop."""
        return trigger_faults(node, "loop")
