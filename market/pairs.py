"""Pairs of currencies, by whatever name users and providers know them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

HOW_NAMED: Final = "both currencies, such as EURUSD, EUR/USD or EURUSD=X"
# Yahoo calls what a dollar costs by the other currency alone: JPY=X is USD/JPY.
_BOTH: Final = re.compile(r"([A-Z]{3})[/.-]?([A-Z]{3})(?:=X)?")
_DOLLAR: Final = re.compile(r"([A-Z]{3})=X")


class Pair(NamedTuple):
    """Two currencies: `base` is what is bought, `quote` the money that it is paid in."""

    base: str
    quote: str

    @property
    def symbol(self) -> str:
        """The pair without anything between its currencies."""
        return f"{self.base}{self.quote}"


def pair_of(symbol: str) -> Pair | None:
    """Return the currencies that a symbol names; None where it does not name two."""
    if found := _DOLLAR.fullmatch(symbol):
        pair = Pair("USD", found[1])
    elif found := _BOTH.fullmatch(symbol):
        pair = Pair(found[1], found[2])
    else:
        return None
    return pair if pair.base != pair.quote else None


def pair_alike(symbol: str) -> str:
    """Return what is the same for all names of a pair; what is none stays as it is."""
    pair = pair_of(symbol)
    return symbol if pair is None else pair.symbol
