"""What brokers with options share: our symbols of contracts, taken apart and put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from brokers.adapters.base import ListedContract, OrderRequest, Refused
from core.engine.option_rules import Right
from core.options.contract import Contract, contract_parse, contract_symbol

EPOCH: Final = date(1970, 1, 1)
# Shares of a contract in the United States that was not adjusted.
STANDARD: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Series:
    """A contract, as its symbol says it."""

    underlying: str
    expiry: date
    right: Literal["C", "P"]
    strike: Decimal

    @property
    def symbol(self) -> str:
        """Our symbol of it."""
        right = Right.CALL if self.right == "C" else Right.PUT
        days = (self.expiry - EPOCH).days
        return contract_symbol(Contract(right, float(self.strike), days), self.underlying)


def series_find(symbol: str) -> Series | None:
    """Return the contract that a symbol names; None where it names none."""
    named = contract_parse(symbol)
    if named is None:
        return None
    right, strike, days = named.contract
    return Series(
        underlying=named.underlying,
        expiry=EPOCH + timedelta(days=days),
        right="C" if right == Right.CALL else "P",
        strike=Decimal(str(strike)),
    )


def series_of(symbol: str) -> Series:
    """Return the contract that a symbol names.

    Raises
    ------
    Refused
        Where it names none: nothing was sent.
    """
    series = series_find(symbol)
    if series is None:
        raise Refused("symbol", f"{symbol} names no option: write AAPL260116P00150000.")
    return series


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
        series = series_find(contract.symbol)
        if series and series.underlying == underlying and first <= contract.expiry <= last:
            chosen[contract.symbol] = contract
    return sorted(chosen.values(), key=lambda one: (one.expiry, one.strike, one.right))
