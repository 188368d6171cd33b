"""Instruments and last prices as several owners see them, each looked up once."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from core.errors import InvalidInput
from market.models import BarSeries, Instrument
from market.selectors import LatestPrice, instrument_get, price_latest


class Quotes:
    """What the catalogue says of symbols, for the owners it is made for.

    An owner who has neither an instrument nor bars of a symbol to himself sees what everybody
    sees: that is read once for all of them.
    """

    def __init__(self, owner_ids: Iterable[UUID]) -> None:
        self._owner_ids = frozenset(owner_ids)
        self._private: dict[str, frozenset[UUID]] = {}
        self._prices: dict[tuple[str, UUID | None], LatestPrice | InvalidInput] = {}
        self._instruments: dict[tuple[str, UUID | None], Instrument] = {}

    def reader(self, symbol: str, owner_id: UUID) -> UUID | None:
        """Return whom to read a symbol as: the owner, or None where all see the same."""
        if symbol not in self._private:
            own = {"owner_id__in": self._owner_ids}
            named = Instrument.objects.filter(symbol=symbol, **own).values_list("owner_id")
            held = BarSeries.objects.filter(instrument__symbol=symbol, **own)
            self._private[symbol] = frozenset(
                one for (one,) in named.union(held.values_list("owner_id")) if one is not None
            )
        return owner_id if owner_id in self._private[symbol] else None

    def instrument(self, symbol: str, owner_id: UUID) -> Instrument:
        """Return the instrument of a symbol.

        Raises
        ------
        InvalidInput
            When there is none.
        """
        key = symbol, self.reader(symbol, owner_id)
        if key not in self._instruments:
            self._instruments[key] = instrument_get(symbol, owner_id=key[1])
        return self._instruments[key]

    def latest(self, symbol: str, owner_id: UUID) -> LatestPrice:
        """Return the last price of a symbol.

        Raises
        ------
        InvalidInput
            When there is none.
        """
        key = symbol, self.reader(symbol, owner_id)
        if key not in self._prices:
            try:
                self._prices[key] = price_latest(symbol, owner_id=key[1])
            except InvalidInput as error:
                self._prices[key] = error
        found = self._prices[key]
        if isinstance(found, InvalidInput):
            raise found
        return found

    def get(self, symbol: str, owner_id: UUID) -> LatestPrice | None:
        """Return the last price of a symbol, None where there is none."""
        try:
            return self.latest(symbol, owner_id)
        except InvalidInput:
            return None

    def price(self, symbol: str, owner_id: UUID, fallback: Decimal) -> Decimal:
        """Return the last price of a symbol, or another where there is none."""
        quote = self.get(symbol, owner_id)
        return quote.price if quote else fallback
