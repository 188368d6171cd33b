"""Who listens to streams: one worker at a time, for as long as it renews its lease in Redis.

There is one lease for the streams of prices, and others by name for what else is listened to.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

import redis
import structlog
from django.conf import settings

from market.memory import memory

log = structlog.get_logger(__name__)

# A worker that was killed is followed by another after so long.
LEASE_S: Final = 10
QUOTES: Final = "quotes"
# Renews the lease, or ends it, only where it is the holder's.
RENEW: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
END: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


def lease_take(what: str = QUOTES) -> str | None:
    """Return a new lease; None where another worker has it, or Redis is away."""
    holder = uuid.uuid4().hex
    try:
        return holder if memory().set(_key(what), holder, nx=True, ex=LEASE_S) else None
    except redis.RedisError as error:
        log.warning("market.stream_without_redis", error=str(error))
        return None


def lease_renew(holder: str, what: str = QUOTES) -> bool:
    """Return whether the lease is still the holder's, which then has it for longer."""
    try:
        renewed: Any = memory().eval(RENEW, 1, _key(what), holder, str(LEASE_S))
    except redis.RedisError:
        return False
    return bool(renewed)


def lease_end(holder: str, what: str = QUOTES) -> None:
    """Let the next worker listen."""
    try:
        memory().eval(END, 1, _key(what), holder)
    except redis.RedisError as error:
        log.warning("market.stream_without_redis", error=str(error))


def lease_break(what: str = QUOTES) -> None:
    """Take the lease from whoever has it: it stops listening within a second."""
    try:
        memory().delete(_key(what))
    except redis.RedisError as error:
        log.warning("market.stream_without_redis", error=str(error))


def is_leased(what: str = QUOTES) -> bool:
    """Return whether a worker listens; true where nobody can know."""
    try:
        return bool(memory().exists(_key(what)))
    except redis.RedisError:
        return True


def _key(what: str) -> str:
    return f"{settings.REDIS_NAMESPACE}:{what}:streaming"
