"""What positions are worth at the last prices we have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from brokers.models import Position
from brokers.quotes import Quotes
from market.selectors import LatestPrice


@dataclass(frozen=True, slots=True)
class Worth:
    """What a position is worth; all None where its symbol has no price.

    Attributes
    ----------
    latest : LatestPrice or None
        The last price, of one share, coin or unit of a contract.
    value : Decimal or None
        Below zero where it is short.
    profit : Decimal or None
        What closing at that price would add, without commissions.
    """

    latest: LatestPrice | None = None
    value: Decimal | None = None
    profit: Decimal | None = None

    @classmethod
    def of(cls, position: Position, latest: LatestPrice | None) -> Worth:
        """Return the worth of a position at a price."""
        if latest is None:
            return cls()
        units = position.quantity * position.multiplier
        return cls(latest, units * latest.price, units * (latest.price - position.average_price))


def positions_value(positions: Sequence[Position], *, owner_id: UUID) -> None:
    """Have positions of an owner carry their `worth`; few queries for all of them."""
    quotes = Quotes([owner_id])
    quotes.read(position.symbol for position in positions)
    for position in positions:
        position.worth = Worth.of(position, quotes.get(position.symbol, owner_id))
