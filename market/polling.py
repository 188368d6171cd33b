"""Asking providers for the latest prices: once a symbol, however many want it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog

from core.errors import ApplicationError
from market.providers.base import QuotedProvider
from market.providers.kinds import provider_get
from market.quote_sources import QuoteSource, quote_sources
from market.quotes import (
    Quote,
    poll_claim,
    quotes_age,
    quotes_put,
    quotes_streamed,
    quotes_wanted,
)

log = structlog.get_logger(__name__)

POLL_EVERY_S: Final = 9


def quotes_poll(*, now: datetime) -> int:
    """Ask for the prices that somebody wants; return how many came.

    One worker polls at a time, and what a stream told of lately is left out. A provider that fails
    leaves its quotes to grow old: they are shown as stale.
    """
    wanted = quotes_wanted(now=now)
    if not wanted or not poll_claim(seconds=POLL_EVERY_S):
        return 0
    came = 0
    told = quotes_streamed(now=now)
    for source in quote_sources([symbol for symbol in wanted if symbol not in told]):
        try:
            quotes = _ask(source, now)
        except ApplicationError as error:
            log.warning("market.quotes_missed", provider=source.provider, error=error.message)
            continue
        quotes_put(quotes, now=now)
        came += len(quotes)
    quotes_age(wanted, now=now)
    return came


def _ask(source: QuoteSource, now: datetime) -> list[Quote]:
    provider = provider_get(source.provider)
    if not isinstance(provider, QuotedProvider):
        return []
    found = provider.quotes(source.symbols, credentials=source.credentials)
    return [
        Quote(
            symbol=symbol,
            price=trade.price,
            traded_at=trade.traded_at,
            asked_at=now,
            provider=source.provider,
        )
        for symbol, trade in found.items()
    ]
