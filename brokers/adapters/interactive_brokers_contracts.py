"""Contracts at Interactive Brokers: taken apart into fields, and put together again.

An option is named there by what is known of it. Its trading class is the root of our symbol: that
of the share for usual contracts, another one for those that were adjusted to a split or a merger.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar, cast

from ib_async import IB, Contract, Forex, Option, Stock
from ib_async.contract import ContractDetails
from ib_async.objects import OptionChain, Position
from ib_async.wrapper import RequestError

from brokers.adapters.base import ListedContract, OrderRequest, Refused
from brokers.adapters.options import (
    STANDARD,
    multiplier_check,
    terms_of,
)
from brokers.choices import AssetType
from market.contracts import ContractTerms, contract_terms
from market.pairs import HOW_NAMED, Pair, pair_of

TITLE: Final = "Interactive Brokers"
SHARE: Final = "STK"
OPTION: Final = "OPT"
PAIR: Final = "CASH"
# Where banks trade currencies: prices are multiples of half a pip.
HALF_PIP: Final = Decimal("0.00005")
HALF_PIP_OF_YEN: Final = Decimal("0.005")
NO_SUCH_CONTRACT: Final = 200
TOO_MANY: Final = 100
# Expiries of one call, and for how long their contracts are taken for known.
AT_ONCE: Final = 4
GOOD_FOR_S: Final = 6 * 3600.0
Answer = TypeVar("Answer")


def contract_of(request: OrderRequest) -> Contract:
    """Return what an order is for, as it goes to the broker."""
    if request.asset_type == AssetType.FOREX:
        return _pair(request.symbol)
    if request.asset_type != AssetType.OPTION:
        return Stock(request.symbol, "SMART", "USD")
    multiplier_check(request, STANDARD, TITLE)
    return _option(terms_of(request.symbol))


def symbol_told(contract: Contract) -> str:
    """Return our symbol of what the broker tells of; of what we do not trade, one of its own."""
    if contract.secType == PAIR:
        return Pair(contract.symbol, contract.currency).symbol
    if contract.secType != OPTION:
        return contract.symbol + ("" if contract.secType == SHARE else f".{contract.secType}")
    # What the exchanges call it, padded; an order of this connection does not have it yet.
    if contract_terms(contract.localSymbol):
        return contract.localSymbol.replace(" ", "")
    return ContractTerms(
        underlying=contract.tradingClass or contract.symbol,
        right="call" if contract.right.startswith("C") else "put",
        strike=Decimal(str(contract.strike)),
        expiry=_day(contract.lastTradeDateOrContractMonth),
    ).symbol


def pair_tick(symbol: str) -> Decimal:
    """Return the step of a pair's prices."""
    pair = pair_of(symbol)
    return HALF_PIP_OF_YEN if pair is not None and pair.quote == "JPY" else HALF_PIP


def average_price(position: Position) -> Decimal:
    """Return what was paid for one share; of options the broker tells it for a contract."""
    cost = Decimal(str(position.avgCost))
    if position.contract.secType != OPTION:
        return cost
    return cost / Decimal(position.contract.multiplier)


async def expiries_list(ib: IB, *, underlying: str, first: date, last: date) -> list[date]:
    """Return on which days usual contracts expire, from `first` to `last`."""
    ib.RaiseRequestErrors = True
    days = set()
    for share in await _details(ib, Stock(underlying, "SMART", "USD")):
        number = cast(Contract, share.contract).conId
        chains: list[OptionChain] = await _answer(
            ib.reqSecDefOptParamsAsync(underlying, "", SHARE, number)
        )
        for chain in chains:
            if chain.tradingClass == underlying:
                days |= {day for day in map(_day, chain.expirations) if first <= day <= last}
    return sorted(days)


async def contracts_list(
    ib: IB, *, underlying: str, days: Sequence[date]
) -> list[list[ListedContract]]:
    """Return what can be traded of each expiry."""
    ib.RaiseRequestErrors = True
    found = await asyncio.gather(*(_details(ib, _any(underlying, day)) for day in days))
    return [[_listed(cast(Contract, row.contract)) for row in rows] for rows in found]


class ContractLists:
    """What can be traded of each expiry, for as long as that does not change.

    A share has thousands of contracts, which the broker tells slowly: so they are asked for a few
    expiries at a time, orders go in between, and what was told is not asked for again.
    """

    def __init__(self) -> None:
        self._lists: dict[tuple[str, date], tuple[float, list[ListedContract]]] = {}

    def of(self, underlying: str, day: date) -> list[ListedContract] | None:
        """Return the contracts of an expiry; None where they have to be asked for."""
        at, found = self._lists.get((underlying, day), (-GOOD_FOR_S, []))
        return found if time.monotonic() - at < GOOD_FOR_S else None

    def keep(self, underlying: str, day: date, contracts: list[ListedContract]) -> None:
        """Keep the contracts of an expiry, and no more what is too old."""
        now = time.monotonic()
        for key, (at, _) in list(self._lists.items()):
            if now - at >= GOOD_FOR_S:
                self._lists.pop(key, None)
        self._lists[underlying, day] = now, contracts


async def _details(ib: IB, contract: Contract) -> list[ContractDetails]:
    """Return all that a description fits."""
    return await _answer(ib.reqContractDetailsAsync(contract))


async def _answer(asked: Awaitable[list[Answer]]) -> list[Answer]:
    """Return an answer; that there is no such contract is one too."""
    try:
        return await asked
    except RequestError as error:
        if error.code == NO_SUCH_CONTRACT:
            return []
        name = "rate_limited" if error.code == TOO_MANY else str(error.code)
        raise Refused(name, f"{TITLE}: {error.message}") from error


def _pair(symbol: str) -> Forex:
    pair = pair_of(symbol)
    if pair is None:
        raise Refused("not_a_pair", f"{symbol} is no pair of currencies: name {HOW_NAMED}.")
    return Forex(symbol=pair.base, currency=pair.quote)


def _option(terms: ContractTerms) -> Option:
    option = _any(terms.underlying, terms.expiry)
    option.strike, option.right = float(terms.strike), terms.letter
    return option


def _any(underlying: str, day: date) -> Option:
    """Return what all contracts of an expiry have in common."""
    return Option(
        symbol=underlying,
        lastTradeDateOrContractMonth=f"{day:%Y%m%d}",
        exchange="SMART",
        multiplier=str(STANDARD),
        currency="USD",
        tradingClass=underlying,
    )


def _listed(contract: Contract) -> ListedContract:
    return ListedContract(
        symbol=symbol_told(contract),
        strike=Decimal(str(contract.strike)),
        right="C" if contract.right.startswith("C") else "P",
        expiry=_day(contract.lastTradeDateOrContractMonth),
        multiplier=Decimal(contract.multiplier),
    )


def _day(text: str) -> date:
    return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 - a day, of no time zone
