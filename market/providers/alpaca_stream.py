"""Trades of shares as they happen, from Alpaca's data stream through its library alpaca-py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import websockets
from alpaca.common.enums import BaseURL
from alpaca.data.enums import DataFeed
from alpaca.data.live.stock import StockDataStream
from django.conf import settings

from core.errors import ApplicationError, Transient
from market.providers import http
from market.providers.alpaca import SOURCE
from market.providers.base import LastTrade
from market.providers.listening import (
    Told,
    Wanted,
    change_or_end,
    receiving_end,
    socket_url,
)

# Seconds between pings, and how long an answer may take: a dead line is noticed within both.
PING_EVERY_S: Final = 10
PING_WITHIN_S: Final = 20
# Refused for what the account is, so another try would be refused too.
REFUSED: Final = (
    "auth failed",
    "failed to authenticate",
    "not authenticated",
    "insufficient subscription",
)

# Every connection and its end would be a line each; ours says what matters.
logging.getLogger("alpaca.data.live.websocket").setLevel(logging.CRITICAL)


class AlpacaStream:
    """The last trades of shares of the United States."""

    name: ClassVar[str] = "alpaca"

    def __init__(self, feed: str = "iex") -> None:
        self._feed = DataFeed(feed)

    async def listen(self, wanted: Wanted, told: Told, *, credentials: Mapping[str, str]) -> None:
        """Tell the trades of what is wanted until the connection breaks."""
        line = TradeLine(self._feed, told, credentials)
        receiving: asyncio.Future[Any] | None = None
        try:
            with _failures_told():
                async with asyncio.timeout(settings.PROVIDER_TIMEOUT_S):
                    await line.open()
                receiving = asyncio.ensure_future(line.receive())
                await _follow(line, wanted, receiving)
        finally:
            await receiving_end(receiving)
            await line.close()


async def _follow(line: TradeLine, wanted: Wanted, receiving: asyncio.Future[Any]) -> None:
    """Subscribe to what is wanted, whenever it changes, until the line breaks."""
    known: frozenset[str] = frozenset()
    while (symbols := await change_or_end(wanted, known, receiving)) is not None:
        await line.follow(symbols, before=known)
        known = symbols
    receiving.result()
    raise http.unreachable(SOURCE)


class TradeLine(StockDataStream):
    """One connection of the library's client; the library's own would be opened again for ever."""

    def __init__(self, feed: DataFeed, told: Told, credentials: Mapping[str, str]) -> None:
        url = f"{BaseURL.MARKET_DATA_STREAM.value}/v2/{feed.value}"
        super().__init__(
            credentials["key_id"],
            credentials["secret"],
            raw_data=True,
            feed=DataFeed.IEX,
            url_override=socket_url(url, settings.ALPACA_DATA_URL),
            websocket_params={
                "ping_interval": PING_EVERY_S,
                "ping_timeout": PING_WITHIN_S,
                "max_queue": 1024,
            },
        )
        self._told = told

    async def open(self) -> None:
        """Connect and say who asks."""
        await self._start_ws()

    async def follow(self, symbols: frozenset[str], *, before: frozenset[str]) -> None:
        """Subscribe to trades, and end subscriptions that nobody wants any more."""
        gone = sorted(before - symbols)
        if gone:
            await self._send_unsubscribe_msg("trades", gone)
            self.unsubscribe_trades(*gone)
        self.subscribe_trades(self._trade, *sorted(symbols))
        if symbols:
            await self._send_subscribe_msg()

    async def receive(self) -> None:
        """Receive until the connection breaks."""
        await self._consume()

    async def _trade(self, trade: Any) -> None:
        self._told(trade["S"], LastTrade(repr(float(trade["p"])), trade["t"].to_datetime()))

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        """Take a message; a fault that Alpaca tells of ends the connection."""
        if msg.get("T") == "error":
            raise _refusal(str(msg.get("msg", "")))
        await super()._dispatch(msg)


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except ApplicationError:
        raise
    except TimeoutError as error:
        raise http.timed_out(SOURCE) from error
    except (OSError, websockets.WebSocketException) as error:
        raise http.unreachable(SOURCE) from error
    except ValueError as error:
        # The library tells a refusal by its words alone.
        raise _refusal(str(error)) from error
    except (LookupError, TypeError, AttributeError) as error:
        raise http.bad_reply(SOURCE) from error


def _refusal(words: str) -> ApplicationError:
    if any(known in words for known in REFUSED):
        return http.status_error(SOURCE, 401)
    return Transient(
        f"{SOURCE} ends the stream of prices: {words or 'no reason'}.", code="stream_refused"
    )
