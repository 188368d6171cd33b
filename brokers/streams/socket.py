"""A WebSocket of a broker: its frames, and what its failures prove."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import websockets
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect

from brokers.adapters.base import OutcomeUnknown, Refused
from brokers.streams.base import CLOSE_WITHIN_S, PING_EVERY_S, PING_WITHIN_S

FORBIDDEN: Final = frozenset({401, 403})


@asynccontextmanager
async def opened(title: str, url: str) -> AsyncIterator[ClientConnection]:
    """Open a connection, and tell what breaks it as `OrderStream.listen` does."""
    with failures_told(title):
        async with connect(
            url,
            open_timeout=settings.BROKER_TIMEOUT_S,
            ping_interval=PING_EVERY_S,
            ping_timeout=PING_WITHIN_S,
            close_timeout=CLOSE_WITHIN_S,
        ) as connection:
            yield connection


@contextmanager
def failures_told(title: str) -> Iterator[None]:
    """Make what breaks a stream one of the two errors that are known."""
    try:
        yield
    except websockets.InvalidStatus as error:
        if error.response.status_code in FORBIDDEN:
            raise token_refused(title) from error
        raise broken(title) from error
    except (TimeoutError, OSError, websockets.WebSocketException) as error:
        raise broken(title) from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise OutcomeUnknown(f"The stream of {title} cannot be read.") from error


def broken(title: str) -> OutcomeUnknown:
    """Return what a stream that ended is told with."""
    return OutcomeUnknown(f"The stream of {title} broke.")


def token_refused(title: str) -> Refused:
    """Return what credentials are refused with."""
    return Refused("credentials_refused", f"{title} lets this account listen to no stream.")
