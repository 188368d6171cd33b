"""Order updates of Zerodha, from the WebSocket of Kite Connect.

Its own library drags in a package that breaks Python's, so the protocol is spoken here: prices come
as bytes, orders as text. An update tells no executions one by one, so they are asked for.
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from brokers.adapters.base import Access
from brokers.adapters.zerodha import TITLE, option_called, option_list, order_told
from brokers.streams.base import Ready, Told, Update, stream_url
from brokers.streams.socket import broken, opened

URL: Final = "wss://ws.kite.trade"


class ZerodhaStream:
    """The updates of one account."""

    def __init__(self) -> None:
        self._options = option_list()

    async def listen(self, access: Access, told: Told, ready: Ready) -> None:
        """Tell updates until the connection breaks; a token that is refused refuses it."""
        url = f"{stream_url('zerodha', URL)}/?{urlencode(access.credentials)}"
        async with opened(TITLE, url) as connection:
            ready()
            async for frame in connection:
                if isinstance(frame, str):
                    message = json.loads(frame)
                    if message["type"] == "order":
                        row = message["data"]
                        # The list of options may have to be fetched, which nobody waits for.
                        called = await asyncio.to_thread(option_called, self._options, access, row)
                        filled = Decimal(row["filled_quantity"]) / (called.lot if called else 1)
                        told(Update(order_told(row, called=called), filled=filled))
        raise broken(TITLE)
