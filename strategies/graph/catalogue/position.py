"""`position`: what the account says at the close of the bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.engine.program import AccountField
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.coding import Coding, Inputs, Values
from strategies.graph.catalogue.forms import Form, Port, PortType
from strategies.graph.coder import Coder, Term

_MONEY: Final = "account currency"
_OUTPUTS: Final = {
    AccountField.SIDE: ("", "1 while long, -1 while short, 0 while flat."),
    AccountField.QUANTITY: ("units", "Units held, without a sign; 0 while flat."),
    AccountField.ENTRY_PRICE: ("price", "Average price of the entries; no value while flat."),
    AccountField.UNREALIZED_PNL: (_MONEY, "Open profit before the costs of the exit; 0 if flat."),
    AccountField.UNREALIZED_PNL_PCT: ("percent", "The same against what was paid; 5 is 5 %."),
    AccountField.BARS_HELD: ("bars", "Since the first entry filled, 0 in its bar; none if flat."),
    AccountField.BARS_SINCE_EXIT: ("bars", "Since a position was closed whole; infinite before."),
    AccountField.MAX_FAVORABLE_PCT: ("percent", "Best price since the first entry; none if flat."),
    AccountField.MAX_ADVERSE_PCT: ("percent", "Worst price likewise, 0 or below; none if flat."),
    AccountField.EQUITY: (_MONEY, "Cash and what the position is worth."),
    AccountField.CASH: (_MONEY, "Cash, without what the position is worth."),
    AccountField.DRAWDOWN: ("fraction", "Equity under its peak at a close: -0.1 is 10 % below."),
    AccountField.CLOSED_TRADES: ("trades", "Trades closed so far."),
    AccountField.LAST_TRADE_PNL: (_MONEY, "Of the last closed trade after costs; none before."),
    AccountField.ENTRIES: ("entries", "Entries of the position that are open."),
}
"""Unit and description of every output; "none" is no value, and comparisons with it are false."""


def _write(coder: Coder, _values: Values, _inputs: Inputs) -> Sequence[Term]:
    return [coder.field(field) for field in _OUTPUTS]


class PositionNode(NodeType):
    """State of the simulated or real position and of its account."""

    name = "position"
    title = "Position"
    category = "data"
    description = (
        "The position and its account as they stand at the close of the bar. Compare and calculate "
        "with it: everything behind it is computed bar by bar, as the strategy trades, and "
        "remembers from the first decision on. Indicators and windows over it (rolling, highest of "
        "n) are not possible."
    )

    _forms: Final = {
        "": Form(
            outputs=tuple(
                Port(field.name.lower(), PortType.NUMBER, description=text, unit=unit)
                for field, (unit, text) in _OUTPUTS.items()
            ),
            code=Coding(_write, always=True),
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms
