"""Order updates of Binance, from its user data stream through ccxt.pro.

The library subscribes and keeps the connection; its own orders, whose amounts are floats, are not
made. An execution has the id there by which it is told when it is asked for, so it is written down
as it comes.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, Final

import ccxt.pro  # type: ignore[import-untyped]  # it has no types
from django.conf import settings

from brokers.adapters.base import Access, Execution, OutcomeUnknown, VenueOrder
from brokers.adapters.binance import (
    OUR_TYPES,
    STATUSES,
    TITLE,
    commission_known,
    execution_told,
    symbol_told,
)
from brokers.choices import OrderStatus, OrderType, Side
from brokers.streams.base import PING_EVERY_S, Ready, Told, Update, stream_url
from brokers.streams.socket import broken, failures_told, token_refused

# An execution, and the events whose order bears the id of the request instead of its own.
TRADE: Final = "TRADE"
OF_A_REQUEST: Final = frozenset({"CANCELED", "REPLACED", "PENDING_CANCEL"})


class BinanceStream:
    """The updates of one account's spot market."""

    async def listen(self, access: Access, told: Told, ready: Ready) -> None:
        """Tell updates until the connection breaks."""
        line = _Line(access, told)
        try:
            with failures_told(TITLE):
                async with asyncio.timeout(settings.BROKER_TIMEOUT_S):
                    await line.subscribe()
                ready()
                await line.receive()
        except (ccxt.AuthenticationError, ccxt.PermissionDenied) as error:
            raise token_refused(TITLE) from error
        except ccxt.BaseError as error:
            raise broken(TITLE) from error
        finally:
            await line.close()
        raise broken(TITLE)


class _Line(ccxt.pro.binance):  # type: ignore[misc]  # it has no types
    """One connection of the library's client."""

    def __init__(self, access: Access, told: Told) -> None:
        super().__init__(
            {
                "apiKey": access.credentials["api_key"],
                "secret": access.credentials["secret"],
                "timeout": int(settings.BROKER_TIMEOUT_S * 1000),
                "enableRateLimit": False,
                "options": {"defaultType": "spot", "ws": {"keepAlive": PING_EVERY_S * 1000}},
            }
        )
        if not access.live:
            self.set_sandbox_mode(True)
        self._url = stream_url("binance", self.urls["api"]["ws"]["ws-api"]["spot"])
        self.urls["api"]["ws"]["ws-api"]["spot"] = self._url
        if base := settings.BROKER_URLS.get("binance", ""):
            path = self.urls["api"]["public"].split("/", 3)[3]
            self.urls["api"]["public"] = f"{base}/{path}"
        self._tell = told

    async def subscribe(self) -> None:
        """Connect, and subscribe by the exchange's clock."""
        await self.load_time_difference()
        await self.ensure_user_data_stream_ws_subscribe_signature("spot")

    async def receive(self) -> None:
        """Receive until the connection breaks; the library rejects what is waited for then."""
        await self.client(self._url).future("broken")

    def handle_order_update(self, client: Any, message: Any) -> None:
        """Tell of an order; an update that cannot be read ends the connection."""
        try:
            with failures_told(TITLE):
                self._tell(_update(message))
        except OutcomeUnknown as error:
            client.reject(error)

    def handle_event_stream_terminated(self, client: Any, message: Any) -> None:  # noqa: ARG002 - the library's signature
        """End with the subscription."""
        client.reject(broken(TITLE))


def _update(row: Any) -> Update:
    executions: tuple[Execution, ...] = ()
    if row["x"] == TRADE:
        trade = {
            "qty": row["l"],
            "price": row["L"],
            "commission": row["n"],
            "commissionAsset": row["N"],
        }
        # What another coin was worth is asked for, with the fill.
        if commission_known(row["s"], trade):
            executions = (execution_told(row["s"], row["S"], trade, (row["T"], row["t"])),)
    return Update(
        VenueOrder(
            broker_order_id=str(row["i"]),
            status=STATUSES.get(row["X"], OrderStatus.ACCEPTED),
            executions=executions,
            client_order_id=row["C"] if row["x"] in OF_A_REQUEST and row["C"] else row["c"],
            symbol=symbol_told(row["s"]),
            side=Side.BUY if row["S"] == "BUY" else Side.SELL,
            order_type=OUR_TYPES.get(row["o"], OrderType.MARKET),
            quantity=Decimal(row["q"]),
            reason="" if row["r"] == "NONE" else row["r"],
        ),
        filled=Decimal(row["z"]),
    )
