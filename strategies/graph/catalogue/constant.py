"""`constant`: a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.coding import coded
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values
from strategies.graph.params import REQUIRED, Number


def constant(_frame: Frame, values: Values, _inputs: Sequence[Series]) -> tuple[Series, ...]:
    """Return the number as a 0-d array: it takes no memory and no time a bar."""
    return (np.asarray(values["value"]),)


class ConstantNode(NodeType):
    """A number."""

    name = "constant"
    title = "Constant"
    category = "data"
    description = "The same number at every bar, to compare or calculate with."

    _forms: Final = {
        "": SeriesForm(
            params=(Number(name="value", default=REQUIRED, description="The number."),),
            outputs=(Port("value", PortType.NUMBER),),
            compute=constant,
            code=coded(lambda coder, values: coder.push(values["value"])),
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms
