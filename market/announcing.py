"""Waking whoever looks at quotes when new ones have come.

Who that is stands here by name alone: those apps are above this one, and it imports none of them.
"""

from __future__ import annotations

from typing import Final

import redis
import structlog
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

FOLLOWERS: Final = (("notifications.quotes", "alerts"),)
# However fast quotes come, they are looked at no more often.
AT_MOST_EVERY_MS: Final = 1000
LATE_AFTER_S: Final = 5


def quotes_announce(client: redis.Redis) -> None:
    """Queue the tasks that look at quotes, at most once a second.

    A message that cannot be sent is not kept: every follower also looks on a schedule of its own.
    """
    key = f"{settings.REDIS_NAMESPACE}:quotes:announced"
    if not client.set(key, b"1", nx=True, px=AT_MOST_EVERY_MS):
        return
    for task, queue in FOLLOWERS:
        try:
            current_app.send_task(task, queue=queue, expires=LATE_AFTER_S, retry=False)
        except (OperationalError, OSError) as error:
            log.warning("market.quotes_not_announced", task=task, error=str(error))
