"""`hold`: a truth that lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import REQUIRED, Integer
from strategies.graph.series import run_of


def _compute(frame: Frame, values: Values, inputs: Sequence[Series]) -> tuple[Series, ...]:
    return (run_of(frame.full(inputs[0]), values["n"]),)


def _lookback(values: Values) -> int:
    return int(values["n"]) - 1


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
            lookback=_lookback,
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms
