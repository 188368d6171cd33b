"""Order updates of Zerodha, from the WebSocket of Kite Connect.

Its own library drags in a package that breaks Python's, so the protocol is spoken here: prices come
as bytes, orders as text. An update tells no executions one by one, so they are asked for.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from brokers.adapters.base import Access
from brokers.adapters.zerodha import TITLE, order_told
from brokers.streams.base import Ready, Told, Update, stream_url
from brokers.streams.socket import broken, opened

URL: Final = "wss://ws.kite.trade"


class ZerodhaStream:
    """The updates of one account."""

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
                        filled = Decimal(row["filled_quantity"])
                        told(Update(order_told(row), filled=filled))
        raise broken(TITLE)
