"""Connections to brokers, kept open from one call to the next for a short while.

A new one costs two or three ways to the broker and back, which is most of the time that an order
takes. One that has been idle for long may be closed by the other side at the very moment it is used
again, and then nobody knows what became of the order: so it is opened anew.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache
from typing import Any, Final

from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPSConnectionPool,
    PoolManager,
    ProxyManager,
)
from urllib3.exceptions import ProtocolError

# Shorter than any broker, and any proxy in front of one, is known to wait.
IDLE_S: Final = 20.0
# Of one host; more calls at once open connections that are closed after them.
KEPT: Final = 128
# What has a lower status is said while the answer is still on its way.
FINAL: Final = 200


class _Plain(HTTPConnectionPool):
    """Connections of one host, none of which is used again after a long rest."""

    def _put_conn(self, conn: Any) -> None:
        _rested(conn)
        super()._put_conn(conn)

    def _get_conn(self, timeout: float | None = None) -> Any:
        return _fresh(super()._get_conn(timeout))

    def _make_request(self, *args: Any, **kwargs: Any) -> BaseHTTPResponse:
        """Ask once. After an answer that is not the last one nothing more is read.

        The last one would be taken for that to the next request on this connection.
        """
        response = super()._make_request(*args, **kwargs)
        if response.status < FINAL:
            raise ProtocolError(f"The answer {response.status} says that another one follows.")
        return response


class _Secured(_Plain, HTTPSConnectionPool):
    """The same over TLS."""


class Connections(HTTPAdapter):
    """The transport of all sessions of this process."""

    def __init__(self) -> None:
        super().__init__(pool_connections=KEPT, pool_maxsize=KEPT)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have the manager keep connections as this module does."""
        super().init_poolmanager(*args, **kwargs)
        _pools_set(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        """Return the manager of a proxy, which keeps connections as this module does."""
        manager: ProxyManager = super().proxy_manager_for(*args, **kwargs)
        _pools_set(manager)
        return manager


def _pools_set(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Plain, "https": _Secured}


def _rested(conn: Any) -> None:
    if conn is not None:
        conn.idle_since = time.monotonic()


def _fresh(conn: Any) -> Any:
    """Close a connection that was idle for long; it is opened again by being used."""
    if time.monotonic() - getattr(conn, "idle_since", 0.0) > IDLE_S:
        conn.close()
    return conn


@lru_cache(maxsize=1)
def connections() -> Connections:
    """Return the transport of this process."""
    return Connections()


@lru_cache(maxsize=256)
def proxies_of(url: str) -> dict[str, str]:
    """Return the proxies that the environment names for a host; it is read once for each."""
    return get_environ_proxies(url)


# A child that used its parent's connections would read the parent's answers.
os.register_at_fork(after_in_child=connections.cache_clear)
