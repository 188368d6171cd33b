"""`bars_since`: how long ago something was true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.engine.program import Op
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.coding import coded
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values
from strategies.graph.coder import Coder, Term
from strategies.graph.events import bars_since


def _compute(frame: Frame, _values: Values, inputs: Sequence[Series]) -> tuple[Series, ...]:
    return (bars_since(frame.full(inputs[0])),)


def _code(coder: Coder, _values: Values, true: Term) -> Term:
    return coder.term(Op.BARS_SINCE, true)


class BarsSinceNode(NodeType):
    """How many bars ago its input was last true."""

    name = "bars_since"
    title = "Bars since"
    category = "logic"
    description = (
        "Counts the bars since its input was last true: 0 where it is. Before it first was there "
        "is no value, so a comparison with it is false; the rest of the strategy does not wait for "
        "it."
    )

    _forms: Final = {
        "": SeriesForm(
            inputs=(Port("in_1", PortType.BOOL, description="What the bars are counted from."),),
            outputs=(Port("value", PortType.NUMBER),),
            compute=_compute,
            code=coded(_code),
            eventual=True,
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms
