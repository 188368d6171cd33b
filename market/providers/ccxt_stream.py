"""Prices of coins as they change, over the WebSockets of exchanges through ccxt.pro."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import ccxt.pro  # type: ignore[import-untyped]  # it has no types
from django.conf import settings

from core.errors import Permanent
from market.providers.base import LastTrade
from market.providers.ccxt import OPTIONS, CcxtProvider, failures_told
from market.providers.listening import (
    Told,
    Wanted,
    change_or_end,
    receiving_end,
    socket_url,
)

# The library would open a connection for every set of symbols.
ONE_CONNECTION: Final = {"spot": 1, "margin": 1, "linear": 1, "inverse": 1}


class CcxtStream:
    """The last prices of an exchange."""

    name: ClassVar[str] = "ccxt"

    def __init__(self, exchange: str = "binance") -> None:
        self._exchange_id = exchange
        self._provider = CcxtProvider(exchange)

    async def listen(self, wanted: Wanted, told: Told, *, credentials: Mapping[str, str]) -> None:  # noqa: ARG002 - public prices
        """Tell the prices of what is wanted until the connection breaks."""
        markets = await asyncio.to_thread(self._provider.markets)
        exchange = self._make()
        receiving: asyncio.Future[Any] | None = None
        known: frozenset[str] = frozenset()
        try:
            exchange.set_markets(markets)
            while (changed := await change_or_end(wanted, known, receiving)) is not None:
                await receiving_end(receiving)
                known = changed
                symbols = sorted(symbol for symbol in known if symbol in markets)
                receiving = asyncio.ensure_future(self._receive(exchange, symbols, told))
            if receiving is not None:
                await receiving
        finally:
            await receiving_end(receiving)
            await exchange.close()

    async def _receive(self, exchange: Any, symbols: list[str], told: Told) -> None:
        with failures_told(self._provider.source, symbols[0] if symbols else ""):
            if not symbols:
                await asyncio.Event().wait()
            if exchange.has.get("watchTickers"):
                while True:
                    _tell(await exchange.watch_tickers(symbols), told)
            if not exchange.has.get("watchTicker"):
                raise Permanent(
                    f"{self._provider.source} has no stream of prices: it is polled.",
                    code="not_streamed",
                )
            await asyncio.gather(*(_watch(exchange, symbol, told) for symbol in symbols))

    def _make(self) -> Any:
        options = OPTIONS.get(self._exchange_id, {}) | {"streamLimits": ONE_CONNECTION}
        exchange = getattr(ccxt.pro, self._exchange_id)(
            {
                "timeout": settings.PROVIDER_TIMEOUT_S * 1000,
                "options": options,
                "newUpdates": True,
                # Ours counts for all workers together.
                "enableRateLimit": False,
            }
        )
        if settings.CCXT_URL:
            exchange.urls["api"]["ws"] = _elsewhere(exchange.urls["api"].get("ws"))
        return exchange


async def _watch(exchange: Any, symbol: str, told: Told) -> None:
    while True:
        _tell({symbol: await exchange.watch_ticker(symbol)}, told)


def _tell(tickers: Mapping[str, Any], told: Told) -> None:
    for symbol, ticker in tickers.items():
        if ticker.get("last") and ticker.get("timestamp"):
            moment = datetime.fromtimestamp(int(ticker["timestamp"]) / 1000, tz=UTC)
            told(symbol, LastTrade(repr(float(ticker["last"])), moment))


def _elsewhere(urls: Any) -> Any:
    """Return addresses, which exchanges nest as they like, on the host that is set."""
    if isinstance(urls, dict):
        return {name: _elsewhere(url) for name, url in urls.items()}
    return socket_url(urls, settings.CCXT_URL) if isinstance(urls, str) else urls
