"""Named lists of symbols."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from core.errors import Conflict, Detail, InvalidInput
from market.listings import symbol_check
from market.models import Universe
from market.models.universe import NAME_PATTERN
from market.selectors import universe_own

SYMBOLS_AT_MOST: Final = 2000
# Members of an index as of one day: whoever tests on them backwards knows who would stay in it.
TODAY: Final = "As of 2026; to test the past on it means to know who would stay in it."
BUILT_IN: Final = MappingProxyType(
    {
        "sample": ("The shares that come with the product.", "AAPL GOOG IBM MSFT"),
        "dow-30": (
            f"Shares of the Dow Jones Industrial Average. {TODAY}",
            (
                "AAPL AMGN AMZN AXP BA CAT CRM CSCO CVX DIS GS HD HON IBM JNJ JPM KO MCD MMM "
                "MRK MSFT NKE NVDA PG SHW TRV UNH V VZ WMT"
            ),
        ),
        "us-sectors": (
            "Funds of the eleven sectors of the S&P 500.",
            "XLB XLC XLE XLF XLI XLK XLP XLRE XLU XLV XLY",
        ),
        "crypto-majors": (
            f"The coins most traded against USDT. {TODAY}",
            "BTC/USDT ETH/USDT SOL/USDT BNB/USDT XRP/USDT DOGE/USDT ADA/USDT LTC/USDT",
        ),
    }
)


def universe_create(
    *, owner_id: UUID, name: str, symbols: Sequence[str], description: str = ""
) -> Universe:
    """Write a list down.

    Raises
    ------
    InvalidInput
        When the name or a symbol cannot be one, or there are none or too many.
    Conflict
        When the owner has a list of that name.
    """
    fields = {"symbols": symbols_check(symbols), "description": description.strip()}
    try:
        with transaction.atomic():
            return Universe.objects.create(owner_id=owner_id, name=_name(name), **fields)
    except IntegrityError as error:
        raise Conflict(
            f"You have a universe {name!r} already: change it.", code="exists"
        ) from error


def universe_change(
    *,
    owner_id: UUID,
    name: str,
    symbols: Sequence[str] | None = None,
    description: str | None = None,
) -> Universe:
    """Change a list of the owner's.

    Raises
    ------
    NotFound
        When the owner has none of that name.
    InvalidInput
        When a symbol cannot be one, or there are none or too many.
    """
    universe = universe_own(owner_id=owner_id, name=name)
    if symbols is not None:
        universe.symbols = symbols_check(symbols)
    if description is not None:
        universe.description = description.strip()
    universe.save(update_fields=["symbols", "description", "updated_at"])
    return universe


def universe_delete(*, owner_id: UUID, name: str) -> None:
    """Delete a list of the owner's.

    Raises
    ------
    NotFound
        When the owner has none of that name.
    """
    universe_own(owner_id=owner_id, name=name).delete()


def universes_load() -> None:
    """Write the built-in lists down for everybody; safe to repeat."""
    for name, (description, symbols) in BUILT_IN.items():
        Universe.objects.update_or_create(
            name=name,
            owner=None,
            defaults={"description": description, "symbols": symbols.split()},
        )


def symbols_check(symbols: Sequence[str]) -> list[str]:
    """Return symbols in upper case, each once, in the order given.

    Raises
    ------
    InvalidInput
        When one cannot be a symbol (one detail each), or there are none or too many.
    """
    faults, found = [], []
    for at, text in enumerate(symbols):
        try:
            found.append(symbol_check(text))
        except InvalidInput as error:
            faults.append(Detail(f"symbols[{at}]", error.code, error.message, received=text[:40]))
    if faults:
        raise InvalidInput(
            f"{len(faults)} of {len(symbols)} symbols cannot be symbols: {faults[0].message}",
            code="malformed_symbol",
            details=faults,
        )
    once = list(dict.fromkeys(found))
    if not 1 <= len(once) <= SYMBOLS_AT_MOST:
        raise InvalidInput(
            f"A universe has 1 to {SYMBOLS_AT_MOST:,} symbols, these are {len(once):,}.",
            code="wrong_size",
            details=[Detail("symbols", "wrong_size", "Give 1 or more.", received=len(once))],
        )
    return once


def _name(text: str) -> str:
    name = text.strip().lower()
    if re.fullmatch(NAME_PATTERN, name):
        return name
    message = f"{text[:60]!r} cannot be a name: use 1 to 50 lower-case letters, digits, - and _."
    raise InvalidInput(
        message, details=[Detail("name", "malformed_name", message, received=text[:60])]
    )
