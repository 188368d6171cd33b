"""What brokers with options share: contracts under our symbols, and which of them are listed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from brokers.adapters.base import ListedContract, OrderRequest, Refused
from market.contracts import ContractTerms, contract_terms

# Shares of a contract in the United States that was not adjusted.
STANDARD: Final = Decimal(100)


def terms_of(symbol: str) -> ContractTerms:
    """Return the contract that a symbol names.

    Raises
    ------
    Refused
        Where it names none: nothing was sent.
    """
    terms = contract_terms(symbol)
    if terms is None:
        raise Refused("symbol", f"{symbol} names no option: write AAPL260116P00150000.")
    return terms


def multiplier_check(request: OrderRequest, theirs: Decimal, title: str) -> None:
    """Refuse a contract that is for another number of shares than we count it with.

    Raises
    ------
    Refused
        Where the two differ: what it is worth, and what it may lose, would be miscounted.
    """
    if request.multiplier is not None and request.multiplier != theirs:
        raise Refused(
            "contract_size",
            f"{request.symbol} is for {theirs.normalize():f} shares at {title}, and for "
            f"{request.multiplier.normalize():f} here: set contract_size of its underlying.",
        )


def listed(
    contracts: Iterable[ListedContract], *, underlying: str, first: date, last: date
) -> list[ListedContract]:
    """Return contracts on `underlying` that expire in the range, each once and in order.

    What is called otherwise than its underlying is left out: such contracts were adjusted to a
    split or a merger, and deliver something else than their number of shares.
    """
    chosen = {}
    for contract in contracts:
        terms = contract_terms(contract.symbol)
        if terms and terms.underlying == underlying and first <= contract.expiry <= last:
            chosen[contract.symbol] = contract
    return sorted(chosen.values(), key=lambda one: (one.expiry, one.strike, one.right))
