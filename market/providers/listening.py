"""Prices as they happen: what a stream of a provider offers.

A stream holds one connection, however many symbols are wanted, and tells each price it hears. When
the connection breaks it raises; whoever holds the stream opens the next one (`market.lines`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from market.providers.base import LastTrade

Told = Callable[[str, LastTrade], None]


class Wanted:
    """The symbols that somebody wants from a stream, which may change while it listens."""

    def __init__(self, symbols: frozenset[str]) -> None:
        self.symbols = symbols
        self._changed = asyncio.Event()

    def change(self, symbols: frozenset[str]) -> None:
        """Want other symbols; to be called on the loop that listens."""
        if symbols != self.symbols:
            self.symbols = symbols
            self._changed.set()

    async def other_than(self, known: frozenset[str]) -> frozenset[str]:
        """Return the symbols once they are not the known ones."""
        while self.symbols == known:
            self._changed.clear()
            await self._changed.wait()
        return self.symbols


class Stream(Protocol):
    """A provider's prices as they happen."""

    async def listen(self, wanted: Wanted, told: Told, *, credentials: Mapping[str, str]) -> None:
        """Open a connection, follow what is wanted, and tell prices until the connection breaks.

        Raises as `Provider.download` does: `Transient` where another connection may work.
        """


async def change_or_end(
    wanted: Wanted, known: frozenset[str], receiving: asyncio.Future[Any] | None
) -> frozenset[str] | None:
    """Return what is wanted once that is not the known; None once receiving has ended before."""
    change = asyncio.ensure_future(wanted.other_than(known))
    waited = {change} if receiving is None else {change, receiving}
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        return change.result() if change.done() else None
    finally:
        change.cancel()


async def receiving_end(receiving: asyncio.Future[Any] | None) -> None:
    """Cancel what receives, if it still does, and wait until it has ended."""
    if receiving is not None:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)


def socket_url(url: str, base: str) -> str:
    """Return the address of a WebSocket on the host of another address, where one is set.

    Parameters
    ----------
    url : str
        The provider's own: ``"wss://stream.binance.com:9443/ws"``.
    base : str
        An ``http`` or ``https`` address that speaks its protocol; empty for the provider's.
    """
    if not base:
        return url
    host, own = urlsplit(base), urlsplit(url)
    scheme = "wss" if host.scheme == "https" else "ws"
    return urlunsplit(own._replace(scheme=scheme, netloc=host.netloc, path=host.path + own.path))
