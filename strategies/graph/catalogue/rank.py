"""`rank`: which instrument comes first where several share an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode
from strategies.graph.catalogue.forms import Form, Port, PortType
from strategies.graph.params import Choice

_LOWEST: Final = "lowest"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankForm(Form):
    """A form whose input is a column that the program itself names."""


class RankNode(NodeType):
    """Orders the instruments that share an account."""

    name = "rank"
    title = "Rank"
    category = "orders"
    description = (
        "In a run on several instruments that share an account: which of them are served first "
        "where there is not room or money for all. Each instrument has its own number, as it is at "
        "the close of the decision; one without a number comes last. In a run on one instrument it "
        "changes nothing, and decisions never wait for it."
    )
    acts = True

    _forms: Final = {
        "": RankForm(
            params=(
                Choice(
                    name="order",
                    choices=("highest", _LOWEST),
                    default="highest",
                    description="Which numbers are served first.",
                ),
            ),
            inputs=(
                Port(
                    "source",
                    PortType.NUMBER,
                    description="What is compared; nothing that depends on the position.",
                ),
            ),
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms


def lowest_first(node: BoundNode) -> bool:
    """Return whether the lowest number of a `rank` is served first."""
    return bool(node.values["order"] == _LOWEST)
