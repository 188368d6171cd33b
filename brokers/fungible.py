"""What a broker holds, under the names of our positions.

A wallet has coins and no pairs: of what was bought as BTC/EUR it says that there is BTC. A share in
India that was bought in Bombay may be told as one of the National Stock Exchange the next day, for
it lies with neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from brokers.adapters.base import VenuePosition

ZERO: Final = Decimal(0)


def positions_named(
    held: Iterable[VenuePosition], ours: Mapping[str, Decimal], alike: Callable[[str], str]
) -> list[VenuePosition]:
    """Return what is held, the same thing under the symbols by which we have it.

    Of several symbols each is given what we believe of it, as far as what is held reaches; the last
    one has what is over. What we have under none is called as the broker calls it.

    Parameters
    ----------
    ours : mapping
        What we believe to be held, by symbol.
    alike : callable
        Returns for a symbol what is the same for all symbols of one thing.
    """
    symbols: dict[str, list[str]] = {}
    for symbol in sorted(ours):
        symbols.setdefault(alike(symbol), []).append(symbol)
    found: list[VenuePosition] = []
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for position in held:
        key = alike(position.symbol)
        if key in symbols:
            before = sums.get(key)
            sums[key] = (
                position.quantity + (before[0] if before else ZERO),
                before[1] if before else position.average_price,
            )
        else:
            found.append(position)
    for key, (quantity, price) in sums.items():
        left = quantity
        for symbol in symbols[key][:-1]:
            part = _part(left, ours[symbol])
            found.append(VenuePosition(symbol, part, price))
            left -= part
        found.append(VenuePosition(symbols[key][-1], left, price))
    return found


def _part(left: Decimal, ours: Decimal) -> Decimal:
    """Return as much of ours as there is, on the same side."""
    if left * ours <= 0:
        return ZERO
    return min(left, ours) if left > 0 else max(left, ours)
