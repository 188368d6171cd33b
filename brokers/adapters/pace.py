"""Keeping calls for one account within a broker's rate, whichever process makes them."""

from __future__ import annotations

import threading
import time
from collections import deque
from functools import lru_cache
from typing import Final
from uuid import UUID

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

log = structlog.get_logger(__name__)

WINDOW_S: Final = 1.0
# Redis that does not answer is asked again after so long: a kill switch waits for nothing.
AWAY_S: Final = 5.0
TIMEOUT_S: Final = 0.2
# A hundred calls at once take a place in less time than a hundred connections take to be opened.
CONNECTIONS: Final = 8

# Takes the next free place among the last calls, and returns in how many milliseconds it comes.
TAKE_PLACE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most, window, due = tonumber(ARGV[1]), tonumber(ARGV[2]), now
if redis.call('LLEN', KEYS[1]) >= most then
    due = math.max(now, tonumber(redis.call('LPOP', KEYS[1])) + window)
end
redis.call('RPUSH', KEYS[1], due)
redis.call('PEXPIRE', KEYS[1], due - now + window)
return due - now
"""

_let_through: dict[str, float] = {}


def let_through_at(kind: str) -> float:
    """Return when this process's last call to a broker was, or will be, within the rate.

    By the monotonic clock; zero where there was none.
    """
    return _let_through.get(kind, 0.0)


class Pace:
    """Keeps calls for one account within a rate, by waiting for a place.

    The places are in Redis, for all processes; without Redis each process counts its own calls.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._lock = threading.Lock()
        self._calls: dict[UUID, deque[float]] = {}
        self._away_until = 0.0

    def wait(self, account_id: UUID) -> None:
        """Wait until another call is within the rate."""
        rate = settings.BROKER_RATES.get(self._kind)
        wait_s = self._place(account_id, max(1, int(rate * WINDOW_S))) if rate else 0.0
        with self._lock:
            through = max(let_through_at(self._kind), time.monotonic() + wait_s)
            _let_through[self._kind] = through
        if wait_s > 0:
            time.sleep(wait_s)

    def _place(self, account_id: UUID, most: int) -> float:
        """Take the next place; return how long it is until it comes."""
        wait_s = self._shared(account_id, most)
        return self._own(account_id, most) if wait_s is None else wait_s

    def _shared(self, account_id: UUID, most: int) -> float | None:
        """Take a place among the calls of all processes; None where that cannot be known."""
        if time.monotonic() < self._away_until:
            return None
        key = f"{settings.REDIS_NAMESPACE}:broker-pace:{self._kind}:{account_id}"
        try:
            waits_ms = _script()(keys=[key], args=[most, int(WINDOW_S * 1000)])
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_S
            log.warning("broker.pace_without_redis", kind=self._kind, error=str(error))
            return None
        return float(waits_ms) / 1000

    def _own(self, account_id: UUID, most: int) -> float:
        with self._lock:
            calls = self._calls.setdefault(account_id, deque(maxlen=most))
            now = time.monotonic()
            due = max(now, calls[0] + WINDOW_S) if len(calls) == most else now
            calls.append(due)
        return due - now


@lru_cache(maxsize=1)
def _script() -> Script:
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=CONNECTIONS,
        timeout=TIMEOUT_S,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    return redis.Redis(connection_pool=pool).register_script(TAKE_PLACE)
