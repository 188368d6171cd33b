"""Redis carries frames and caches, and may vanish at any moment."""

from __future__ import annotations

from typing import Any

from backtester import env
from backtester.settings.celery import REDIS_URL

# Installations that share one Redis keep their keys and channels apart by this name.
REDIS_NAMESPACE = env.text("REDIS_NAMESPACE", "app")

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "core.api.cache.SurvivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_NAMESPACE,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}
