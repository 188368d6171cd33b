"""Order updates of Alpaca, from its `trade_updates` through its library alpaca-py.

The id of an execution there is not promised to be that of the account's activities, by which fills
are counted. So an update tells that an order has moved, and its fills are asked for.
"""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from typing import Any, Final

from alpaca.common.enums import BaseURL
from alpaca.trading.stream import TradingStream
from django.conf import settings

from brokers.adapters.alpaca import TITLE, order_told
from brokers.adapters.base import Access
from brokers.streams.base import (
    CLOSE_WITHIN_S,
    PING_EVERY_S,
    PING_WITHIN_S,
    Ready,
    Told,
    Update,
    stream_url,
)
from brokers.streams.socket import broken, failures_told, token_refused

UPDATES: Final = "trade_updates"
# The library tells a refusal by its words alone.
REFUSED: Final = "failed to authenticate"

# Every connection and its end would be a line each; ours says what matters.
logging.getLogger("alpaca.trading.stream").setLevel(logging.CRITICAL)


class AlpacaStream:
    """The updates of one account."""

    async def listen(self, access: Access, told: Told, ready: Ready) -> None:
        """Tell updates until the connection breaks."""
        line = _Line(access, told, ready)
        with failures_told(TITLE):
            try:
                async with asyncio.timeout(settings.BROKER_TIMEOUT_S):
                    await line.open()
                await line.receive()
            finally:
                await line.close()
        raise broken(TITLE)


class _Line(TradingStream):
    """One connection of the library's client; the library's own would be opened again for ever."""

    def __init__(self, access: Access, told: Told, ready: Ready) -> None:
        url = BaseURL.TRADING_STREAM_LIVE if access.live else BaseURL.TRADING_STREAM_PAPER
        super().__init__(
            access.credentials["key_id"],
            access.credentials["secret"],
            paper=not access.live,
            raw_data=True,
            url_override=stream_url("alpaca", url.value),
            websocket_params={
                "ping_interval": PING_EVERY_S,
                "ping_timeout": PING_WITHIN_S,
                "close_timeout": CLOSE_WITHIN_S,
                "max_queue": 1024,
            },
        )
        self._told, self._ready = told, ready
        self.subscribe_trade_updates(self._update)

    async def open(self) -> None:
        """Connect and say who asks."""
        try:
            await self._start_ws()  # type: ignore[no-untyped-call]  # the library's
        except ValueError as error:
            if str(error) == REFUSED:
                raise token_refused(TITLE) from error
            raise

    async def receive(self) -> None:
        """Receive until the connection breaks."""
        await self._consume()  # type: ignore[no-untyped-call]  # the library's

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        if msg["stream"] == "listening" and UPDATES in msg["data"]["streams"]:
            self._ready()
        await super()._dispatch(msg)

    async def _update(self, message: Any) -> None:
        row = message["data"]["order"]
        self._told(Update(order_told(row), filled=Decimal(row["filled_qty"])))
