"""Messages to the workers, and how long until one counts as lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from core.outbox.services import task_enqueue

RUN_TASK: Final = "core.backtests.run"
QUEUE: Final = "interactive"
LOST_AFTER: Final = timedelta(seconds=15)
LOST_AFTER_AT_MOST: Final = timedelta(minutes=10)


def message_send(*, run_id: UUID) -> None:
    """Send the message that makes a worker take the run, with the transaction that is open."""
    task_enqueue(task=RUN_TASK, args=[str(run_id)], queue=QUEUE)


def lost_at(*, messages: int) -> datetime:
    """Return when the newest of so many messages counts as lost.

    The wait doubles: behind a long queue a message is late, not lost, and sending it again and
    again would only make the queue longer.
    """
    doublings = max(0, min(messages - 1, 10))
    wait = min(LOST_AFTER * (1 << doublings), LOST_AFTER_AT_MOST)
    return timezone.now() + wait
