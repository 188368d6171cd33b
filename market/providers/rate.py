"""Not asking a provider more often than it allows, all workers together.

The rate is kept in Redis (the generic cell rate algorithm: one number per provider and account,
the time when the next request is due). Without Redis each process keeps its own.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import redis
import structlog
from django.conf import settings

from core.errors import Transient
from market.memory import memory

log = structlog.get_logger(__name__)

# Requests that may follow each other at once after a pause.
BURST: Final = 5
LONGEST_WAIT_S: Final = 60.0
# KEYS[1] the number; ARGV: seconds between requests, burst. Returns seconds to wait; takes a place
# only where that is 0.
TAKE_PLACE: Final = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local step, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = due - now - step * (burst - 1)
if wait > 0 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', due + step), 'EX', math.ceil(step * burst) + 60)
return '0'
"""

_due: dict[str, float] = {}
_lock = threading.Lock()


def place_wait(
    provider: str,
    credentials: Mapping[str, str] | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until a provider may be asked again.

    Parameters
    ----------
    provider : str
    credentials : mapping, optional
        Each account has a rate of its own.
    sleep : callable
        For tests.

    Raises
    ------
    Transient
        When the wait would be longer than a minute.
    """
    per_minute = settings.PROVIDER_RATES.get(provider)
    if not per_minute:
        return
    account = "|".join(sorted((credentials or {}).values()))
    digest = hashlib.sha256(account.encode()).hexdigest()[:16] if account else "all"
    name = f"{settings.REDIS_NAMESPACE}:rate:{provider}:{digest}"
    waited = 0.0
    while (wait := _take(name, 60.0 / per_minute)) > 0:
        waited += wait
        if waited > LONGEST_WAIT_S:
            raise Transient(
                f"Others are asking {provider} too, and it allows {per_minute} requests a minute: "
                "try again later.",
                code="rate_limited",
                retry_after_s=LONGEST_WAIT_S,
            )
        sleep(wait)


def _take(name: str, step: float) -> float:
    """Return how long to wait; 0 means that the place was taken."""
    try:
        return float(memory().eval(TAKE_PLACE, 1, name, step, BURST))
    except (redis.RedisError, OSError) as error:
        log.warning("market.rate_without_redis", error=str(error))
    with _lock:
        now = time.monotonic()
        due = max(_due.get(name, 0.0), now)
        wait = due - now - step * (BURST - 1)
        if wait <= 0:
            _due[name] = due + step
        return max(wait, 0.0)
