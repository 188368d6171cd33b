"""Getting the instrument that bars belong to, making it where nobody has heard of it."""

from __future__ import annotations

import dataclasses
import re
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import Detail, InvalidInput
from market.choices import AssetClass
from market.exchanges import calendar_check
from market.models import Instrument
from market.models.instrument import SYMBOL_PATTERN
from market.providers.base import Listing


def symbol_check(text: str) -> str:
    """Return a symbol in upper case.

    Raises
    ------
    InvalidInput
        When it has characters no symbol has, or more than 20 of them.
    """
    symbol = text.strip().upper()
    if re.fullmatch(SYMBOL_PATTERN, symbol):
        return symbol
    message = (
        f"{text[:40]!r} cannot be a symbol: use 1 to 20 letters, digits and . ^ = / _ : - "
        "(a letter, digit or ^ first)."
    )
    raise InvalidInput(
        message,
        code="malformed_symbol",
        details=[
            Detail(
                path="symbol",
                code="malformed_symbol",
                message=message,
                expected=SYMBOL_PATTERN,
                received=text[:40],
            )
        ],
    )


def instrument_ensure(*, listing: Listing, owner_id: UUID | None = None) -> Instrument:
    """Return the instrument of a listing: the one there is, unchanged, or a new one.

    With an owner, the shared one counts as there too; a new one is the owner's alone.

    Raises
    ------
    InvalidInput
        When the listing names a calendar or time zone that does not exist.
    """
    symbol = symbol_check(listing.symbol)
    shared = Instrument.objects.filter(symbol=symbol, owner=None).first()
    if shared is not None:
        return shared
    calendar_check(listing.calendar)
    timezone_check(listing.timezone)
    facts = dataclasses.asdict(listing) | {"symbol": symbol}
    if listing.asset_class == AssetClass.OPTION:
        facts["multiplier"] = Instrument().contract_size
    instrument, _ = Instrument.objects.get_or_create(
        symbol=symbol, owner_id=owner_id, defaults=facts
    )
    return instrument


def timezone_check(name: str) -> str:
    """Return the name of a time zone that exists, else raise InvalidInput."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"{name!r} is not a time zone: use a name such as America/New_York or UTC.",
            code="unknown_timezone",
        ) from error
    return name
