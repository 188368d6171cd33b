"""`hold`: a truth that lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.engine.program import Op
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.coding import coded
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values
from strategies.graph.coder import Coder, Term
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import REQUIRED, Integer
from strategies.graph.series import run_of


def _compute(frame: Frame, values: Values, inputs: Sequence[Series]) -> tuple[Series, ...]:
    return (run_of(frame.full(inputs[0]), values["n"]),)


def _lookback(values: Values) -> int:
    return int(values["n"]) - 1


def _code(coder: Coder, values: Values, true: Term) -> Term:
    run = coder.term(Op.RUN_LENGTH, true)
    return coder.term(Op.GREATER_EQUAL, run, coder.push(values["n"]))


class HoldNode(NodeType):
    """True for n bars running."""

    name = "hold"
    title = "Hold"
    category = "logic"
    description = (
        "True where its input has been true at each of the last n bars, this one included: a "
        "signal that must last before it counts."
    )

    _forms: Final = {
        "": SeriesForm(
            params=(
                Integer(
                    name="n",
                    minimum=1,
                    maximum=MAX_SHIFT,
                    default=REQUIRED,
                    aliases=("bars", "period"),
                    description="How many bars running, this one included.",
                ),
            ),
            inputs=(Port("in_1", PortType.BOOL, description="What must last."),),
            outputs=(Port("value", PortType.BOOL),),
            compute=_compute,
            code=coded(_code),
            lookback=_lookback,
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms
