"""Topics that are nobody's own, such as prices: every subscriber hears the same frames.

Their frames carry no number and are rows nowhere. What a slow reader misses is not sent again, for
the next frame replaces it; the last one of a topic is kept in Redis, for those who come later.
Whoever makes the frames can see here which topics somebody wants.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings

# A subscription is taken for one this long, and renewed well before.
WANTED_S: Final = 600
RENEW_AFTER_S: Final = 240


def channel_of_topic(topic: str) -> str:
    """Return the name of the Redis channel that carries a topic's frames."""
    return f"realtime:{settings.REDIS_NAMESPACE}:topic:{topic}"


def last_of_topic(topic: str) -> str:
    """Return the Redis key that holds a topic's last frame."""
    return f"{settings.REDIS_NAMESPACE}:topic:{topic}:last"


def wanted_topics() -> str:
    """Return the Redis key of the sorted set of topics, by the time until which each is wanted."""
    return f"{settings.REDIS_NAMESPACE}:topics:wanted"
