"""`sequence`: one thing, then another soon after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.engine.program import Op
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.coding import coded
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values
from strategies.graph.coder import Coder, Term
from strategies.graph.events import followed
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import REQUIRED, Integer


def _compute(frame: Frame, values: Values, inputs: Sequence[Series]) -> tuple[Series, ...]:
    first, then = (frame.full(series) for series in inputs)
    return (followed(first, then, values["n"]),)


def _lookback(values: Values) -> int:
    return int(values["n"])


def _code(coder: Coder, values: Values, first: Term, then: Term) -> Term:
    before = coder.term(Op.SHIFT, coder.term(Op.BARS_SINCE, first), value=1)
    soon = coder.term(Op.LESS, before, coder.push(values["n"]))
    return coder.term(Op.AND, then, soon)


class SequenceNode(NodeType):
    """A, then B within n bars."""

    name = "sequence"
    title = "Sequence"
    category = "logic"
    description = (
        "True where `then` is true and `first` was true at one of the n bars before. Both on one "
        "bar are no sequence; every `then` within the n bars counts, not just the nearest."
    )

    _forms: Final = {
        "": SeriesForm(
            params=(
                Integer(
                    name="n",
                    minimum=1,
                    maximum=MAX_SHIFT,
                    default=REQUIRED,
                    aliases=("bars", "within"),
                    description="How many bars later at most; 1 is the very next bar.",
                ),
            ),
            inputs=(
                Port("first", PortType.BOOL, description="What comes first."),
                Port("then", PortType.BOOL, description="What follows it."),
            ),
            outputs=(Port("value", PortType.BOOL),),
            compute=_compute,
            code=coded(_code),
            lookback=_lookback,
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms
