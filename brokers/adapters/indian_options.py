"""Options in India: a broker's list of them says what it calls a contract, and how large a lot is.

Brokers there count units, in multiples of the lot; here one contract is one lot, and its multiplier
the size of it. Names cannot be made from what a contract is, as weekly and monthly ones differ, so
they are looked up. The list is made once a day, before trading.
"""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple

from brokers.adapters.base import Access, ListedContract, OrderRequest, OutcomeUnknown, Refused
from brokers.adapters.http import outcomes
from brokers.adapters.indian import symbol_of
from brokers.adapters.options import listed, multiplier_check
from market.contracts import ContractTerms, contract_terms

# What indexes are called in the market data; shares are called as everywhere else.
INDEXES: Final = MappingProxyType({"NIFTY": "^NSEI", "BANKNIFTY": "^NSEBANK"})
RIGHTS: Final = MappingProxyType({"CE": "call", "PE": "put"})
GOOD_FOR_S: Final = 12 * 3600
# What is not on the list may have come since it was fetched.
LOOK_AGAIN_S: Final = 600


class Columns(NamedTuple):
    """What the columns of a list are called."""

    key: str
    name: str
    expiry: str
    strike: str
    right: str
    lot: str


class Called(NamedTuple):
    """A contract: our symbol, the broker's name or number of it, and its units."""

    symbol: str
    key: str
    lot: int


@dataclass(frozen=True, slots=True)
class _Fetched:
    at: float = -GOOD_FOR_S
    by_symbol: dict[str, Called] = field(default_factory=dict)
    by_key: dict[str, Called] = field(default_factory=dict)


class OptionList:
    """The options of the National Stock Exchange that a broker lists.

    Parameters
    ----------
    title : str
        The broker's name in sentences.
    fetch : callable
        Returns the list as CSV; raises as an adapter does.
    """

    def __init__(self, title: str, columns: Columns, fetch: Callable[[Access], str]) -> None:
        self._title, self._columns, self._fetch = title, columns, fetch
        self._lock = threading.Lock()
        self._fetched = _Fetched()

    def ordered(self, access: Access, request: OrderRequest) -> Called:
        """Return the contract that an order is for.

        Raises
        ------
        Refused
            Where it is not on the list, there is no list, or its lot is not the multiplier with
            which the order is counted: nothing was sent.
        """
        called = self.of(access, request.symbol)
        multiplier_check(request, Decimal(called.lot), self._title)
        return called

    def of(self, access: Access, symbol: str) -> Called:
        """Return the contract under our symbol; refused where there is none."""
        try:
            called = self._find(access, lambda fetched: fetched.by_symbol.get(symbol))
        except OutcomeUnknown as error:
            raise Refused("no_instruments", f"{self._title} does not tell its options.") from error
        if called is None:
            raise Refused("symbol", f"{self._title} lists no option {symbol}.")
        return called

    def told(self, access: Access, key: str) -> Called | None:
        """Return the contract under the broker's name of it; None where it is no option."""
        return self._find(access, lambda fetched: fetched.by_key.get(key))

    def contracts(
        self, access: Access, *, underlying: str, first: date, last: date
    ) -> Sequence[ListedContract]:
        """Return what can be traded."""
        found = []
        for symbol, called in self._rows(access, GOOD_FOR_S).by_symbol.items():
            terms = contract_terms(symbol) if symbol.startswith(underlying) else None
            if terms:
                found.append(
                    ListedContract(
                        symbol=symbol,
                        strike=terms.strike,
                        right=terms.letter,
                        expiry=terms.expiry,
                        multiplier=Decimal(called.lot),
                    )
                )
        return listed(found, underlying=underlying, first=first, last=last)

    def _find(self, access: Access, look: Callable[[_Fetched], Called | None]) -> Called | None:
        found = look(self._rows(access, GOOD_FOR_S))
        return found or look(self._rows(access, LOOK_AGAIN_S))

    def _rows(self, access: Access, good_for_s: float) -> _Fetched:
        with self._lock:
            if time.monotonic() - self._fetched.at > good_for_s:
                self._fetched = self._parsed(self._fetch(access))
            return self._fetched

    def _parsed(self, text: str) -> _Fetched:
        """Read a list; one without any option, or cut off before them, is none."""
        columns, fetched = self._columns, _Fetched(time.monotonic())
        with outcomes(self._title):
            for row in csv.DictReader(io.StringIO(text)):
                right = RIGHTS.get(row[columns.right])
                if right is None:
                    continue
                name = row[columns.name]
                terms = ContractTerms(
                    underlying=INDEXES.get(name) or symbol_of("NSE", name),
                    right=right,
                    strike=Decimal(row[columns.strike]),
                    expiry=date.fromisoformat(row[columns.expiry][:10]),
                )
                lot = int(Decimal(row[columns.lot]))
                called = Called(terms.symbol, row[columns.key], lot)
                fetched.by_symbol[called.symbol] = fetched.by_key[called.key] = called
        if not fetched.by_key:
            raise OutcomeUnknown(f"{self._title} lists no options at all.")
        return fetched
