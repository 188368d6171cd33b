"""What a stream of a broker's order updates is to us.

A stream makes news faster and nothing else: what it tells may be lost, repeated and mixed up.
Orders are asked about beside it, accounts are reconciled after every connection, and executions
count once by the broker's id of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from django.conf import settings

from brokers.adapters.base import Access, VenueOrder
from market.providers.listening import socket_url

# Seconds between pings, and how long an answer may take: a dead line is noticed within both.
PING_EVERY_S: Final = 10
PING_WITHIN_S: Final = 20
# A connection that breaks is not waited for.
CLOSE_WITHIN_S: Final = 1


@dataclass(frozen=True, slots=True)
class Update:
    """What a stream tells of an order.

    Attributes
    ----------
    order : VenueOrder
        How it stands. Its executions have the ids by which `Adapter.find` tells them; where the
        stream knows these ids not, there are none, and the order is asked about.
    filled : Decimal
        How much of it was filled by then.
    """

    order: VenueOrder
    filled: Decimal = Decimal(0)


Told = Callable[[Update], None]
Ready = Callable[[], None]


class OrderStream(Protocol):
    """A broker's order updates as they happen."""

    async def listen(self, access: Access, told: Told, ready: Ready) -> None:
        """Open a connection and tell updates until it breaks; `ready` once they come.

        Raises
        ------
        OutcomeUnknown
            When the connection broke: another one may work.
        Refused
            When the account may not listen.
        """
        ...


def stream_url(kind: str, url: str) -> str:
    """Return the address of a stream, on another host where `BROKER_URLS` has one.

    ``alpaca_stream`` redirects the stream of alpaca alone, ``alpaca`` both.
    """
    urls = settings.BROKER_URLS
    return socket_url(url, urls.get(f"{kind}_stream", "") or urls.get(kind, ""))
