"""What a wallet holds, as positions of the pairs in which its coins were traded.

A wallet has coins and no pairs: of what was bought as BTC/EUR it says that there is BTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from brokers.adapters.base import VenuePosition

ZERO: Final = Decimal(0)


def pairs_named(held: Iterable[VenuePosition], ours: Mapping[str, Decimal]) -> list[VenuePosition]:
    """Return what is held, coins under the pairs of our positions in them.

    Of several pairs of one coin each is given what we believe of it, as far as the coin reaches;
    the last one has what is over.

    Parameters
    ----------
    ours : mapping
        What we believe to be held, by symbol.
    """
    found = []
    for position in held:
        pairs = sorted(symbol for symbol in ours if _coin(symbol) == _coin(position.symbol))
        left = position.quantity
        for symbol in pairs[:-1]:
            part = max(ZERO, min(left, ours[symbol]))
            found.append(VenuePosition(symbol, part, position.average_price))
            left -= part
        last = pairs[-1] if pairs else position.symbol
        found.append(VenuePosition(last, left, position.average_price))
    return found


def _coin(symbol: str) -> str:
    return symbol.partition("/")[0]
