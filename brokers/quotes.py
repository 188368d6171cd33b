"""Instruments and last prices as several owners see them, each looked up once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, time, timedelta
from datetime import timezone as zone
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.utils import timezone

from core.errors import InvalidInput
from core.options.config import OptionsConfig
from market.contract_prices import DEFAULTS, MODEL, ContractQuote, ModelMarket
from market.contracts import ContractTerms, contract_instrument, contract_terms
from market.models import BarSeries, Instrument
from market.selectors import (
    LatestPrice,
    instrument_get,
    instrument_list,
    instrument_price,
    no_bars,
    price_of,
    series_list,
)

ONE: Final = Decimal(1)
WEST: Final = zone(timedelta(hours=-12))


class Quotes:
    """What the catalogue says of symbols, for the owners it is made for.

    An owner who has neither an instrument nor bars of a symbol to himself sees what everybody
    sees: that is read once for all of them. Contracts are derived from their underlyings, and cost
    what the model says at `now`.
    """

    def __init__(self, owner_ids: Iterable[UUID], *, now: datetime | None = None) -> None:
        self._owner_ids = frozenset(owner_ids)
        self._now = now or timezone.now()
        self._private: dict[str, frozenset[UUID]] = {}
        self._prices: dict[tuple[str, UUID | None], LatestPrice | InvalidInput] = {}
        self._instruments: dict[tuple[str, UUID | None], Instrument] = {}
        self._markets: dict[tuple[str, UUID | None, OptionsConfig], ModelMarket] = {}

    def read(self, symbols: Iterable[str]) -> None:
        """Look up together what several symbols are and cost, as far as all owners see the same."""
        named = {terms.underlying if (terms := contract_terms(one)) else one for one in symbols}
        new = named - self._private.keys()
        if len(new) < 2:
            return
        self._read_private(new)
        shared = [symbol for symbol in new if not self._private[symbol]]
        held: dict[str, list[BarSeries]] = {}
        for series in series_list().filter(instrument__symbol__in=shared):
            held.setdefault(series.instrument.symbol, []).append(series)
        for instrument in instrument_list().filter(symbol__in=shared):
            key = instrument.symbol, None
            self._instruments[key] = instrument
            self._prices[key] = price_of(held.get(instrument.symbol, ())) or no_bars(
                instrument.symbol
            )

    def reader(self, symbol: str, owner_id: UUID) -> UUID | None:
        """Return whom to read a symbol as: the owner, or None where all see the same."""
        if symbol not in self._private:
            self._read_private({symbol})
        return owner_id if owner_id in self._private[symbol] else None

    def _read_private(self, symbols: Collection[str]) -> None:
        """Look up which owners have an instrument or bars of symbols to themselves."""
        own = {"owner_id__in": self._owner_ids}
        named = Instrument.objects.filter(symbol__in=symbols, **own)
        held = BarSeries.objects.filter(instrument__symbol__in=symbols, **own)
        found: dict[str, set[UUID]] = {symbol: set() for symbol in symbols}
        for symbol, owner_id in named.values_list("symbol", "owner_id").union(
            held.values_list("instrument__symbol", "owner_id")
        ):
            if owner_id is not None:
                found[symbol].add(owner_id)
        self._private |= {symbol: frozenset(owners) for symbol, owners in found.items()}

    def instrument(self, symbol: str, owner_id: UUID) -> Instrument:
        """Return the instrument of a symbol.

        Raises
        ------
        InvalidInput
            When there is none.
        """
        terms = contract_terms(symbol)
        key = symbol, self.reader(terms.underlying if terms else symbol, owner_id)
        if key not in self._instruments:
            self._instruments[key] = (
                instrument_get(symbol, owner_id=key[1])
                if terms is None
                else contract_instrument(terms, self.instrument(terms.underlying, owner_id))
            )
        return self._instruments[key]

    def multiplier(self, symbol: str, owner_id: UUID) -> Decimal:
        """Return what the price of a contract is multiplied by to get money; 1 of all else.

        That of a contract on what nobody knows is the usual one.
        """
        terms = contract_terms(symbol)
        if terms is None:
            return ONE
        try:
            return self.instrument(symbol, owner_id).multiplier
        except InvalidInput:
            return Instrument().contract_size

    def ends_at(self, symbol: str, owner_id: UUID) -> datetime | None:
        """Return when a contract expires, None for all else.

        A contract on what nobody knows ends with its day in the west, to be on the safe side.
        """
        terms = contract_terms(symbol)
        if terms is None:
            return None
        try:
            return terms.ends_at(self.instrument(symbol, owner_id))
        except InvalidInput:
            return datetime.combine(terms.expiry, time(23, 59), WEST)

    def market(
        self, underlying: str, owner_id: UUID, config: OptionsConfig = DEFAULTS
    ) -> ModelMarket:
        """Return the model's market of contracts on an underlying.

        Raises
        ------
        InvalidInput
            When there is no such underlying.
        """
        key = underlying, self.reader(underlying, owner_id), config
        if key not in self._markets:
            instrument = self.instrument(underlying, owner_id)
            self._markets[key] = ModelMarket(instrument, owner_id=key[1], config=config)
        return self._markets[key]

    def contract(
        self, terms: ContractTerms, owner_id: UUID, config: OptionsConfig = DEFAULTS
    ) -> ContractQuote:
        """Return what the model quotes a contract at now.

        Raises
        ------
        InvalidInput
            Where the underlying has no price, or no volatility yet.
        """
        market = self.market(terms.underlying, owner_id, config)
        spot = self.latest(terms.underlying, owner_id).price
        return market.quote(terms, spot=spot, at=self._now)

    def latest(self, symbol: str, owner_id: UUID) -> LatestPrice:
        """Return the last price of a symbol; of a contract the model's, with its underlying's time.

        Raises
        ------
        InvalidInput
            When there is none.
        """
        terms = contract_terms(symbol)
        key = symbol, self.reader(terms.underlying if terms else symbol, owner_id)
        if key not in self._prices:
            try:
                self._prices[key] = (
                    instrument_price(self.instrument(symbol, owner_id), owner_id=key[1])
                    if terms is None
                    else self._contract_latest(terms, owner_id)
                )
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

    def _contract_latest(self, terms: ContractTerms, owner_id: UUID) -> LatestPrice:
        last = self.latest(terms.underlying, owner_id)
        mid = self.contract(terms, owner_id).mid
        return LatestPrice(terms.symbol, mid, last.ts, last.interval, MODEL)
