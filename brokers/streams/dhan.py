"""Order updates of Dhan, from its WebSocket.

Its library's client prints the access token, so the protocol is spoken here: one message says who
asks, and is not answered. An update tells no executions one by one, so they are asked for.
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from brokers.adapters.base import Access, VenueOrder
from brokers.adapters.dhan import STATUSES, TITLE, option_list
from brokers.adapters.indian import symbol_of
from brokers.adapters.indian_options import Called
from brokers.choices import OrderStatus, OrderType, Side
from brokers.streams.base import Ready, Told, Update, stream_url
from brokers.streams.socket import broken, opened

URL: Final = "wss://api-order-update.dhan.co"
LOGIN: Final = 42
# What trades where options of the National Stock Exchange do.
DERIVATIVES: Final = ("NSE", "D")
# It abbreviates here what its other endpoints write out.
OUR_TYPES: Final = MappingProxyType(
    {
        "MKT": OrderType.MARKET,
        "LMT": OrderType.LIMIT,
        "SLM": OrderType.STOP,
        "SL": OrderType.STOP_LIMIT,
    }
)


class DhanStream:
    """The updates of one account."""

    def __init__(self) -> None:
        self._options = option_list()

    async def listen(self, access: Access, told: Told, ready: Ready) -> None:
        """Tell updates until the connection breaks."""
        login = {
            "LoginReq": {
                "MsgCode": LOGIN,
                "ClientId": access.credentials["client_id"],
                "Token": access.credentials["access_token"],
            },
            "UserType": "SELF",
        }
        async with opened(TITLE, stream_url("dhan", URL)) as connection:
            await connection.send(json.dumps(login))
            ready()
            async for frame in connection:
                message = json.loads(frame)
                if message.get("Type") == "order_alert":
                    row = message["Data"]
                    told(_update(row, await self._called(access, row)))
        raise broken(TITLE)

    async def _called(self, access: Access, row: dict[str, Any]) -> Called | None:
        """Return the option that an order is about; its list may have to be fetched."""
        if (row["Exchange"], row["Segment"]) != DERIVATIVES:
            return None
        return await asyncio.to_thread(self._options.told, access, str(row["SecurityId"]))


def _update(row: dict[str, Any], called: Called | None) -> Update:
    lot = called.lot if called else 1
    filled, quantity = Decimal(str(row["TradedQty"])) / lot, Decimal(str(row["Quantity"])) / lot
    status = STATUSES.get(str(row["Status"]).upper(), OrderStatus.ACCEPTED)
    if status == OrderStatus.FILLED and filled < quantity:
        status = OrderStatus.PARTIALLY_FILLED
    return Update(
        VenueOrder(
            broker_order_id=str(row["OrderNo"]),
            status=status,
            client_order_id=row.get("CorrelationId") or "",
            symbol=called.symbol if called else symbol_of(row["Exchange"], row["Symbol"]),
            side=Side.BUY if row["TxnType"] == "B" else Side.SELL,
            order_type=OUR_TYPES.get(row["OrderType"], OrderType.MARKET),
            quantity=quantity,
            reason=row.get("ReasonDescription") or "",
        ),
        filled=filled,
    )
