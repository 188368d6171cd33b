"""From any process to the web processes, over Redis publish/subscribe.

Fire and forget: whoever must not miss a thing reads the rows.
"""

from __future__ import annotations

import json
from functools import lru_cache
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from core.realtime.frames import Frame

log = structlog.get_logger(__name__)

SESSIONS_ENDED: Frame = {"type": "session.ended", "topic": "session"}


def channel_of(user_id: UUID | str) -> str:
    """Return the name of the Redis channel that carries a user's frames."""
    return f"realtime:{settings.REDIS_NAMESPACE}:{user_id}"


@lru_cache(maxsize=1)
def publisher() -> redis.Redis:
    """Return this process's client; connections are opened when they are needed."""
    client: redis.Redis = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
    )
    return client


def push(*, user_id: UUID, frame: Frame) -> None:
    """Send a frame to the user's sockets and waiting requests; give up quietly without Redis."""
    message = json.dumps(frame, cls=DjangoJSONEncoder, separators=(",", ":"))
    try:
        publisher().publish(channel_of(user_id), message)
    except redis.RedisError as error:
        log.warning("realtime.push_lost", user_id=str(user_id), error=str(error))
