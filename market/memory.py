"""The client of Redis of each process, for what may be forgotten: quotes and rates."""

from __future__ import annotations

from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry


@lru_cache(maxsize=1)
def memory() -> redis.Redis:
    """Return the client. A stale connection is opened anew once; Redis away is told at once.

    By default the library waits for seconds before it says so, and a page that shows a quote beside
    other things would wait with it.
    """
    client: redis.Redis = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 1),
    )
    return client
