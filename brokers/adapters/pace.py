"""Keeping calls for one account within a broker's rate, whichever process makes them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, cast
from uuid import UUID

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from brokers.adapters.begin import begin_check

log = structlog.get_logger(__name__)

WINDOW_S: Final = 1.0
# Redis that does not answer is asked again after so long: a kill switch waits for nothing.
AWAY_S: Final = 5.0
TIMEOUT_S: Final = 0.2
# Calls at once take a place in less time than as many connections take to be opened.
CONNECTIONS: Final = 8
# A place that was reserved is used right away, or another is taken.
RESERVED_S: Final = 0.2

# Takes the next free place among the last calls of each account, and returns in how many
# milliseconds it comes.
TAKE_PLACES: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most, window, waits = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
for place, key in ipairs(KEYS) do
    local due = now
    if redis.call('LLEN', key) >= most then
        due = math.max(now, tonumber(redis.call('LPOP', key)) + window)
    end
    redis.call('RPUSH', key, due)
    redis.call('PEXPIRE', key, due - now + window)
    waits[place] = due - now
end
return waits
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
        # Of each account: when its places come, and until when they are to be used.
        self._reserved: dict[UUID, deque[tuple[float, float]]] = {}
        self._away_until = 0.0

    def reserve(self, account_ids: Sequence[UUID]) -> None:
        """Take places for calls that are about to be made, with one question for all of them."""
        rate = settings.BROKER_RATES.get(self._kind)
        waits = self._shared(account_ids, _most(rate)) if rate else None
        now = time.monotonic()
        with self._lock:
            for account_id, wait_s in zip(account_ids, waits or (), strict=False):
                places = self._reserved.setdefault(account_id, deque())
                places.append((now + wait_s, now + wait_s + RESERVED_S))

    def wait(self, account_id: UUID) -> None:
        """Wait until another call is within the rate.

        Raises
        ------
        Refused
            When an order has waited for too long to be sent.
        """
        rate = settings.BROKER_RATES.get(self._kind)
        wait_s = self._place(account_id, _most(rate)) if rate else 0.0
        with self._lock:
            through = max(let_through_at(self._kind), time.monotonic() + wait_s)
            _let_through[self._kind] = through
        if wait_s > 0:
            time.sleep(wait_s)
        begin_check()

    def _place(self, account_id: UUID, most: int) -> float:
        """Take the next place; return how long it is until it comes."""
        wait_s = self._held(account_id)
        if wait_s is None and (waits := self._shared([account_id], most)):
            (wait_s,) = waits
        return self._own(account_id, most) if wait_s is None else wait_s

    def _held(self, account_id: UUID) -> float | None:
        """Use a place that was reserved; None where there is none."""
        with self._lock:
            places = self._reserved.pop(account_id, None)
            now = time.monotonic()
            while places:
                due, until = places.popleft()
                if places:
                    self._reserved[account_id] = places
                if now < until:
                    return max(0.0, due - now)
        return None

    def _shared(self, account_ids: Sequence[UUID], most: int) -> list[float] | None:
        """Take places among the calls of all processes; None where that cannot be known."""
        if time.monotonic() < self._away_until:
            return None
        keys = [f"{settings.REDIS_NAMESPACE}:broker-pace:{self._kind}:{one}" for one in account_ids]
        try:
            waits_ms = cast(list[int], _script()(keys=keys, args=[most, int(WINDOW_S * 1000)]))
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_S
            log.warning("broker.pace_without_redis", kind=self._kind, error=str(error))
            return None
        return [wait_ms / 1000 for wait_ms in waits_ms]

    def _own(self, account_id: UUID, most: int) -> float:
        with self._lock:
            calls = self._calls.setdefault(account_id, deque(maxlen=most))
            now = time.monotonic()
            due = max(now, calls[0] + WINDOW_S) if len(calls) == most else now
            calls.append(due)
        return due - now


@lru_cache
def pace_of(kind: str) -> Pace:
    """Return what keeps this process's calls to a broker within its rate."""
    return Pace(kind)


def _most(rate: float) -> int:
    """Return how many calls there may be in a window."""
    return max(1, int(rate * WINDOW_S))


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
    return redis.Redis(connection_pool=pool).register_script(TAKE_PLACES)
