"""Asking providers for the latest prices: once a symbol, however many want it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

import structlog

from core.errors import ApplicationError
from market.models import BarSeries
from market.providers.base import KeyedProvider, QuotedProvider
from market.providers.kinds import provider_get
from market.quotes import Quote, poll_claim, quotes_age, quotes_put, quotes_wanted

log = structlog.get_logger(__name__)

POLL_EVERY_S: Final = 9
# The provider to ask where a symbol has bars of several.
QUOTED: Final = ("ccxt", "yfinance")


def quotes_poll(*, now: datetime) -> int:
    """Ask for the prices that somebody wants; return how many came.

    One worker polls at a time. A provider that fails leaves its quotes to grow old: they are shown
    as stale.
    """
    wanted = quotes_wanted(now=now)
    if not wanted or not poll_claim(seconds=POLL_EVERY_S):
        return 0
    came = 0
    for provider, symbols in _by_provider(wanted).items():
        try:
            quotes = _ask(provider, symbols, now)
        except ApplicationError as error:
            log.warning("market.quotes_missed", provider=provider, error=error.message)
            continue
        quotes_put(quotes, now=now)
        came += len(quotes)
    quotes_age(wanted, now=now)
    return came


def _ask(provider: str, symbols: list[str], now: datetime) -> list[Quote]:
    source = provider_get(provider)
    if not isinstance(source, QuotedProvider) or isinstance(source, KeyedProvider):
        return []
    return [
        Quote(
            symbol=symbol,
            price=trade.price,
            traded_at=trade.traded_at,
            asked_at=now,
            provider=provider,
        )
        for symbol, trade in source.quotes(symbols).items()
    ]


def _by_provider(symbols: list[str]) -> dict[str, list[str]]:
    """Return which symbols to ask which provider for: one that their bars are from."""
    sources = BarSeries.objects.filter(
        instrument__symbol__in=symbols, instrument__owner=None, owner=None
    ).values_list("instrument__symbol", "provider")
    known = defaultdict(set)
    for symbol, provider in sources:
        known[symbol].add(provider)
    found = defaultdict(list)
    for symbol in symbols:
        quoted = [name for name in known[symbol] if name.partition(":")[0] in QUOTED]
        if quoted:
            best = min(quoted, key=lambda name: (QUOTED.index(name.partition(":")[0]), name))
            found[best].append(symbol)
    return dict(found)
