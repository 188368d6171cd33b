"""`recent`: a truth that is remembered for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.engine.program import Op
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.coding import coded
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values
from strategies.graph.coder import Coder, Term
from strategies.graph.events import recent
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import REQUIRED, Integer


def _compute(frame: Frame, values: Values, inputs: Sequence[Series]) -> tuple[Series, ...]:
    return (recent(frame.full(inputs[0]), values["n"]),)


def _lookback(values: Values) -> int:
    return int(values["n"]) - 1


def _code(coder: Coder, values: Values, true: Term) -> Term:
    return coder.term(Op.LESS, coder.term(Op.BARS_SINCE, true), coder.push(values["n"]))


class RecentNode(NodeType):
    """True within the last n bars."""

    name = "recent"
    title = "Recent"
    category = "logic"
    description = (
        "True where its input was true at any of the last n bars, this one included: a signal "
        "that stays good for a while."
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
                    description="How many bars, this one included; 1 is this bar alone.",
                ),
            ),
            inputs=(Port("in_1", PortType.BOOL, description="What is remembered."),),
            outputs=(Port("value", PortType.BOOL),),
            compute=_compute,
            code=coded(_code),
            lookback=_lookback,
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms
