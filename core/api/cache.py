"""The cache may vanish: then it is empty, not an error."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis import RedisError

log = structlog.get_logger(__name__)


class SurvivingRedisCache(RedisCache):
    """Django's Redis cache, that answers as an empty cache does while Redis is away."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return the value, or the default where there is none or no Redis."""
        try:
            return super().get(key, default, version)
        except RedisError as error:
            log.warning("cache.away", error=str(error))
            return default

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        """Store the value if Redis is there."""
        try:
            super().set(key, value, *args, **kwargs)
        except RedisError as error:
            log.warning("cache.away", error=str(error))

    def add(self, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        """Store the value if there is none; without Redis say that it was stored."""
        try:
            return bool(super().add(key, value, *args, **kwargs))
        except RedisError as error:
            log.warning("cache.away", error=str(error))
            return True

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Count up; without Redis, or where it has just forgotten the key, from nothing."""
        try:
            return int(super().incr(key, delta, version))
        except ValueError:
            return delta
        except RedisError as error:
            log.warning("cache.away", error=str(error))
            return delta
